/** A model's tree as the list of the calls of its layers, in the order in which they can run. */
import { CumulensError } from '../../../errors.js';
import {
  readShape,
  type ConfigArgument,
  type ConfigCall,
  type LayerEntry,
  type ModelConfig,
  type Reference,
} from './config.js';
import type { LeafLayer } from './contract.js';

/** A result: 0 is the network's input, i the i-th call's. */
export type ResultId = number;

export type GraphArgument = { kind: 'tensor'; id: ResultId } | { kind: 'constant'; value: unknown };

/** A layer, called. */
export interface LayerCall {
  layer: LeafLayer;
  /** Which of the layer's calls this is, from 0. */
  time: number;
  args: readonly GraphArgument[];
  named: Readonly<Record<string, GraphArgument>>;
}

export interface LayerGraph {
  calls: readonly LayerCall[];
  output: ResultId;
  /** As declared, with the batch first; undefined where the file says nothing. */
  inputShape: readonly (number | null)[] | undefined;
}

const MAX_CALLS = 50_000;

class GraphBuilder {
  readonly #what: string;
  readonly #times = new Map<LeafLayer, number>();
  #runs = 0;
  readonly calls: LayerCall[] = [];

  constructor(what: string) {
    this.#what = what;
  }

  fail(problem: string): never {
    throw new CumulensError('ERR_FORMAT', `${this.#what}: ${problem}`);
  }

  /** Calls everything in a model with its inputs. @returns its outputs */
  run(model: ModelConfig, inputs: readonly ResultId[]): ResultId[] {
    if (++this.#runs > MAX_CALLS) this.fail(`calls models more than ${MAX_CALLS} times`);
    return model.className === 'Sequential' ? [this.#runSequence(model, inputs)] : this.#runGraph(model, inputs);
  }

  #runSequence(model: ModelConfig, inputs: readonly ResultId[]): ResultId {
    const [input, ...others] = inputs;
    if (input === undefined || others.length > 0)
      this.fail(`model '${model.name}' has ${inputs.length} inputs, expected one`);
    let current = input;
    for (const { content } of model.entries) {
      if (content.kind === 'model') [current = 0] = this.run(content, [current]);
      else if (content.kind === 'layer') current = this.#call(content.layer, [{ kind: 'tensor', id: current }], {});
    }
    return current;
  }

  #runGraph(model: ModelConfig, inputs: readonly ResultId[]): ResultId[] {
    if (inputs.length !== model.inputs.length) {
      this.fail(`model '${model.name}' takes ${model.inputs.length} inputs, got ${inputs.length}`);
    }
    const results = new GraphResults(model, (problem) => this.fail(problem));
    model.inputs.forEach(({ layer }, i) => results.set(layer, [inputs[i] as ResultId]));
    let waiting = model.entries.flatMap((entry) =>
      entry.content.kind === 'input' ? [] : entry.calls.map((call) => ({ entry, call })),
    );
    // Layers are listed before those that use them, but a layer called again later comes but once: hence the rounds.
    while (waiting.length > 0) {
      const later: typeof waiting = [];
      for (const pending of waiting) {
        if (results.ready(pending.entry, pending.call)) this.#runCall(pending.entry, pending.call, results);
        else later.push(pending);
      }
      if (later.length === waiting.length) {
        const stuck = [...model.path, later[0]?.entry.name ?? ''].join('.');
        this.fail(`layer '${stuck}' waits for its own output, or for a layer that is not there`);
      }
      waiting = later;
    }
    return model.outputs.map((reference) => results.get(reference));
  }

  #runCall({ name, content }: LayerEntry, call: ConfigCall, results: GraphResults): void {
    const resolve = (argument: ConfigArgument): GraphArgument =>
      argument.kind === 'constant' ? argument : { kind: 'tensor', id: results.get(argument.reference) };
    const args = call.args.map(resolve);
    if (content.kind === 'model') {
      const tensors = args.flatMap((argument) => (argument.kind === 'tensor' ? [argument.id] : []));
      results.set(name, this.run(content, tensors));
    } else if (content.kind === 'layer') {
      const named = Object.entries(call.named).map(([key, argument]) => [key, resolve(argument)]);
      results.set(name, [this.#call(content.layer, args, Object.fromEntries(named) as LayerCall['named'])]);
    }
  }

  #call(layer: LeafLayer, args: readonly GraphArgument[], named: LayerCall['named']): ResultId {
    const time = this.#times.get(layer) ?? 0;
    this.#times.set(layer, time + 1);
    if (this.calls.length >= MAX_CALLS) this.fail(`calls layers more than ${MAX_CALLS} times`);
    return this.calls.push({ layer, time, args, named });
  }
}

/** What the calls of a graph's layers have given so far. */
class GraphResults {
  readonly #outputs = new Map<string, ResultId[][]>();
  readonly #offsets: ReadonlyMap<string, number>;
  readonly #fail: (problem: string) => never;

  constructor(model: ModelConfig, fail: (problem: string) => never) {
    this.#offsets = countFromOne(model);
    this.#fail = fail;
  }

  set(layer: string, outputs: ResultId[]): void {
    const earlier = this.#outputs.get(layer);
    if (earlier) earlier.push(outputs);
    else this.#outputs.set(layer, [outputs]);
  }

  #find({ layer, call, output }: Reference): ResultId | undefined {
    return this.#outputs.get(layer)?.[call - (this.#offsets.get(layer) ?? 0)]?.[output];
  }

  get(reference: Reference): ResultId {
    const { layer, call, output } = reference;
    return this.#find(reference) ?? this.#fail(`there is no output ${output} of call ${call} of layer '${layer}'`);
  }

  /** Calls of a layer run in their order, each when all of its arguments are there. */
  ready({ name, calls }: LayerEntry, call: ConfigCall): boolean {
    const done = this.#outputs.get(name)?.length ?? 0;
    if (calls[done] !== call) return false;
    const needed = [...call.args, ...Object.values(call.named)];
    return needed.every((argument) => argument.kind === 'constant' || this.#find(argument.reference) !== undefined);
  }
}

/** Keras 2 and tfjs count the calls of a model in a model from 1, since its making was call 0. */
function countFromOne(model: ModelConfig): Map<string, number> {
  const most = new Map<string, number>();
  const see = ({ layer, call }: Reference): void => void most.set(layer, Math.max(call, most.get(layer) ?? 0));
  model.outputs.forEach(see);
  for (const call of model.entries.flatMap(({ calls }) => calls)) {
    for (const argument of [...call.args, ...Object.values(call.named)]) {
      if (argument.kind === 'reference') see(argument.reference);
    }
  }
  const nested = model.entries.filter(({ content }) => content.kind === 'model');
  return new Map(nested.map(({ name, calls }) => [name, (most.get(name) ?? 0) >= calls.length ? 1 : 0]));
}

/** The shape that the first layer of a model declares. */
function inputShape(model: ModelConfig, what: string): readonly (number | null)[] | undefined {
  const [input] = model.inputs;
  const first = model.entries.find(({ name }) => (input ? name === input.layer : true))?.content;
  if (first?.kind === 'input') return first.shape;
  if (first?.kind === 'model') return inputShape(first, what);
  return first ? readShape(first.layer.config, what) : undefined;
}

/**
 * @param what names the model in errors
 * @throws CumulensError ERR_FORMAT for a cycle, a reference to nothing, several inputs or outputs
 */
export function buildGraph(model: ModelConfig, what: string): LayerGraph {
  const builder = new GraphBuilder(what);
  if (model.inputs.length > 1) builder.fail(`takes ${model.inputs.length} inputs, expected one`);
  const outputs = builder.run(model, [0]);
  const [output] = outputs;
  if (output === undefined || outputs.length > 1) builder.fail(`has ${outputs.length} outputs, expected one`);
  return { calls: builder.calls, output: output as ResultId, inputShape: inputShape(model, what) };
}
