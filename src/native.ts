/** The one typed contract with the addon. Everything native is reached through here; nothing here is public. */
import { isMainThread } from 'node:worker_threads';

import type { RandomiseContract } from './cnn/contract.js';
import { CumulensError } from './errors.js';
import type { AttributionContract } from './evaluate/methods/contract.js';
import type { ScoresContract } from './evaluate/scores/contract.js';
import type { GanContract } from './gan/contract.js';
import { loadAddon } from './load.js';
import type { PassesContract } from './maps/contract.js';
import type { PicturesContract } from './report/contract.js';

export type Dtype =
  'float32' | 'float64' | 'float16' | 'bfloat16' | 'uint8' | 'int8' | 'int16' | 'int32' | 'int64' | 'bool';

export type TypedArray =
  Float32Array | Float64Array | Uint8Array | Uint8ClampedArray | Int8Array | Int16Array | Int32Array | BigInt64Array;

/**
 * A tensor in native memory (on the GPU if its device says so); JavaScript holds the handle. `dispose()` or `using` frees the memory at
 * once; otherwise the garbage collector does.
 */
export interface NativeTensor extends Disposable {
  /** Sizes, outermost first; images are [N, C, H, W]. */
  readonly shape: number[];
  readonly dtype: Dtype;
  /** "cpu" or "cuda:0" … */
  readonly device: string;
  readonly disposed: boolean;
  /** The values, row-major, copied to the host: a BigInt64Array for int64, float32 for 16-bit floats. */
  data(): Promise<TypedArray>;
  dispose(): void;
}

export interface NativeCancelToken {
  cancel(): void;
}

/** The last argument of every asynchronous native call. */
export interface NativeCall {
  token?: NativeCancelToken;
  onProgress?: (event: Record<string, number>) => void;
}

export interface TensorSpan {
  dtype: Dtype;
  shape: number[];
  begin: number;
  end: number;
}

export interface BuildInfo {
  torch: string;
  cuda: boolean;
  compiler: string;
  napi: number;
}

/** What the baselines learn from training samples. */
export interface NativeBaselineFit {
  /** conditions [n, P, S, S], targets [n, 1, S, S] */
  add(conditions: NativeTensor, targets: NativeTensor, call?: NativeCall): Promise<void>;
  /** float64 [P + 1], the intercept last */
  linearWeights(call?: NativeCall): Promise<NativeTensor>;
  /** float64 [1, 1, S, S] */
  meanTarget(call?: NativeCall): Promise<NativeTensor>;
}

/** native/core/metrics; every score is a float64 or bool [N]. */
interface MetricsContract {
  scoreMaps(
    maps: NativeTensor,
    targets: NativeTensor,
    call?: NativeCall,
  ): Promise<Record<'mae' | 'psnr' | 'ssim' | 'pearson' | 'pearsonUndefined', NativeTensor>>;
  scoreInMasks(
    maps: NativeTensor,
    masks: NativeTensor,
    call?: NativeCall,
  ): Promise<Record<'energyInMask' | 'energyInMaskUndefined' | 'pointingGame' | 'pointingGameUndefined', NativeTensor>>;
  bootstrapMeans(values: NativeTensor, resamples: number, seed: number, call?: NativeCall): Promise<NativeTensor>;
  /** Of K scores [K, N]: intervals of their means [K, 2], and of the mean of each minus each other's [K, K, 2]. */
  bootstrapComparisons(
    values: NativeTensor,
    resamples: number,
    seed: number,
    call?: NativeCall,
  ): Promise<Record<'means' | 'differences', NativeTensor>>;
  /** float64 [1, …], of `count` samples before, whose mean is `mean`, and of `values` [n, …]. */
  runningMean(
    mean: NativeTensor | undefined,
    count: number,
    values: NativeTensor,
    call?: NativeCall,
  ): Promise<NativeTensor>;
  /** Float maps [n, 1, S, S] by name: condition.K, condition.K.normalised, linear, luminance, meanTarget, random. */
  baselineMaps(
    tensors: Record<'images' | 'conditions' | 'weights' | 'mean', NativeTensor>,
    options: { seed: number; first: number },
    call?: NativeCall,
  ): Promise<NativeStateDict>;
  BaselineFit: new (conditions: number) => NativeBaselineFit;
}

export type NativeStateDict = Record<string, NativeTensor>;

export interface NativePrediction {
  logits: NativeTensor;
  probabilities: NativeTensor;
  /** int64 [N] */
  predicted: NativeTensor;
}

/** Options of a native explain call; C++ fills no defaults. */
export interface NativeExplainOptions {
  method: string;
  /** [height, width] of every map. */
  size: readonly [number, number];
  /** Min–max a sample; else maps stay as the method gives them. */
  normalise: boolean;
  maps: boolean;
  /** P cumulative averages; 0: none. */
  conditions: number;
  order: 'forward' | 'reverse';
  excludeTarget: boolean;
  /** In network order; negative counts from the end. */
  targetTap: number;
  targetMethod: string;
  batchSize: number;
}

/** Everything one forward and one backward pass give; float maps in [0, 1] on the CNN's device. */
export interface NativeExplanation extends NativePrediction {
  /** int64 [N], the class whose logit was differentiated. */
  targetClass: NativeTensor;
  /** [N, L, H, W] */
  maps?: NativeTensor;
  /** [N, P, H, W] */
  conditions?: NativeTensor;
  /** [N, 1, H, W] */
  target: NativeTensor;
}

/** A value of a TorchScript model that may be explained. */
export interface NativeScriptTap {
  name: string;
  op: string;
  /** [C, H, W] */
  shape: number[];
  /** Of an activation: the index of the convolution whose only reader it is. */
  owner?: number;
}

/** What a run at loading found in a TorchScript model. */
export interface NativeScript {
  /** [C, H, W] */
  input: number[];
  classes: number;
  /** In the order of execution. */
  candidates: NativeScriptTap[];
  /** A VGG by its shape, which METHOD §1 taps at its activations. */
  vggLike: boolean;
  notes: string[];
}

export interface NativeCnn {
  readonly disposed: boolean;
  dispose(): void;
  /** Copies of the weights. */
  stateDict(call?: NativeCall): Promise<NativeStateDict>;
  loadStateDict(weights: NativeStateDict, call?: NativeCall): Promise<void>;
  /** Of the input and of each node's output, without the batch. */
  shapes(): number[][];
  /** Of every weight and statistic by name. */
  stateShapes(): Record<string, number[]>;
  predict(images: NativeTensor, options: { batchSize: number }, call?: NativeCall): Promise<NativePrediction>;
  /** `target`: int64 [N], or undefined for the predicted class. */
  explain(
    images: NativeTensor,
    target: NativeTensor | undefined,
    options: NativeExplainOptions,
    call?: NativeCall,
  ): Promise<NativeExplanation>;
  /** Of a TorchScript model alone. */
  describe(): NativeScript;
  /** Of a TorchScript model alone: which of its candidates `explain` gives maps of. */
  selectTaps(names: readonly string[], call?: NativeCall): Promise<void>;
  gradients(
    images: NativeTensor,
    weights: NativeTensor,
    options: { training: boolean },
    call?: NativeCall,
  ): Promise<{ logits: NativeTensor; images: NativeTensor; parameters: NativeStateDict }>;
}

/** What composed images are drawn from. */
export interface NativeComposeSources {
  /** uint8 [G, H, W] */
  garments: NativeTensor;
  /** int64 [G] */
  labels: NativeTensor;
  /** uint8 [M, 3, P, P] */
  photographs: NativeTensor;
}

/** How the bytes of one picture lie. */
export type PixelLayout = 'hwc' | 'chw' | 'gray';

export interface NativePrepareSettings extends NativeExplainOptions {
  /** The CNN's input, [height, width]. */
  input: readonly [number, number];
  /** A jet-coloured RGB picture as the target. */
  jetTarget: boolean;
}

export interface NativeClassifierOptions {
  batchSize: number;
  totalSteps: number;
  warmupSteps: number;
  optimizer: 'sgd' | 'adam';
  learningRate: number;
  momentum: number;
  nesterov: boolean;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  labelSmoothing: number;
  flip: boolean;
  cropPadding: number;
  /** Layers whose weights stay as they are. */
  frozen: readonly string[];
  seed: number;
}

export interface NativeClassifierTrainer {
  /** One number a step; fewer steps than asked for when cancelled or at the end. */
  train(steps: number, call?: NativeCall): Promise<{ loss: number[]; accuracy: number[] }>;
  /** Copies of the optimizer's tensors, and `step`. */
  stateDict(call?: NativeCall): Promise<NativeStateDict>;
  loadStateDict(state: NativeStateDict, call?: NativeCall): Promise<void>;
  dispose(): void;
}

export interface NativeAddon
  extends
    MetricsContract,
    AttributionContract,
    GanContract,
    PassesContract,
    RandomiseContract,
    ScoresContract,
    PicturesContract {
  /** image, mask, label; and which garment and photograph each was drawn from. */
  composeImages(
    sources: NativeComposeSources,
    options: { device: string; size: number; seed: number; stream: number; first: number; count: number },
    call?: NativeCall,
  ): Promise<Record<'image' | 'mask' | 'label' | 'garment' | 'photograph', NativeTensor>>;
  /** uint8 [N, 3, …size] of pictures of one size, resized if they have another; the arrays must stay as they are meanwhile. */
  packImages(
    pictures: readonly Uint8Array[],
    options: { height: number; width: number; layout: PixelLayout; size: readonly [number, number] },
    call?: NativeCall,
  ): Promise<NativeTensor>;
  /** [N, C, …size], bytes or floats as they came: bilinear with antialiasing. `rgb`: gray ones get three equal channels. */
  resizeImages(
    images: NativeTensor,
    options: { size: readonly [number, number]; rgb?: boolean },
    call?: NativeCall,
  ): Promise<NativeTensor>;
  /** [N, C, H, W] to [N, H, W, C] */
  channelsLast(images: NativeTensor, call?: NativeCall): Promise<NativeTensor>;
  /** Rows of named tensors, from shards that all have them. `indices`: int64 [n] */
  gatherSamples(
    shards: readonly NativeStateDict[],
    names: readonly string[],
    indices: NativeTensor,
    call?: NativeCall,
  ): Promise<NativeStateDict>;
  /** A shard of training data: image, conditions, target, predicted, targetClass, and mask where there is one. */
  prepareSamples(
    cnn: NativeCnn,
    images: NativeTensor,
    masks: NativeTensor | undefined,
    targetClass: NativeTensor | undefined,
    settings: NativePrepareSettings,
    call?: NativeCall,
  ): Promise<NativeStateDict>;
  Cnn: { prototype: NativeCnn };
  /** Weights drawn from the seed; without one they are zeros, to be loaded. */
  createCnn(
    spec: object,
    options: { device: string; dtype: 'float32' | 'float64'; seed?: number },
    call?: NativeCall,
  ): Promise<NativeCnn>;
  /** Of the weights that a CNN of this spec has, by name; no memory is taken for them. */
  weightShapes(spec: object): Record<string, number[]>;
  /** A TorchScript model from its archive's bytes, uint8 [n], which must be whole. */
  loadScript(
    archive: NativeTensor,
    options: {
      input: { channels?: number | undefined; height: number; width: number };
      preprocessing: object;
      device: string;
      dtype: 'float32' | 'float64';
    },
    call?: NativeCall,
  ): Promise<NativeCnn>;
  createClassifierTrainer(
    cnn: NativeCnn,
    shards: readonly NativeStateDict[],
    samples: NativeTensor,
    options: NativeClassifierOptions,
    call?: NativeCall,
  ): Promise<NativeClassifierTrainer>;
  evaluateClassifier(
    cnn: NativeCnn,
    shards: readonly NativeStateDict[],
    samples: NativeTensor,
    options: { batchSize: number },
    call?: NativeCall,
  ): Promise<{ loss: number; accuracy: number; count: number }>;
  keptPositions(layers: number, conditions: number): number[];
  CancelToken: new () => NativeCancelToken;
  Tensor: { prototype: NativeTensor };
  tensorFrom(array: TypedArray, shape: readonly number[]): NativeTensor;
  /** Rows begin … end − 1 of a tensor, which they are a view of. */
  rows(tensor: NativeTensor, begin: number, end: number): NativeTensor;
  memory(): { tensors: number; bytes: number };
  buildInfo(): BuildInfo;
  resolveDevice(name: string): string;
  cudaDeviceCount(): number;
  threads(): Promise<number>;
  setThreads(count: number): Promise<void>;
  setErrorClass(errorClass: typeof CumulensError): void;
  /** Cancels all work of the process, waits for its end and lets nothing more begin. */
  stopCompute(): void;
  mapTensors(path: string, spans: readonly TensorSpan[], call?: NativeCall): Promise<NativeTensor[]>;
  /** Makes a file and holds it, until the function is called or the process ends; 'taken' where another does, in this process or any. */
  lockFile(path: string): (() => void) | 'taken' | 'unsupported';
  writeTensors(path: string, header: string, tensors: readonly NativeTensor[], call?: NativeCall): Promise<void>;
}

function load(): NativeAddon {
  const addon = loadAddon() as NativeAddon;
  addon.setErrorClass(CumulensError);
  // A worker that ends gives up its own work alone; the process must not take libtorch down under any.
  if (isMainThread) process.on('exit', () => addon.stopCompute());
  return addon;
}

export const native: NativeAddon = load();

/** Follows a native call with an AbortSignal: the signal's abort cancels the token, and no listener outlives the call. */
export async function withSignal<T>(
  signal: AbortSignal | undefined,
  run: (call: NativeCall) => Promise<T>,
): Promise<T> {
  if (!signal) return run({});
  if (signal.aborted) throw abortError(signal);
  const token = new native.CancelToken();
  const onAbort = (): void => token.cancel();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await run({ token });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

export function abortError(signal: AbortSignal): CumulensError {
  return new CumulensError('ERR_ABORTED', 'the operation was aborted', { cause: signal.reason });
}
