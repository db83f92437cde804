/** A graph of Keras' or tfjs' layers as a spec with weights. */
import { CumulensError } from '../../../errors.js';
import type { OpName } from '../../attrs.js';
import type { NodeInput } from '../../spec.js';
import type { ImportedCnn, ImportedTensor, ImportSettings } from '../contract.js';
import { classNames, inputSizeOf, leaveOutLast, pixelRange } from '../finish.js';
import { outputShape } from '../shapes.js';
import { readModelConfig, type ModelConfig } from './config.js';
import { buildGraph, type GraphArgument, type LayerCall, type LayerGraph } from './graph.js';
import type {
  Argument,
  Dialect,
  Layout,
  LayerKind,
  LeafLayer,
  NodeWeights,
  Translation,
  Value,
  Variable,
} from './contract.js';
import { layoutOf } from './input.js';
import { findKind } from './table.js';

/** The arrays of every layer, each in the order of the layer's variables. */
export type LayerWeights = Map<LeafLayer, readonly (ImportedTensor | undefined)[]>;

/** Finds the layers' arrays in a file. @throws CumulensError ERR_FORMAT */
export type WeightFinder = (model: ModelConfig, variables: (layer: LeafLayer) => readonly Variable[]) => LayerWeights;

export interface LayersSource {
  /** Names the file in errors. */
  path: string;
  /** `{ class_name, config }` */
  config: unknown;
  dialect: Dialect;
  findWeights: WeightFinder;
  classes?: string[] | undefined;
  settings: ImportSettings;
}

/** What Keras' applications are trained with. */
const MODES =
  "in Keras' applications 'caffe' for VGG and ResNet, 'tf' for Inception and MobileNet, 'torch' for DenseNet";

const nameOf = (layer: LeafLayer): string => layer.path.join('.');
/** Which call of a layer, and which of its nodes. */
const placeOf = (layer: LeafLayer, time: number, suffix = ''): string => JSON.stringify([layer.path, time, suffix]);

class Translator {
  readonly #source: LayersSource;
  readonly #graph: LayerGraph;
  readonly #layout: Layout;
  readonly #stored: LayerWeights;
  /** By result; 0 is the images. */
  readonly #values: Value[];
  readonly #lastTime = new Map<LeafLayer, number>();
  /** Of nodes, by place. 'input' is the images'. */
  readonly #names = new Map<string, string>();
  readonly #taken = new Set(['input']);
  readonly nodes: NodeInput[] = [];
  readonly weights: Record<string, ImportedTensor> = {};
  readonly notes: string[] = [];
  fused = false;

  constructor(source: LayersSource, model: ModelConfig, graph: LayerGraph, layout: Layout, shape: readonly number[]) {
    this.#source = source;
    this.#graph = graph;
    this.#layout = layout;
    this.#values = [{ node: 'input', shape }];
    for (const { layer, time } of graph.calls) this.#lastTime.set(layer, time);
    this.#stored = source.findWeights(model, (layer) => this.#kind(layer).variables(layer, this.where(layer)));
  }

  where(layer: LeafLayer): string {
    return `${this.#source.path}: layer '${nameOf(layer)}' (${layer.className})`;
  }

  fail(problem: string): never {
    throw new CumulensError('ERR_FORMAT', `${this.#source.path}: ${problem}`);
  }

  #kind(layer: LeafLayer): LayerKind {
    const kind = findKind(layer);
    if ('problem' in kind) throw new CumulensError('ERR_FORMAT', `${this.where(layer)}: ${kind.problem}`);
    return kind;
  }

  run(): Value {
    for (const call of this.#graph.calls) {
      const value = this.#kind(call.layer).translate(this.#translation(call), this.where(call.layer));
      this.#values.push(value);
      // A layer's arrays are not kept longer than they are needed.
      if (this.#lastTime.get(call.layer) === call.time) this.#stored.delete(call.layer);
    }
    return this.#values[this.#graph.output] as Value;
  }

  #argument(argument: GraphArgument): Argument {
    if (argument.kind === 'constant') return argument;
    return { kind: 'tensor', value: this.#values[argument.id] as Value };
  }

  #translation(call: LayerCall): Translation {
    const { layer, time } = call;
    const args = call.args.map((argument) => this.#argument(argument));
    const inputs = args.flatMap((argument) => (argument.kind === 'tensor' ? [argument.value] : []));
    const refuse = (problem: string): never => {
      throw new CumulensError('ERR_FORMAT', `${this.where(layer)}: ${problem}`);
    };
    const addNode = (op: OpName, from: readonly Value[], attrs: object, suffix?: string): Value =>
      this.#add(layer, time, { op, from, attrs, suffix }, refuse);
    return {
      layer,
      args,
      inputs,
      refuse,
      dialect: this.#source.dialect,
      layout: this.#layout,
      named: Object.fromEntries(Object.entries(call.named).map(([name, value]) => [name, this.#argument(value)])),
      input: () => (inputs.length === 1 ? (inputs[0] as Value) : refuse(`has ${inputs.length} inputs, expected one`)),
      add: (op, from, attrs, suffix) => addNode(op, from, attrs ?? {}, suffix),
      addWeighted: (op, from, attrs, make, suffix) => {
        const value = addNode(op, from, attrs, suffix);
        this.#addWeights(layer, time, make, value.node, suffix);
        return value;
      },
      variable: (name, shape) => this.#variable(layer, name, shape, refuse),
      markFused: () => {
        this.fused = true;
      },
      note: (text) => {
        if (!this.notes.includes(text)) this.notes.push(text);
      },
    };
  }

  #add(
    layer: LeafLayer,
    time: number,
    { op, from, attrs, suffix }: { op: OpName; from: readonly Value[]; attrs: object; suffix: string | undefined },
    refuse: (problem: string) => never,
  ): Value {
    const shape = outputShape(op, attrs, from.map((value) => value.shape), refuse); // prettier-ignore
    if (!shape.every((size) => Number.isSafeInteger(size) && size > 0)) {
      const given = from.map((value) => `[${value.shape.join(', ')}]`).join(' and ');
      refuse(`does not fit its input ${given}`);
    }
    const node = this.#nameNode(layer, time, suffix);
    this.nodes.push({ name: node, op, inputs: from.map((value) => value.node), attrs: { ...attrs } });
    return { node, shape };
  }

  /** A node is called as its layer is; where that name is taken, with a number behind it. */
  #nameNode(layer: LeafLayer, time: number, suffix: string | undefined): string {
    const wanted = `${nameOf(layer)}${time > 0 ? `#${time + 1}` : ''}${suffix ? `.${suffix}` : ''}`;
    let free = wanted;
    for (let count = 2; this.#taken.has(free); count++) free = `${wanted}#${count}`;
    this.#taken.add(free);
    this.#names.set(placeOf(layer, time, suffix), free);
    return free;
  }

  #addWeights(layer: LeafLayer, time: number, make: () => NodeWeights, node: string, suffix?: string): void {
    const [made] = this.nodes.slice(-1);
    if (time > 0 && made) made.weights = this.#names.get(placeOf(layer, 0, suffix));
    else for (const [part, tensor] of Object.entries(make())) this.weights[`${node}.${part}`] = tensor;
  }

  #variable(
    layer: LeafLayer,
    name: string,
    shape: readonly number[],
    refuse: (problem: string) => never,
  ): ImportedTensor {
    const index = this.#kind(layer).variables(layer, this.where(layer)).findIndex((variable) => variable.name === name); // prettier-ignore
    const tensor = this.#stored.get(layer)?.[index];
    if (!tensor) return refuse(`the file has no weights '${name}' for it`);
    if (tensor.shape.length !== shape.length || !tensor.shape.every((size, i) => size === shape[i])) {
      refuse(`its weights '${name}' have shape [${tensor.shape.join(', ')}], expected [${shape.join(', ')}]`);
    }
    return tensor;
  }
}

/** @throws CumulensError ERR_FORMAT naming the layer and what is wrong with it, or not supported */
export function translateLayers(source: LayersSource): ImportedCnn {
  const { path, settings, classes } = source;
  const model = readModelConfig(source.config, path);
  const graph = buildGraph(model, path);
  const layout = layoutOf(graph, path);
  const input = inputSizeOf(graph.inputShape, layout, settings, path);
  const translator = new Translator(source, model, graph, layout, [input.channels, input.height, input.width]);
  const result = translator.run();
  const { nodes, notes } = translator;
  if (result.shape.length !== 1) {
    translator.fail(`its output is [${result.shape.join(', ')}], expected a vector of logits: not a classifier`);
  }
  const output = leaveOutLast(nodes, result.node, notes);
  const { preprocessing, note } = pixelRange(nodes, MODES);
  notes.push(note);
  const [count = 0] = result.shape;
  return {
    spec: {
      name: model.name,
      input,
      nodes,
      output,
      // Where a convolution owns its activation, its map is taken after it.
      tapAt: translator.fused ? 'activation' : 'conv',
      ...(preprocessing ? { preprocessing } : {}),
      ...classNames(classes, count, notes),
    },
    weights: translator.weights,
    notes,
  };
}
