/** Every score of METHOD §9 but the sanity checks: its name, which way is better, what it needs and how it is computed. */
import { parseScoreSettings, type ScoreSettings } from './settings.js';

export const TARGET_SCORES = ['mae', 'psnr', 'ssim', 'pearson'] as const;
export const MASK_SCORES = ['energyInMask', 'pointingGame', 'iou'] as const;

/** In the order in which tables show them. */
export const SCORE_NAMES = [
  ...(['deletion', 'insertion', 'road'] as const),
  ...(['avgDrop', 'avgIncrease', 'avgGain'] as const),
  ...(['coherency', 'complexity', 'adcc'] as const),
  ...(['infidelity', 'maxSensitivity', 'sparseness'] as const),
  ...MASK_SCORES,
  ...TARGET_SCORES,
] as const;
export type ScoreName = (typeof SCORE_NAMES)[number];

interface Score {
  label: string;
  better: 'lower' | 'higher';
  /** Smallest and largest value there can be. */
  range: readonly [number, number];
  unit?: string;
  /** What `score` must be given beside the maps: masks of where the evidence is, or target maps. */
  needs?: 'mask' | 'target';
  /** Whether the method explains changed images for it, which takes as long as it takes. */
  reruns?: true;
  /** In words; undefined cases count as 0 and are flagged. */
  describe: (settings: ScoreSettings) => string;
}

const curve = (what: string, baseline: string, steps: number): string =>
  `area under p(fraction), most relevant pixels ${what} first; baseline ${baseline}; ${steps} steps; ties in a seeded random order`;

const TABLE: Readonly<Record<ScoreName, Score>> = {
  deletion: {
    label: 'Deletion',
    better: 'lower',
    range: [0, 1],
    describe: ({ steps, deletionBaseline }) => curve('deleted', deletionBaseline, steps),
  },
  insertion: {
    label: 'Insertion',
    better: 'higher',
    range: [0, 1],
    describe: ({ steps, insertionBaseline }) => curve('inserted', insertionBaseline, steps),
  },
  road: {
    label: 'ROAD',
    better: 'higher',
    range: [-0.5, 0.5],
    describe: ({ roadNoise }) =>
      `(p after the least − p after the most relevant pixels are imputed)/2, mean over 10, 20 … 90 %; noisy-linear imputation, σ ${roadNoise}`,
  },
  avgDrop: {
    label: 'Average drop',
    better: 'lower',
    range: [0, 100],
    unit: '%',
    describe: () => '100·max(0, p(x) − p(x⊙E))/p(x), x after preprocessing; 0 where p(x) = 0, and flagged',
  },
  avgIncrease: {
    label: 'Average increase',
    better: 'higher',
    range: [0, 100],
    unit: '%',
    describe: () => '100 where p(x⊙E) > p(x), x after preprocessing',
  },
  avgGain: {
    label: 'Average gain',
    better: 'higher',
    range: [0, 100],
    unit: '%',
    describe: () => '100·max(0, p(x⊙E) − p(x))/(1 − p(x)), x after preprocessing; 0 where p(x) = 1, and flagged',
  },
  coherency: {
    label: 'Coherency',
    better: 'higher',
    range: [0, 1],
    reruns: true,
    describe: () => "(Pearson(E, E′) + 1)/2, E′ the method's map of x⊙E; 0 where either is constant, and flagged",
  },
  complexity: { label: 'Complexity', better: 'lower', range: [0, 1], describe: () => 'mean of E' },
  adcc: {
    label: 'ADCC',
    better: 'higher',
    range: [0, 1],
    reruns: true,
    describe: () => 'harmonic mean of coherency, 1 − complexity and 1 − avgDrop/100, an image',
  },
  infidelity: {
    label: 'Infidelity',
    better: 'lower',
    range: [0, Infinity],
    unit: 'logit²',
    describe: ({ infidelityDraws }) =>
      `mean of (β·ΣI⊙E − (y(x) − y(x − I)))² over ${infidelityDraws} squares set to the network's 0, sides ⅛ to ½ of the image's; optimal β an image`,
  },
  maxSensitivity: {
    label: 'Max-sensitivity',
    better: 'lower',
    range: [0, Infinity],
    reruns: true,
    describe: ({ sensitivityDraws, sensitivityRadius }) =>
      `largest ‖E(x + δ) − E(x)‖₂/‖E(x)‖₂ of ${sensitivityDraws} draws, δ uniform in ±${sensitivityRadius} of the image's range; 0 for an empty map, and flagged`,
  },
  sparseness: {
    label: 'Sparseness',
    better: 'higher',
    range: [0, 1],
    describe: () => 'Gini index of E; 0 for a constant map, and flagged',
  },
  energyInMask: {
    label: 'Energy in mask',
    better: 'higher',
    range: [0, 1],
    needs: 'mask',
    describe: () => 'ΣE·mask / ΣE; 0 for an empty map or mask, and flagged',
  },
  pointingGame: {
    label: 'Pointing game',
    better: 'higher',
    range: [0, 1],
    needs: 'mask',
    describe: () => 'a pixel of the maximum lies in the mask; 0 for an empty mask, and flagged',
  },
  iou: {
    label: 'IoU',
    better: 'higher',
    range: [0, 1],
    needs: 'mask',
    describe: () =>
      'of {E ≥ its Otsu threshold of 256 bins} and the mask; 0 for a constant map or an empty mask, and flagged',
  },
  mae: {
    label: 'MAE',
    better: 'lower',
    range: [0, 1],
    needs: 'target',
    describe: () => 'mean absolute error, maps in [0,1]',
  },
  psnr: {
    label: 'PSNR',
    better: 'higher',
    range: [0, 100],
    unit: 'dB',
    needs: 'target',
    describe: () => 'dB, peak 1; an exact match counts as 100',
  },
  ssim: {
    label: 'SSIM',
    better: 'higher',
    range: [-1, 1],
    needs: 'target',
    describe: () => '11×11 Gaussian window of σ 1.5, windows inside the map',
  },
  pearson: {
    label: 'Pearson',
    better: 'higher',
    range: [-1, 1],
    needs: 'target',
    describe: () => 'over pixels; 0 for a constant map, and flagged',
  },
};

/** How a score was computed, in words, with the settings it was computed with. */
export function describeScore(name: ScoreName, settings: ScoreSettings): string {
  return TABLE[name].describe(settings);
}

export type ScoreEntry = Omit<Score, 'describe'> & {
  /** In words, with the default settings; `describeScore` says it with others. */
  settings: string;
};

function withDefaults(): Record<ScoreName, ScoreEntry> {
  const defaults = parseScoreSettings({});
  const entries = SCORE_NAMES.map((name) => {
    const { describe, ...entry } = TABLE[name];
    return [name, { ...entry, settings: describe(defaults) }] as const;
  });
  return Object.fromEntries(entries) as Record<ScoreName, ScoreEntry>;
}

export const SCORES: Readonly<Record<ScoreName, ScoreEntry>> = withDefaults();
