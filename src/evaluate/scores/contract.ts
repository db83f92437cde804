/** What the addon offers for scores: native/core/metrics by native/binding/scores. Every score is a float64 or bool [n] on its device. */
import type { NativeCall, NativeCnn, NativeTensor } from '../../native.js';
import type { NativeSubject } from '../methods/contract.js';
import type { Baseline } from './settings.js';

/** What most scores look at; `onProgress` gets { done, total } rows of network passes. */
export interface NativeScored extends NativeSubject {
  /** float [n, 1, H, W] in [0, 1] */
  maps: NativeTensor;
}

/** Whatever is drawn for image i depends on `seed` and `first` + i alone. */
export interface NativeDraws {
  seed: number;
  first: number;
}

type Tensors<Names extends string> = Promise<Record<Names, NativeTensor>>;

export interface ScoresContract {
  maskedPrediction(
    scored: NativeScored,
    call?: NativeCall,
  ): Tensors<'avgDrop' | 'avgIncrease' | 'avgGain' | 'avgDropUndefined' | 'avgGainUndefined'>;
  /** A curve for each of `curves`: areas float64 [n] by its name, and `<name>Curve` [n, steps + 1]. */
  perturbationCurves(
    scored: NativeScored,
    options: NativeDraws & { steps: number; curves: Partial<Record<'deletion' | 'insertion', Baseline>> },
    call?: NativeCall,
  ): Promise<Record<string, NativeTensor>>;
  road(scored: NativeScored, options: NativeDraws & { noise: number }, call?: NativeCall): Promise<NativeTensor>;
  /** Images as they are where `missing` [n, 1, H, W] is below one half, ROAD's imputation elsewhere; no noise. */
  imputeMissing(images: NativeTensor, missing: NativeTensor, call?: NativeCall): Promise<NativeTensor>;
  infidelity(scored: NativeScored, options: NativeDraws & { draws: number }, call?: NativeCall): Promise<NativeTensor>;
  mapStatistics(maps: NativeTensor, call?: NativeCall): Tensors<'complexity' | 'sparseness' | 'sparsenessUndefined'>;
  otsuOverlap(maps: NativeTensor, masks: NativeTensor, call?: NativeCall): Tensors<'iou' | 'iouUndefined'>;
  correlateMaps(maps: NativeTensor, others: NativeTensor, call?: NativeCall): Tensors<'pearson' | 'pearsonUndefined'>;
  /** ‖others − maps‖₂/‖maps‖₂ */
  mapChange(maps: NativeTensor, others: NativeTensor, call?: NativeCall): Tensors<'change' | 'changeUndefined'>;
  /** x⊙E of the network's input x, as the images [n, C, H, W] that preprocessing turns into it. */
  maskImages(cnn: NativeCnn, images: NativeTensor, maps: NativeTensor, call?: NativeCall): Promise<NativeTensor>;
  /** Images as floats with noise added, uniform in ±radius. */
  shakeImages(
    images: NativeTensor,
    options: NativeDraws & { draw: number; radius: number },
    call?: NativeCall,
  ): Promise<NativeTensor>;
}
