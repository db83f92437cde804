/** A classifier that can be explained: made from a spec, or loaded from a file. */
import { z } from 'zod';

import { CumulensError } from '../errors.js';
import { mapFields, toNativeMapOptions, type MapOptions } from '../maps/options.js';
import { native, withSignal, type NativeCnn, type NativeStateDict, type NativeTensor } from '../native.js';
import { parseOptions } from '../options.js';
import { writeSafetensors } from '../safetensors.js';
import { Tensor } from '../tensor.js';
import { withImages, type Images } from './images.js';
import { locateModel } from './import/detect.js';
import { finishSpec, importFields, type ParsedImportOptions } from './import/import.js';
import { METADATA_KEY, naming, readCnn, SCRIPT_TENSOR, type ReadScript } from './read.js';
import type { ScriptArchive } from './script/archive.js';
import { loadScript, type ScriptPlacement } from './script/load.js';
import type { ScriptSpec } from './script/spec.js';
import { parseCnnSpec, type CnnSpec, type CnnSpecInput } from './spec.js';
import { checkWeights } from './weights.js';

const deviceFields = {
  device: z.string().default('auto'),
  dtype: z.enum(['float32', 'float64']).default('float32'),
};
const createSchema = z.strictObject({ ...deviceFields, seed: z.number().int().nonnegative().default(0) });
const signalField = z.instanceof(AbortSignal).optional();
const loadSchema = z.strictObject({ ...deviceFields, ...importFields, signal: signalField });
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
  normalise: z.boolean().default(true),
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
  /**
   * Min–max each map to [0, 1] (default true). False gives maps as the method does, only resized: to compare them with another program's. Cumulative averages are of normalised
   * maps, so it needs `conditions: 0`.
   */
  normalise?: boolean;
  signal?: AbortSignal;
}

export interface TapDescription {
  name: string;
  op: string;
  /** [C, H, W] */
  shape: number[];
}

export interface Prediction {
  /** [N, K] */
  logits: Tensor;
  /** [N, K], the softmax of the logits. */
  probabilities: Tensor;
  /** The class with the greatest logit, for each image. */
  predicted: number[];
}

/** What `explain` gives. All maps are float, in [0, 1] unless `normalise` is false, of the size asked for. */
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
  /** Checked, with every default filled in. A TorchScript model's has no nodes: its graph stays as it is. */
  readonly spec: CnnSpec | ScriptSpec;
  /** For the package's own modules. @internal */
  readonly native: NativeCnn;
  /** Where it computes: "cpu", "cuda:0" … */
  readonly device: string;

  /** What its import has to say, a line each: a softmax that was left out, a size that was assumed. */
  readonly notes: readonly string[];

  /** Of a TorchScript model. */
  readonly #archive: ScriptArchive | undefined;

  private constructor(
    spec: CnnSpec | ScriptSpec,
    handle: NativeCnn,
    device: string,
    notes: readonly string[],
    archive?: ScriptArchive,
  ) {
    this.notes = notes;
    this.#archive = archive;
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
   * Reads a CNN: its safetensors file, weights of torchvision's or timm's in safetensors by their own names, or a model of another format,
   * which is imported. An option lays its word over the file's.
   * @param options `device`, `dtype`, `signal`, and what ImportOptions says
   * @throws CumulensError ERR_IO, ERR_ABORTED, or ERR_FORMAT naming what the file lacks, or what in it is not supported.
   */
  static async load(path: string, options: LoadCnnOptions = {}): Promise<Cnn> {
    const { device, dtype, signal, ...rest } = parseOptions(loadSchema, options, 'Cnn.load');
    const file = await locateModel(path);
    const placement = { device: native.resolveDevice(device), dtype };
    return naming(file, async () => {
      const read = await readCnn(file, rest);
      if ('archive' in read) return Cnn.#loadScript(read, rest, { ...placement, signal });
      const { spec, tensors, ...source } = read;
      try {
        return await Cnn.#make(finishSpec(spec, rest, file), placement, { weights: tensors, ...source });
      } finally {
        for (const tensor of Object.values(tensors)) tensor.dispose();
      }
    });
  }

  static async #loadScript(
    { archive, spec: source }: ReadScript,
    options: ParsedImportOptions,
    placement: ScriptPlacement,
  ): Promise<Cnn> {
    try {
      const { spec, native: handle, notes } = await loadScript(archive, source, options, placement);
      return new Cnn(spec, handle, placement.device, notes, archive);
    } catch (error) {
      archive.dispose();
      throw error;
    }
  }

  static async #make(
    spec: CnnSpec,
    options: { device: string; dtype: 'float32' | 'float64'; seed?: number },
    source?: { weights: NativeStateDict; notes: readonly string[]; network?: string },
  ): Promise<Cnn> {
    const device = native.resolveDevice(options.device);
    // A file's spec may claim what its weights do not hold: nothing is made before they agree.
    if (source) checkWeights(native.weightShapes(spec), source.weights, source.network);
    const handle = await native.createCnn(spec, { ...options, device });
    try {
      if (source) await handle.loadStateDict(source.weights);
      const classes = classesOf(spec, handle);
      if (spec.classes && spec.classes.length !== classes) {
        throw new CumulensError('ERR_SHAPE', `classes: ${spec.classes.length} names for ${classes} logits`);
      }
    } catch (error) {
      handle.dispose();
      throw error;
    }
    return new Cnn(spec, handle, device, source?.notes ?? []);
  }

  /** The names of the taps, in network order. */
  get taps(): readonly string[] {
    return this.spec.taps;
  }

  /** Every tap with its op and the shape of its output, [C, H, W], in network order. */
  describeTaps(): TapDescription[] {
    const described: readonly TapDescription[] = isNodes(this.spec)
      ? nodeShapes(this.spec, this.native)
      : this.native.describe().candidates.map(({ name, op, shape }) => ({ name, op, shape }));
    return described.filter(({ name }) => this.taps.includes(name));
  }

  /** Number of logits. */
  get classes(): number {
    return isNodes(this.spec) ? classesOf(this.spec, this.native) : this.native.describe().classes;
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
    if (!this.#archive && !isNodes(this.spec))
      throw new CumulensError(
        'ERR_OPTION',
        'save: a TorchScript model whose weights were drawn anew has no file of its own',
      );
    await this.withContents((tensors) =>
      writeSafetensors(path, tensors, { [METADATA_KEY]: JSON.stringify(this.spec) }),
    );
  }

  /** The tensors of its file, for the length of `use`: the weights, or a TorchScript model's archive. @internal */
  async withContents<T>(use: (tensors: Record<string, Tensor>) => Promise<T>): Promise<T> {
    if (this.#archive) return use({ [SCRIPT_TENSOR]: asTensor(await this.#archive.reread()) });
    const tensors = await this.stateDict();
    try {
      return await use(tensors);
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
    const result = await withImages(images, this.spec, 'predict', (batch) =>
      withSignal(signal, (call) => this.native.predict(batch, { batchSize }, call)),
    );
    return {
      logits: asTensor(result.logits),
      probabilities: asTensor(result.probabilities),
      predicted: await toNumbers(result.predicted),
    };
  }

  /**
   * Maps at every tap, and their cumulative averages over depth, by one forward and one backward pass a batch. The memory of `maps` that
   * were disposed of is kept for the next call, unless the system is short of it.
   * @param images as for `predict`
   * @throws CumulensError ERR_OPTION, ERR_SHAPE, ERR_ABORTED, ERR_DISPOSED
   */
  async explain<const O extends ExplainOptions = object>(images: Images, options?: O): Promise<Explanation<O>> {
    const parsed = parseOptions(explainSchema, options ?? {}, 'explain');
    const mapOptions = toNativeMapOptions(parsed, { taps: this.taps, input: this.spec.input }, parsed, 'explain');
    if (!parsed.normalise && parsed.conditions > 0)
      throw new CumulensError(
        'ERR_OPTION',
        'explain: cumulative averages are of normalised maps; normalise: false needs conditions: 0',
      );
    const result = await withImages(images, this.spec, 'explain', (batch) => {
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

  /**
   * A network like this one whose `layers` begin anew (METHOD §9, sanity); it shares all other weights with this one, and neither takes
   * weights nor is saved. @internal
   */
  async randomised(layers: readonly string[], seed: number): Promise<Cnn> {
    return new Cnn(this.spec, await native.randomiseCnn(this.native, layers, seed), this.device, this.notes);
  }

  /** Gives back the memory of the weights, and what is kept of maps, once the calls under way are done. */
  dispose(): void {
    this.native.dispose();
    this.#archive?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

const isNodes = (spec: CnnSpec | ScriptSpec): spec is CnnSpec => 'nodes' in spec;

/** Every node with its op and the shape of its output. */
function nodeShapes(spec: CnnSpec, handle: NativeCnn): TapDescription[] {
  const shapes = handle.shapes();
  return spec.nodes.map(({ name, op }, index) => ({ name, op, shape: shapes[index + 1] as number[] }));
}

function classesOf(spec: CnnSpec, handle: NativeCnn): number {
  return handle.shapes()[1 + spec.nodes.findIndex((node) => node.name === spec.output)]?.[0] as number;
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
