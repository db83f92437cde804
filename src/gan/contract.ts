/** What the addon offers for generators, discriminators and their training. */
import type { NativeCall, NativeStateDict, NativeTensor } from '../native.js';

/** L1 of a generator's raw output and its gradients. */
export interface NativeL1Gradients {
  output: NativeTensor;
  l1: NativeTensor;
  images: NativeTensor;
  conditions: NativeTensor;
  parameters: NativeStateDict;
}

export interface NativeGenerator {
  readonly disposed: boolean;
  readonly parameterCount: number;
  dispose(): void;
  /** Copies of the weights. */
  stateDict(call?: NativeCall): Promise<NativeStateDict>;
  explain(
    images: NativeTensor,
    conditions: NativeTensor,
    options: { raw: boolean; batchSize: number },
    call?: NativeCall,
  ): Promise<NativeTensor>;
  gradients(
    images: NativeTensor,
    conditions: NativeTensor,
    target: NativeTensor,
    call?: NativeCall,
  ): Promise<NativeL1Gradients>;
  /** float64 [N, P]; `replacements`: [N, P, S, S], or [1, P, S, S] for all samples. */
  replacementRelevance(
    images: NativeTensor,
    conditions: NativeTensor,
    replacements: NativeTensor,
    options: { batchSize: number },
    call?: NativeCall,
  ): Promise<NativeTensor>;
  /** float64 [N, P] */
  gradientRelevance(
    images: NativeTensor,
    conditions: NativeTensor,
    options: { batchSize: number },
    call?: NativeCall,
  ): Promise<NativeTensor>;
}

export interface NativeDiscriminator {
  readonly parameterCount: number;
  logits(images: NativeTensor, maps: NativeTensor, call?: NativeCall): Promise<NativeTensor>;
}

/** What one training step tells; null for the discriminator's at a step it does not learn at. */
export interface NativeTrainMetrics {
  generatorLoss: number;
  adversarial: number;
  l1: number;
  discriminatorLoss: number | null;
  realAccuracy: number | null;
  fakeAccuracy: number | null;
  adversarialGradient: number;
}

export interface NativeTrainState {
  generator: NativeStateDict;
  ema?: NativeStateDict;
  discriminator: NativeStateDict;
  optimizer: NativeStateDict;
}

export interface NativeGanTrainer {
  dispose(): Promise<void>;
  /** Whole steps only; fewer than asked for when cancelled. */
  run(steps: number, call?: NativeCall): Promise<NativeTrainMetrics[]>;
  /** Mean |G − target| over samples that are not trained on. */
  validate(shards: readonly NativeStateDict[], call?: NativeCall): Promise<number>;
  state(call?: NativeCall): Promise<NativeTrainState>;
  restore(step: number, state: NativeTrainState, call?: NativeCall): Promise<void>;
  /** uint8 [H, W, 3]: a row a sample, image | conditions | target | generated. */
  sampleGrid(
    image: NativeTensor,
    conditions: NativeTensor,
    target: NativeTensor,
    call?: NativeCall,
  ): Promise<NativeTensor>;
}

export interface GanContract {
  createGenerator(
    config: object,
    options: { device: string; dtype: 'float32' | 'float64'; seed: number },
    weights?: NativeStateDict,
    call?: NativeCall,
  ): Promise<NativeGenerator>;
  createDiscriminator(
    config: { size: number; mapChannels: number; width: number },
    options: { device: string; dtype: 'float32' | 'float64'; seed: number },
    weights?: NativeStateDict,
    call?: NativeCall,
  ): Promise<NativeDiscriminator>;
  /** `shards`: each the tensors of one shard by name. */
  createGanTrainer(
    config: object,
    device: string,
    shards: readonly NativeStateDict[],
    call?: NativeCall,
  ): Promise<NativeGanTrainer>;
  /** uint8 or float in [0, 1] [N, 1, H, W] → uint8 RGB [N, 3, H, W]. */
  colourise(maps: NativeTensor, colormap: string, call?: NativeCall): Promise<NativeTensor>;
}
