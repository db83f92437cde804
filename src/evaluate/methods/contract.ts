/** native/core/attribution: every way to explain that is not a generator. */
import type { NativeCall, NativeCnn, NativeTensor } from '../../native.js';

/** What is explained, and how many rows the network takes at once (0: as many as fit into about 1 GiB, 4 GiB on a GPU). */
export interface NativeSubject {
  cnn: NativeCnn;
  images: NativeTensor;
  /** int64 [N] */
  target: NativeTensor;
  batchSize: number;
}

export type NativeReduction = 'max' | 'sum' | 'positive' | 'net';
export type NativeBaseline = 'zero' | 'mean' | 'blur';
export type NativeScore = 'logit' | 'probability';

/** Settings beyond the subject: C++ fills no defaults. Taps are indices in network order; negative ones count from the end. */
export interface NativeMethodSettings {
  tapMap: { method: string; tap: number };
  fused: { method: string };
  winsorCam: { percentile: number; least: number };
  /** `channels`: 0 for all */
  scoreCam: { tap: number; baseline: NativeBaseline | 'neutral'; channels: number };
  ablationCam: { tap: number };
  saliency: { reduction: NativeReduction };
  guidedBackprop: { reduction: NativeReduction };
  guidedGradCam: { reduction: NativeReduction; tap: number };
  integratedGradients: { reduction: NativeReduction; steps: number; baseline: NativeBaseline };
  smoothGrad: { reduction: NativeReduction; samples: number; noise: number; seed: number; first: number };
  occlusion: {
    window: number;
    stride: number;
    baseline: NativeBaseline | 'neutral';
    score: NativeScore;
    positive: boolean;
  };
  rise: {
    masks: number;
    grid: number;
    keep: number;
    baseline: NativeBaseline | 'neutral';
    score: NativeScore;
    seed: number;
  };
}

/** float32 [N, 1, H, W] in [0, 1]; with `raw` as the method gives it, only resized, in the CNN's dtype. */
type NativeMethods = {
  [Name in keyof NativeMethodSettings]: (
    subject: NativeSubject,
    settings: NativeMethodSettings[Name] & { raw?: boolean },
    call?: NativeCall,
  ) => Promise<NativeTensor>;
};

export interface AttributionContract {
  attribution: NativeMethods & {
    /** float32 [N, 1, H, W], min–max normalised, on `device`. */
    imageBaseline(
      images: NativeTensor,
      options: { name: 'luminance' | 'sobel' | 'random'; seed: number; first: number; device: string },
      call?: NativeCall,
    ): Promise<NativeTensor>;
    /** float32 [N, 1, S, S] in [0, 1]. @param weights float64 [P + 1] as NativeBaselineFit gives them */
    linearMap(conditions: NativeTensor, weights: NativeTensor, call?: NativeCall): Promise<NativeTensor>;
    /** Maps [N, 1, h, w] as float32 [N, 1, …size], clamped to [0, 1], on `device`. */
    resizeMaps(
      maps: NativeTensor,
      options: { size: readonly [number, number]; device: string },
      call?: NativeCall,
    ): Promise<NativeTensor>;
  };
}
