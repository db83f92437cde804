/** The scores of maps that have a target or a mask (METHOD §9), and what may be said of them. */
import { native, withSignal } from '../native.js';
import type { Tensor } from '../tensor.js';

export const TARGET_SCORES = ['mae', 'psnr', 'ssim', 'pearson'] as const;
export const MASK_SCORES = ['energyInMask', 'pointingGame'] as const;
export type ScoreName = (typeof TARGET_SCORES)[number] | (typeof MASK_SCORES)[number];

/** How a score is named, which way is better, and how it is computed. */
export const SCORES: Readonly<Record<ScoreName, { label: string; better: 'lower' | 'higher'; settings: string }>> = {
  mae: { label: 'MAE', better: 'lower', settings: 'mean absolute error, maps in [0,1]' },
  psnr: { label: 'PSNR', better: 'higher', settings: 'dB, peak 1; an exact match counts as 100' },
  ssim: { label: 'SSIM', better: 'higher', settings: '11×11 Gaussian window of σ 1.5, windows inside the map' },
  pearson: { label: 'Pearson', better: 'higher', settings: 'over pixels; 0 for a constant map, and counted' },
  energyInMask: {
    label: 'Energy in mask',
    better: 'higher',
    settings: 'ΣE·mask / ΣE; 0 for an empty map, and counted',
  },
  pointingGame: { label: 'Pointing game', better: 'higher', settings: 'a pixel of the maximum lies in the mask' },
};

/** Scores of some samples by name, and how many of each were undefined. */
export interface SampleScores {
  values: Partial<Record<ScoreName, number[]>>;
  undefined: Partial<Record<ScoreName, number>>;
}

async function numbers(tensor: Tensor): Promise<number[]> {
  const values = Array.from((await tensor.data()) as Float64Array | Uint8Array);
  tensor.dispose();
  return values;
}

const total = (flags: readonly number[]): number => flags.reduce((sum, flag) => sum + flag, 0);

/** Against the target map. @param maps,targets [n, 1, S, S] */
export async function scoreAgainstTarget(maps: Tensor, targets: Tensor, signal?: AbortSignal): Promise<SampleScores> {
  const scores = await withSignal(signal, (call) => native.scoreMaps(maps, targets, call));
  const values = {
    mae: await numbers(scores.mae),
    psnr: await numbers(scores.psnr),
    ssim: await numbers(scores.ssim),
    pearson: await numbers(scores.pearson),
  };
  return { values, undefined: { pearson: total(await numbers(scores.pearsonUndefined)) } };
}

/** Against the mask of where the evidence is. @param maps,masks [n, 1, S, S] */
export async function scoreAgainstMask(maps: Tensor, masks: Tensor, signal?: AbortSignal): Promise<SampleScores> {
  const scores = await withSignal(signal, (call) => native.scoreInMasks(maps, masks, call));
  const values = {
    energyInMask: await numbers(scores.energyInMask),
    pointingGame: await numbers(scores.pointingGame),
  };
  return { values, undefined: { energyInMask: total(await numbers(scores.energyInMaskUndefined)) } };
}
