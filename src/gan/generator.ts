/** The trained explainer: draws a map from an image and its cumulative averages. */
import { z } from 'zod';

import { resizeFields } from '../data/resize.js';
import { CumulensError } from '../errors.js';
import { mapFields } from '../maps/options.js';
import { native, withSignal, type NativeStateDict, type NativeTensor } from '../native.js';
import { parseOptions } from '../options.js';
import { readSafetensors, writeSafetensors } from '../safetensors.js';
import { Tensor } from '../tensor.js';
import { parseGeneratorConfig, type GeneratorConfig, type GeneratorOptions } from './config.js';
import type { NativeGenerator } from './contract.js';

/** The key of a generator's file that holds its sizes as JSON. */
const METADATA_KEY = 'cumulens';

const deviceFields = { device: z.string().default('auto'), dtype: z.enum(['float32', 'float64']).default('float32') };
const createSchema = z.strictObject({ ...deviceFields, seed: z.number().int().nonnegative().default(0) });
const loadSchema = z.strictObject(deviceFields);
const explainSchema = z.strictObject({
  raw: z.boolean().default(false),
  batchSize: z.number().int().positive().default(32),
  signal: z.instanceof(AbortSignal).optional(),
});

export type CreateGeneratorOptions = z.input<typeof createSchema>;
export type LoadGeneratorOptions = z.input<typeof loadSchema>;
export interface GeneratorExplainOptions {
  /** The output as the loss sees it, every channel and unclamped, instead of the map. */
  raw?: boolean;
  /** Samples taken at once. */
  batchSize?: number;
  signal?: AbortSignal;
}

/** How the conditions it was trained with were made: an explanation must make them the same way. */
export const conditioningSchema = z.object({
  method: mapFields.method.unwrap(),
  order: mapFields.order.unwrap(),
  excludeTarget: z.boolean(),
  /** A tap's name, or its index (−1: the last one of whichever CNN). */
  targetTap: z.union([z.string(), z.number().int()]),
  targetMethod: mapFields.targetMethod.unwrap(),
  /** The class that was explained: the predicted one, the sample's label, or one for all. */
  target: z.union([z.enum(['predicted', 'label']), z.number().int().nonnegative()]).default('predicted'),
  /** How pictures were brought to the CNN's size. */
  ...resizeFields,
});
export type Conditioning = z.output<typeof conditioningSchema>;

const fileSchema = z.strictObject({
  kind: z.literal('generator'),
  version: z.literal(1),
  config: z.unknown(),
  /** Height and width it was trained at. */
  size: z.number().int().positive().optional(),
  conditioning: conditioningSchema.optional(),
});

/** What of the training a generator's file remembers. */
export interface GeneratorOrigin {
  size?: number;
  conditioning?: Conditioning;
}

function tensorOf(value: unknown, name: string): NativeTensor {
  if (!Tensor.isTensor(value)) throw new CumulensError('ERR_OPTION', `explain: ${name} must be a Tensor [N, C, H, W]`);
  return value;
}

export class Generator {
  /** Its sizes. */
  readonly config: GeneratorConfig;
  readonly origin: GeneratorOrigin;
  /** For the package's own modules. @internal */
  readonly native: NativeGenerator;
  /** Where it computes: "cpu", "cuda:0" … */
  readonly device: string;

  private constructor(config: GeneratorConfig, origin: GeneratorOrigin, handle: NativeGenerator, device: string) {
    this.config = config;
    this.origin = origin;
    this.native = handle;
    this.device = device;
  }

  /**
   * A generator with weights drawn from a seed (METHOD §4's initialisation).
   * @throws CumulensError ERR_OPTION, ERR_CUDA_UNAVAILABLE
   */
  static async create(config: GeneratorOptions = {}, options: CreateGeneratorOptions = {}): Promise<Generator> {
    return Generator.#make(
      parseGeneratorConfig(config, 'Generator.create'),
      {},
      parseOptions(createSchema, options, 'Generator.create'),
    );
  }

  /** A generator with these weights. @internal */
  static async from(
    config: GeneratorConfig,
    weights: Record<string, Tensor>,
    options: LoadGeneratorOptions = {},
    origin: GeneratorOrigin = {},
  ): Promise<Generator> {
    const parsed = parseOptions(loadSchema, options, 'Generator.from');
    return Generator.#make(config, origin, { ...parsed, seed: 0 }, weights);
  }

  /**
   * Reads a generator's safetensors file.
   * @throws CumulensError ERR_IO, or ERR_FORMAT naming what the file lacks.
   */
  static async load(path: string, options: LoadGeneratorOptions = {}): Promise<Generator> {
    parseOptions(loadSchema, options, 'Generator.load');
    const { tensors, metadata } = await readSafetensors(path);
    try {
      const { config, size, conditioning } = parseMetadata(path, metadata);
      const origin = { ...(size ? { size } : {}), ...(conditioning ? { conditioning } : {}) };
      return await Generator.from(parseGeneratorConfig(config, path, 'ERR_FORMAT'), tensors, options, origin);
    } catch (error) {
      if (!(error instanceof CumulensError) || error.message.startsWith(path)) throw error;
      throw new CumulensError(error.code, `${path}: ${error.message}`, { cause: error });
    } finally {
      for (const tensor of Object.values(tensors)) tensor.dispose();
    }
  }

  static async #make(
    config: GeneratorConfig,
    origin: GeneratorOrigin,
    options: { device: string; dtype: 'float32' | 'float64'; seed: number },
    weights?: NativeStateDict,
  ): Promise<Generator> {
    const device = native.resolveDevice(options.device);
    const handle = await native.createGenerator(config, { ...options, device }, weights);
    return new Generator(config, origin, handle, device);
  }

  /** Number of trained values. */
  get parameterCount(): number {
    return this.native.parameterCount;
  }

  get disposed(): boolean {
    return this.native.disposed;
  }

  /** Copies of the weights, by the names METHOD §4 gives them. */
  async stateDict(): Promise<Record<string, Tensor>> {
    return await this.native.stateDict();
  }

  /** Writes one safetensors file, whole or not at all. @throws CumulensError ERR_IO. */
  async save(path: string): Promise<void> {
    const tensors = await this.stateDict();
    await writeGenerator(path, this.config, tensors, this.origin);
    for (const tensor of Object.values(tensors)) tensor.dispose();
  }

  /**
   * Draws the explanations of images.
   * @param images [N, 3, S, S], uint8 or float in [0, 1], RGB
   * @param conditions [N, P, S, S], the cumulative averages that `cnn.explain` gives at size S, uint8 or float in [0, 1]
   * @returns float [N, 1, S, S] in [0, 1]; with `raw` the output itself, [N, outputChannels, S, S]
   * @throws CumulensError ERR_SHAPE, ERR_OPTION, ERR_ABORTED, ERR_DISPOSED
   */
  async explain(images: Tensor, conditions: Tensor, options: GeneratorExplainOptions = {}): Promise<Tensor> {
    const { raw, batchSize, signal } = parseOptions(explainSchema, options, 'explain');
    const [x, c] = [tensorOf(images, 'images'), tensorOf(conditions, 'conditions')];
    return await withSignal(signal, (call) => this.native.explain(x, c, { raw, batchSize }, call));
  }

  /**
   * The mean absolute error of the raw output against `target`, and its gradients.
   * @param target [N, outputChannels, S, S]
   * @throws CumulensError ERR_SHAPE, ERR_ABORTED, ERR_DISPOSED
   */
  async gradients(
    images: Tensor,
    conditions: Tensor,
    target: Tensor,
    options: { signal?: AbortSignal } = {},
  ): Promise<{ output: Tensor; l1: Tensor; images: Tensor; conditions: Tensor; parameters: Record<string, Tensor> }> {
    const result = await withSignal(options.signal, (call) =>
      this.native.gradients(
        tensorOf(images, 'images'),
        tensorOf(conditions, 'conditions'),
        tensorOf(target, 'target'),
        call,
      ),
    );
    return result;
  }

  /** Gives the weights' memory back once the calls under way are done. */
  dispose(): void {
    this.native.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Writes weights as a generator's file. */
export async function writeGenerator(
  path: string,
  config: GeneratorConfig,
  tensors: Record<string, Tensor>,
  origin: GeneratorOrigin,
): Promise<void> {
  await writeSafetensors(path, tensors, {
    [METADATA_KEY]: JSON.stringify({ kind: 'generator', version: 1, config, ...origin }),
  });
}

function parseMetadata(path: string, metadata: Record<string, string>): z.output<typeof fileSchema> {
  const text = metadata[METADATA_KEY];
  if (text === undefined) {
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: not a generator of cumulens: its metadata has no '${METADATA_KEY}'`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CumulensError('ERR_FORMAT', `${path}: its metadata '${METADATA_KEY}' is not JSON`, { cause });
  }
  return parseOptions(fileSchema, json, path, 'ERR_FORMAT');
}
