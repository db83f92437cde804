/** What every score depends on, beside the CNN, the images and the maps. */
import { z } from 'zod';

import { parseOptions } from '../../options.js';

/** What stands in the place of pixels that are taken away; made in image space, then preprocessed. */
export const BASELINES = ['zero', 'mean', 'blur', 'noise'] as const;
export type Baseline = (typeof BASELINES)[number];

export const scoreSettingsSchema = z.strictObject({
  /** Steps of deletion and insertion: a curve has one point more. */
  steps: z.number().int().min(1).max(1000).default(50),
  deletionBaseline: z.enum(BASELINES).default('zero'),
  insertionBaseline: z.enum(BASELINES).default('blur'),
  /** Standard deviation of the noise on imputed pixels, images in [0, 1]. */
  roadNoise: z.number().min(0).max(1).default(0.01),
  sensitivityDraws: z.number().int().min(1).max(1000).default(10),
  /** Half the width of the uniform noise, images in [0, 1]. */
  sensitivityRadius: z.number().positive().max(1).default(0.02),
  infidelityDraws: z.number().int().min(2).max(10000).default(50),
  /** Rows that the network takes at once; 0: as many as fit into about a gigabyte, at most 1024. Memory, not the result. */
  batchSize: z.number().int().min(0).max(1_000_000).default(0),
});

export type ScoreSettings = z.output<typeof scoreSettingsSchema>;

/** @throws CumulensError ERR_OPTION naming the setting */
export function parseScoreSettings(settings: Partial<ScoreSettings>): ScoreSettings {
  return parseOptions(scoreSettingsSchema, settings, 'scores');
}
