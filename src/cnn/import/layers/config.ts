/** A model's configuration, as Keras 2, Keras 3 and tfjs write it, as a tree of models and layers and who is called with what. */
import { z } from 'zod';

import { CumulensError } from '../../../errors.js';
import { parseOptions } from '../../../options.js';
import type { LeafLayer } from './contract.js';

/** Enough for any model that was drawn by hand or by a loop. */
const MAX_LAYERS = 10_000;
const MAX_DEPTH = 16;

/** A result of a call: layer, which of its calls, which of its outputs. */
export interface Reference {
  layer: string;
  call: number;
  output: number;
}

/** As configured: a reference to a result, or a constant. */
export type ConfigArgument = { kind: 'reference'; reference: Reference } | { kind: 'constant'; value: unknown };

/** One call of a layer. */
export interface ConfigCall {
  args: readonly ConfigArgument[];
  named: Readonly<Record<string, ConfigArgument>>;
}

export interface LayerEntry {
  name: string;
  calls: readonly ConfigCall[];
  /** A layer of a graph, a place for an input, or a model in the model. */
  content:
    | { kind: 'layer'; layer: LeafLayer }
    | { kind: 'input'; shape: readonly (number | null)[] | undefined }
    | ModelConfig;
}

export interface ModelConfig {
  kind: 'model';
  name: string;
  className: 'Sequential' | 'Functional';
  /** As the file calls its class, which may be one of the user's. */
  writtenClass: string;
  path: readonly string[];
  entries: readonly LayerEntry[];
  /** Of a functional model. */
  inputs: readonly Reference[];
  outputs: readonly Reference[];
}

const record = z.record(z.string(), z.unknown());
const entrySchema = z.object({
  class_name: z.string(),
  module: z.string().nullish(),
  name: z.string().nullish(),
  config: z.union([record, z.array(z.unknown())]),
  inbound_nodes: z.array(z.unknown()).nullish(),
});
type Entry = z.output<typeof entrySchema>;

const modelSchema = z.object({
  name: z.string().nullish(),
  trainable: z.boolean().nullish(),
  layers: z.array(z.unknown()).max(MAX_LAYERS),
  input_layers: z.unknown().optional(),
  output_layers: z.unknown().optional(),
});
const position = z.number().int().nonnegative();
const reference = z
  .tuple([z.string(), position, position])
  .rest(z.unknown())
  .transform(([layer, call, output]): Reference => ({ layer, call, output }));
const shapeSchema = z.array(position.nullable());

const isModel = (entry: Entry): boolean => Array.isArray(entry.config) || Array.isArray(entry.config.layers);

/** Every layer under a model, those of the models in it included, in their order. */
export function leavesOf(model: ModelConfig): LeafLayer[] {
  return model.entries.flatMap(({ content }) => {
    if (content.kind === 'model') return leavesOf(content);
    return content.kind === 'layer' ? [content.layer] : [];
  });
}

class ConfigReader {
  readonly #what: string;
  #layers = 0;

  constructor(what: string) {
    this.#what = what;
  }

  fail(problem: string): never {
    throw new CumulensError('ERR_FORMAT', `${this.#what}: ${problem}`);
  }

  model(value: unknown, path: readonly string[], trainable: boolean): ModelConfig {
    if (path.length > MAX_DEPTH) this.fail(`models lie more than ${MAX_DEPTH} deep in each other`);
    const entry = parseOptions(entrySchema, value, this.#what, 'ERR_FORMAT');
    // Before Keras 2.2.3 the config of a sequential model was the list of its layers.
    const config = parseOptions(
      modelSchema,
      Array.isArray(entry.config) ? { layers: entry.config } : entry.config,
      this.#what,
      'ERR_FORMAT',
    );
    const learns = trainable && config.trainable !== false;
    const className = config.output_layers === undefined ? 'Sequential' : 'Functional';
    return {
      kind: 'model',
      name: config.name ?? entry.name ?? entry.class_name,
      className,
      writtenClass: entry.class_name,
      path,
      entries: config.layers.map((layer) => this.#entry(layer, path, learns, className)),
      inputs: className === 'Functional' ? this.#references(config.input_layers, 'input_layers') : [],
      outputs: className === 'Functional' ? this.#references(config.output_layers, 'output_layers') : [],
    };
  }

  #entry(value: unknown, path: readonly string[], trainable: boolean, parent: ModelConfig['className']): LayerEntry {
    if (++this.#layers > MAX_LAYERS) this.fail(`has more than ${MAX_LAYERS} layers`);
    const entry = parseOptions(entrySchema, value, `${this.#what}: layers`, 'ERR_FORMAT');
    const config = Array.isArray(entry.config) ? {} : entry.config;
    const name = entry.name ?? (typeof config.name === 'string' ? config.name : entry.class_name);
    const inner = [...path, name];
    const where = `layer '${inner.join('.')}'`;
    const calls = parent === 'Functional' ? (entry.inbound_nodes ?? []).map((node) => readCall(node)) : [];
    if (isModel(entry)) return { name, calls, content: this.model(value, inner, trainable) };
    if (entry.class_name === 'InputLayer') {
      return { name, calls, content: { kind: 'input', shape: this.#shape(config, where) } };
    }
    const layer: LeafLayer = {
      className: entry.class_name,
      module: entry.module ?? '',
      path: inner,
      config,
      trainable: trainable && config.trainable !== false,
    };
    return { name, calls, content: { kind: 'layer', layer } };
  }

  #shape(config: Record<string, unknown>, where: string): readonly (number | null)[] | undefined {
    return readShape(config, `${this.#what}: ${where}`);
  }

  /** A list of references, a single one, or a dictionary of them. */
  #references(value: unknown, field: string): Reference[] {
    const single = reference.safeParse(value);
    if (single.success) return [single.data];
    const list = Array.isArray(value) ? value : Object.values(value ?? {});
    return parseOptions(z.array(reference), list, `${this.#what}: ${field}`, 'ERR_FORMAT');
  }
}

/** The shape, with the batch first, that an input layer or a first layer declares. */
export function readShape(config: Record<string, unknown>, where: string): readonly (number | null)[] | undefined {
  const value = config.batch_shape ?? config.batch_input_shape;
  return value == null ? undefined : parseOptions(shapeSchema, value, `${where}: input shape`, 'ERR_FORMAT');
}

/** Keras 3: { args, kwargs } with tensors as objects. Keras 2 and tfjs: [[layer, call, output, kwargs], …]. */
function readCall(node: unknown): ConfigCall {
  if (node !== null && typeof node === 'object' && 'args' in node) {
    const { args, kwargs } = node as { args: unknown; kwargs?: unknown };
    return { args: collect(args), named: collectNamed(kwargs) };
  }
  if (!Array.isArray(node)) return { args: [], named: {} };
  const tensors = (typeof node[0] === 'string' ? [node] : node) as unknown[];
  const [first] = tensors;
  return { args: collect(tensors), named: collectNamed(Array.isArray(first) ? first[3] : undefined) };
}

function collectNamed(kwargs: unknown): Record<string, ConfigArgument> {
  const entries = Object.entries((kwargs ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.flatMap(([name, value]) => collect(value).map((argument) => [name, argument])));
}

const keras3Tensor = z
  .object({ class_name: z.literal('__keras_tensor__'), config: z.object({ keras_history: reference }) })
  .transform(({ config }) => config.keras_history);
const keras3Array = z
  .object({ class_name: z.enum(['__tensor__', '__numpy__']), config: z.object({ value: z.unknown() }) })
  .transform(({ config }) => config.value);

/** Lists of arguments lie in lists of theirs; more than a few levels hold nothing. */
const MAX_ARGUMENT_DEPTH = 16;

/** The references and constants of an argument; a list that holds references is several arguments. */
function collect(value: unknown, depth = 0): ConfigArgument[] {
  if (depth > MAX_ARGUMENT_DEPTH)
    throw new CumulensError('ERR_FORMAT', `an argument's lists lie more than ${MAX_ARGUMENT_DEPTH} deep in each other`);
  const tensor = keras3Tensor.safeParse(value);
  if (tensor.success) return [{ kind: 'reference', reference: tensor.data }];
  const legacy = reference.safeParse(value);
  if (legacy.success) return [{ kind: 'reference', reference: legacy.data }];
  const array = keras3Array.safeParse(value);
  if (array.success) return [{ kind: 'constant', value: array.data }];
  if (Array.isArray(value) && value.some((item) => typeof item === 'object'))
    return value.flatMap((item) => collect(item, depth + 1));
  return value == null ? [] : [{ kind: 'constant', value }];
}

/**
 * @param what names the model in errors
 * @throws CumulensError ERR_FORMAT naming the field that is wrong
 */
export function readModelConfig(value: unknown, what: string): ModelConfig {
  const reader = new ConfigReader(what);
  const entry = parseOptions(entrySchema, value, what, 'ERR_FORMAT');
  if (!isModel(entry))
    reader.fail(`is a ${entry.class_name} without layers, expected a Sequential or functional model`);
  return reader.model(value, [], true);
}
