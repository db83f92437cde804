/** A classifier that can be explained: made from a spec, or loaded from a file. */
import { z } from 'zod';

import { CumulensError } from '../errors.js';
import { mapFields, toNativeMapOptions, type MapOptions } from '../maps/options.js';
import { native, withSignal, type NativeCnn, type NativeStateDict, type NativeTensor } from '../native.js';
import { parseOptions } from '../options.js';
import { readSafetensors, writeSafetensors } from '../safetensors.js';
import { Tensor } from '../tensor.js';
import { withImages, type Images } from './images.js';
import { parseCnnSpec, type CnnSpec, type CnnSpecInput } from './spec.js';

/** The key of a CNN's file that holds its spec as JSON. */
const METADATA_KEY = 'cumulens';

const deviceFields = {
  device: z.string().default('auto'),
  dtype: z.enum(['float32', 'float64']).default('float32'),
};
const createSchema = z.strictObject({ ...deviceFields, seed: z.number().int().nonnegative().default(0) });
const loadSchema = z.strictObject(deviceFields);
const signalField = z.instanceof(AbortSignal).optional();
const predictSchema = z.strictObject({ batchSize: mapFields.batchSize, signal: signalField });
const classIndex = z.number().int().nonnegative();
const explainSchema = z.strictObject({
  ...mapFields,
  target: z
    .union(
      [z.literal('predicted'), classIndex, z.array(classIndex), z.custom<Tensor>((value) => Tensor.isTensor(value))],
      {
        error: "expected 'predicted', a class, or a class for each image (a list or an int64 Tensor)",
      },
    )
    .default('predicted'),
  maps: z.boolean().default(true),
  signal: signalField,
});
const gradientsSchema = z.strictObject({ training: z.boolean().default(false), signal: signalField });

export type CreateCnnOptions = z.input<typeof createSchema>;
export type LoadCnnOptions = z.input<typeof loadSchema>;
export interface PredictOptions {
  /** Images taken at once. */
  batchSize?: number;
  signal?: AbortSignal;
}

export interface ExplainOptions extends MapOptions {
  /** The class whose logit is explained: the predicted one (default), one for all, or one for each image. */
  target?: 'predicted' | number | readonly number[] | Tensor;
  /** Give every tap's map (default true); false saves their memory. */
  maps?: boolean;
  signal?: AbortSignal;
}

export interface Prediction {
  /** [N, K] */
  logits: Tensor;
  /** [N, K], the softmax of the logits. */
  probabilities: Tensor;
  /** The class with the greatest logit, for each image. */
  predicted: number[];
}

/** What `explain` gives. All maps are float, in [0, 1], of the size asked for. */
export type Explanation<O extends ExplainOptions = ExplainOptions> = Prediction & {
  /** The class that was explained, for each image. */
  targetClass: number[];
  /** [N, 1, H, W], the map at `targetTap`: what a generator learns to draw. */
  targetMap: Tensor;
} & (O extends { maps: false } ? object : { /** [N, L, H, W], the taps' maps in network order. */ maps: Tensor }) &
  (O extends { conditions: 0 } ? object : { /** [N, P, H, W], the kept cumulative averages. */ cumulative: Tensor });

const asTensor = (tensor: NativeTensor): Tensor => tensor;
const asNative = (tensor: Tensor): NativeTensor => tensor;

/** Class indices to the host; the handle is not needed after. */
async function toNumbers(tensor: NativeTensor): Promise<number[]> {
  const values = await tensor.data();
  tensor.dispose();
  return Array.from(values as BigInt64Array, Number);
}

function tensorArgument(value: unknown, what: string): NativeTensor {
  if (!Tensor.isTensor(value)) throw new CumulensError('ERR_OPTION', `${what}: expected a Tensor`);
  return asNative(value);
}

export class Cnn {
  /** Checked, with every default filled in. */
  readonly spec: CnnSpec;
  /** For the package's own modules. @internal */
  readonly native: NativeCnn;
  /** Where it computes: "cpu", "cuda:0" … */
  readonly device: string;

  private constructor(spec: CnnSpec, handle: NativeCnn, device: string) {
    this.spec = spec;
    this.native = handle;
    this.device = device;
  }

  /**
   * A CNN with weights drawn from a seed.
   * @param options `device` 'auto' | 'cpu' | 'cuda' | 'cuda:N', `dtype`, `seed`
   * @throws CumulensError ERR_OPTION or ERR_SHAPE naming the node that is wrong, ERR_CUDA_UNAVAILABLE.
   */
  static async create(spec: CnnSpecInput | CnnSpec, options: CreateCnnOptions = {}): Promise<Cnn> {
    const { device, dtype, seed } = parseOptions(createSchema, options, 'Cnn.create');
    return Cnn.#make(parseCnnSpec(spec), { device, dtype, seed });
  }

  /**
   * Reads a CNN's safetensors file: weights, and the spec in its metadata.
   * @throws CumulensError ERR_IO, or ERR_FORMAT naming what the file lacks.
   */
  static async load(path: string, options: LoadCnnOptions = {}): Promise<Cnn> {
    const { device, dtype } = parseOptions(loadSchema, options, 'Cnn.load');
    const { tensors, metadata } = await readSafetensors(path);
    const spec = parseCnnSpec(parseMetadata(path, metadata), path, 'ERR_FORMAT');
    try {
      return await Cnn.#make(spec, { device, dtype, seed: 0 }, tensors);
    } catch (error) {
      if (error instanceof CumulensError)
        throw new CumulensError(error.code, `${path}: ${error.message}`, { cause: error });
      throw error;
    } finally {
      for (const tensor of Object.values(tensors)) tensor.dispose();
    }
  }

  static async #make(
    spec: CnnSpec,
    options: { device: string; dtype: 'float32' | 'float64'; seed: number },
    weights?: NativeStateDict,
  ): Promise<Cnn> {
    const device = native.resolveDevice(options.device);
    const handle = await native.createCnn(spec, { ...options, device }, weights);
    const classes = handle.shapes()[1 + spec.nodes.findIndex((node) => node.name === spec.output)]?.[0];
    if (spec.classes && spec.classes.length !== classes) {
      handle.dispose();
      throw new CumulensError('ERR_SHAPE', `classes: ${spec.classes.length} names for ${classes} logits`);
    }
    return new Cnn(spec, handle, device);
  }

  /** The names of the taps, in network order. */
  get taps(): readonly string[] {
    return this.spec.taps;
  }

  /** Number of logits. */
  get classes(): number {
    return this.native.shapes()[1 + this.spec.nodes.findIndex((node) => node.name === this.spec.output)]?.[0] as number;
  }

  get disposed(): boolean {
    return this.native.disposed;
  }

  /** Copies of the weights by name. @throws CumulensError ERR_DISPOSED */
  async stateDict(): Promise<Record<string, Tensor>> {
    return await this.native.stateDict();
  }

  /** Copies weights in. @throws CumulensError ERR_FORMAT naming what is missing, unknown or of another shape; then nothing has changed. */
  async loadStateDict(weights: Record<string, Tensor>): Promise<void> {
    await this.native.loadStateDict(weights);
  }

  /** Writes one safetensors file, whole or not at all. @throws CumulensError ERR_IO. */
  async save(path: string): Promise<void> {
    const tensors = await this.stateDict();
    try {
      await writeSafetensors(path, tensors, { [METADATA_KEY]: JSON.stringify(this.spec) });
    } finally {
      for (const tensor of Object.values(tensors)) tensor.dispose();
    }
  }

  /**
   * Classifies images.
   * @param images a Tensor [N, C, H, W] of the spec's input size, uint8 or float in [0, 1], RGB; or pictures by path or Buffer
   * @throws CumulensError ERR_SHAPE, ERR_ABORTED, ERR_DISPOSED
   */
  async predict(images: Images, options: PredictOptions = {}): Promise<Prediction> {
    const { batchSize, signal } = parseOptions(predictSchema, options, 'predict');
    const result = await withImages(images, this.spec.input, 'predict', (batch) =>
      withSignal(signal, (call) => this.native.predict(batch, { batchSize }, call)),
    );
    return {
      logits: asTensor(result.logits),
      probabilities: asTensor(result.probabilities),
      predicted: await toNumbers(result.predicted),
    };
  }

  /**
   * Maps at every tap, and their cumulative averages over depth, by one forward and one backward pass a batch.
   * @param images as for `predict`
   * @throws CumulensError ERR_OPTION, ERR_SHAPE, ERR_ABORTED, ERR_DISPOSED
   */
  async explain<const O extends ExplainOptions = object>(images: Images, options?: O): Promise<Explanation<O>> {
    const parsed = parseOptions(explainSchema, options ?? {}, 'explain');
    const mapOptions = toNativeMapOptions(parsed, { taps: this.taps, input: this.spec.input }, parsed.maps, 'explain');
    const result = await withImages(images, this.spec.input, 'explain', (batch) => {
      const target = targetTensor(parsed.target, batch.shape[0] ?? 0);
      return withSignal(parsed.signal, (call) => this.native.explain(batch, target, mapOptions, call));
    });
    return {
      logits: asTensor(result.logits),
      probabilities: asTensor(result.probabilities),
      predicted: await toNumbers(result.predicted),
      targetClass: await toNumbers(result.targetClass),
      targetMap: asTensor(result.target),
      ...(result.maps ? { maps: asTensor(result.maps) } : {}),
      ...(result.conditions ? { cumulative: asTensor(result.conditions) } : {}),
    } as Explanation<O>;
  }

  /**
   * Gradients of s = Σ weights·logits with respect to the images and to every trained parameter.
   * @param images float [N, C, H, W]
   * @param weights [N, K]; one-hot rows give the saliency of one class
   * @param options `training`: batch statistics and dropout instead of evaluation mode (running statistics stay)
   * @throws CumulensError ERR_SHAPE, ERR_ABORTED, ERR_DISPOSED
   */
  async gradients(
    images: Tensor,
    weights: Tensor,
    options: { training?: boolean; signal?: AbortSignal } = {},
  ): Promise<{ logits: Tensor; images: Tensor; parameters: Record<string, Tensor> }> {
    const { training, signal } = parseOptions(gradientsSchema, options, 'gradients');
    const result = await withSignal(signal, (call) =>
      this.native.gradients(
        tensorArgument(images, 'gradients: images'),
        tensorArgument(weights, 'gradients: weights'),
        { training },
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

function parseMetadata(path: string, metadata: Record<string, string>): unknown {
  const text = metadata[METADATA_KEY];
  if (text === undefined) {
    throw new CumulensError('ERR_FORMAT', `${path}: not a CNN of cumulens: its metadata has no '${METADATA_KEY}'`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CumulensError('ERR_FORMAT', `${path}: its metadata '${METADATA_KEY}' is not JSON`, { cause });
  }
}

/** The native form of `target`: undefined stands for the predicted class. */
function targetTensor(
  target: 'predicted' | number | readonly number[] | Tensor,
  count: number,
): NativeTensor | undefined {
  if (target === 'predicted') return undefined;
  if (Tensor.isTensor(target)) return asNative(target);
  const classes = typeof target === 'number' ? new Array<number>(count).fill(target) : target;
  return asNative(Tensor.from(BigInt64Array.from(classes, BigInt), [classes.length]));
}
