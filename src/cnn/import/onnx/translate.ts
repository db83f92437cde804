/** An ONNX graph as a spec with weights: node by node, in the file's order, which must be one in which they can run. */
import { CumulensError } from '../../../errors.js';
import { didYouMean } from '../../../options.js';
import type { CnnSpecInput } from '../../spec.js';
import { dimsOf, isConstant, OnnxCall, type CallContext, type GraphAhead, type Value } from './call.js';
import { integers, type Constant } from './constants.js';
import { castTo, FOLDS } from './fold.js';
import { describeNode, neededFor, type OnnxGraph, type OnnxNode } from './graph.js';
import { nodeNames } from './names.js';
import { OPERATORS } from './operators/table.js';
import { readTensor } from './tensors.js';
import { viewOf, type View } from './view.js';
import { SpecWriter } from './writer.js';

/** What folding may make, beside as much as the file holds: shapes are small. */
const FREE_VALUES = 2 ** 22;

export interface TranslationSource {
  /** Names the file in errors. */
  what: string;
  graph: OnnxGraph;
  opset: number;
  /** The tensor of the images, and how the graph sees it. */
  input: { name: string; view: View; batch: number | undefined };
  /** The tensor of the logits. */
  output: string;
  size: CnnSpecInput['input'];
  /** Of the model and the files that belong to it. */
  bytes: number;
}

export class OnnxTranslator {
  readonly #source: TranslationSource;
  readonly #needed: readonly OnnxNode[];
  readonly #names: ReadonlyMap<OnnxNode, string>;
  readonly #values = new Map<string, Value>();
  readonly #context: CallContext;
  /** Nodes whose work an earlier one does, and the tensor that is what they give; '' for nothing. */
  readonly #taken = new Map<OnnxNode, string>();
  readonly #done = new Set<OnnxNode>();
  #folded = 0;
  readonly writer: SpecWriter;

  constructor(source: TranslationSource) {
    const { what, graph, input, output, opset, size, bytes } = source;
    this.#source = source;
    this.#needed = neededFor(output, graph);
    this.#names = nodeNames(this.#needed);
    this.writer = new SpecWriter(what, size, bytes);
    this.#values.set(input.name, input.view);
    this.#context = {
      writer: this.writer,
      opset,
      output,
      batch: input.batch,
      readTensor,
      ahead: this.#ahead(),
    };
  }

  fail(problem: string): never {
    throw new CumulensError('ERR_FORMAT', `${this.#source.what}: ${problem}`);
  }

  /** Translates what the output needs. @returns how the logits are seen */
  run(): View {
    for (const node of this.#needed) this.#translate(node);
    const { output } = this.#source;
    const value = this.#values.get(output);
    if (!value) this.fail(`has no output '${output}' that depends on the images`);
    return isConstant(value) ? this.fail(`its output '${output}' does not depend on the images`) : value;
  }

  /** The logits in a row. */
  finish(value: View): { node: string; shape: readonly number[] } {
    const maker = this.#source.graph.makers.get(this.#source.output);
    const [count = 0, ...others] = dimsOf(value).slice(1);
    if (!maker || others.some((size) => size !== 1)) {
      return this.fail(`its output is [N, ${dimsOf(value).slice(1).join(', ')}], expected logits [N, classes]: not a classifier`); // prettier-ignore
    }
    const call = this.#call(maker, []);
    const row = call.settle({ ...value, axes: [value.axes.flat()] });
    return { node: row.node, shape: [count] };
  }

  #refusal(node: OnnxNode): (problem: string) => never {
    return (problem) => this.fail(`${describeNode(node)}: ${problem}`);
  }

  #call(node: OnnxNode, inputs: readonly (Value | undefined)[]): OnnxCall {
    return new OnnxCall(this.#context, node, inputs, this.#names.get(node) ?? node.name, this.#refusal(node));
  }

  #translate(node: OnnxNode): void {
    this.#done.add(node);
    const taken = this.#taken.get(node);
    if (taken !== undefined) {
      this.#give(node, [this.#values.get(taken)]);
      return;
    }
    const inputs = node.inputs.map((name) => (name === '' ? undefined : this.#value(name, node)));
    this.#give(node, this.#results(this.#call(node, inputs)));
  }

  #give(node: OnnxNode, results: readonly (Value | undefined)[]): void {
    results.forEach((value, i) => {
      const name = node.outputs[i];
      if (value && name) this.#values.set(name, value);
    });
  }

  #value(name: string, reader: OnnxNode): Value {
    const known = this.#values.get(name) ?? this.#initializer(name);
    if (known) return known;
    const refuse = this.#refusal(reader);
    const maker = this.#source.graph.makers.get(name);
    if (!maker) return refuse(`takes '${name}', which is neither made by a node nor in the file`);
    return this.#done.has(maker) && maker !== reader
      ? refuse(`takes '${name}', an output of ${describeNode(maker)} that is not supported`)
      : refuse(`takes '${name}' before ${describeNode(maker)} makes it: the graph is not sorted, or goes round`);
  }

  #initializer(name: string): Constant | undefined {
    const tensor = this.#source.graph.initializers.get(name);
    if (!tensor) return undefined;
    const constant = readTensor(tensor, (problem) => this.fail(`initializer '${name}' ${problem}`));
    this.#values.set(name, constant);
    return constant;
  }

  #results(call: OnnxCall): readonly Value[] {
    const { node, inputs } = call;
    if (node.domain !== '') return call.refuse(`is an operator of '${node.domain}', expected ONNX's own`);
    const given = inputs.filter((value): value is Value => value !== undefined);
    const [first] = given;
    if (node.opType === 'Constant') return [constantOf(call)];
    if (node.opType === 'Identity' && first) return [first];
    if (node.opType === 'Shape' && first) return [shapeOf(first, call)];
    if (node.opType === 'CastLike' && first) return [castLike(first, given[1])];
    const fold = Object.hasOwn(FOLDS, node.opType) ? FOLDS[node.opType] : undefined;
    if (fold && given.length > 0 && given.every(isConstant)) return [this.#fold(fold(given, call), given, call)];
    const operator = Object.hasOwn(OPERATORS, node.opType) ? OPERATORS[node.opType] : undefined;
    if (!operator) return call.refuse(unsupported(node.opType));
    return [operator(call)].flat();
  }

  /** Small constants may grow by a little at every node, but not without end. */
  #fold(result: Constant, given: readonly Constant[], { refuse }: OnnxCall): Constant {
    if (!given.some(({ values }) => values === result.values)) this.#folded += result.values.length;
    if (this.#folded > FREE_VALUES + this.#source.bytes) refuse('makes more constants than the file could hold');
    return result;
  }

  #ahead(): GraphAhead {
    const { graph, output } = this.#source;
    const numbersOf = (tensor: string): Constant | undefined => {
      const maker = graph.makers.get(tensor);
      // Exporters write a setting's node just before the one that reads it.
      if (maker?.opType === 'Constant' && maker.domain === '') return constantOf(this.#call(maker, []));
      const value = this.#values.get(tensor) ?? this.#initializer(tensor);
      return value && isConstant(value) ? value : undefined;
    };
    return {
      readersOf: (tensor) => (tensor === output ? undefined : graph.readers.get(tensor)),
      constantOf: numbersOf,
      callOf: (node) => this.#call(node, node.inputs.map(numbersOf)), // prettier-ignore
      take: (node, tensor = '') => this.#taken.set(node, tensor),
    };
  }
}

function constantOf(call: OnnxCall): Constant {
  const { attributes } = call.node;
  const [name = ''] = [...attributes.keys()].filter((key) => key.startsWith('value') || key === 'sparse_value');
  if (name === 'value_float') return { dims: [], kind: 'float', values: Float32Array.of(call.float(name, 0)) };
  if (name === 'value_int') return { dims: [], kind: 'int', values: Float64Array.of(call.int(name, 0)) };
  if (name === 'value_ints') return integers(call.ints(name) ?? []);
  if (name === 'value_floats') {
    const values = Float32Array.from(call.floats(name) ?? []);
    return { dims: [values.length], kind: 'float', values };
  }
  return call.tensor('value') ?? call.refuse(`has no value that is supported`);
}

/** The sizes, or some of them; the batch's is open. */
function shapeOf(value: Value, call: OnnxCall): Constant {
  const dims = isConstant(value) ? value.dims : dimsOf(value);
  return integers(dims.slice(call.int('start', 0), call.int('end', dims.length)));
}

/** As the other's numbers; what the images give is always float. */
function castLike(value: Value, like: Value | undefined): Value {
  return isConstant(value) ? castTo(value, like && isConstant(like) ? like.kind : 'float') : value;
}

function unsupported(opType: string): string {
  const known = Object.keys(OPERATORS).sort();
  const all = [...known, 'CastLike', 'Constant', 'Identity', 'Shape'];
  return `operator '${opType}' is not supported${didYouMean(opType, known)}; supported are ${all.join(', ')}`;
}

/** What the images are to the graph. @param channelsLast whether it takes [N, H, W, C] */
export function imagesView({ channels, height, width }: CnnSpecInput['input'], channelsLast: boolean): View {
  const view = viewOf('input', [channels, height, width]);
  const [c = [], h = [], w = []] = view.own;
  return channelsLast ? { ...view, axes: [h, w, c] } : view;
}
