/** Scores maps of a batch of images by any of METHOD §9's scores. */
import { z } from 'zod';

import { CumulensError } from '../../errors.js';
import { native, withSignal } from '../../native.js';
import { parseOptions } from '../../options.js';
import type { Tensor } from '../../tensor.js';
import type { ExplainRequest, ExplanationMethod } from '../contract.js';
import { adcc, ADCC_PARTS, FAMILIES, merge } from './families.js';
import { parseScoreSettings, type ScoreSettings } from './settings.js';
import { SCORE_NAMES, SCORES, type ScoreName } from './table.js';

/** The scores of a batch's images, one value an image. */
export interface SampleScores {
  values: Partial<Record<ScoreName, number[]>>;
  /** Where a score is undefined for an image, which then counts as 0; absent for scores that never are. */
  undefined: Partial<Record<ScoreName, boolean[]>>;
  /** [n][steps + 1], p of the target class at the fractions 0 … 1. */
  curves?: Partial<Record<'deletion' | 'insertion', number[][]>>;
}

/** `target` is the class that was explained, of the image as it is; `seed` and `first` are those that the maps were made with. */
export type ScoreRequest = ExplainRequest & {
  /** Run again on changed images for some scores. */
  method: ExplanationMethod;
  /** float [n, 1, H, W] in [0, 1], resized to the images if of another size. */
  maps: Tensor;
  /** [n, 1, H, W] of the images' size; a pixel is inside from one half on. */
  masks?: Tensor;
  /** [n, 1, H, W], of the images' size too. */
  targets?: Tensor;
};

export interface Scorer {
  readonly names: readonly ScoreName[];
  readonly settings: ScoreSettings;
  /**
   * Memory is bounded by the batch and `settings.batchSize`; values depend on neither, nor on how images are cut into batches.
   * @throws CumulensError ERR_OPTION when masks or targets are needed and absent, ERR_SHAPE, ERR_ABORTED, or what the method throws
   */
  score(request: ScoreRequest): Promise<SampleScores>;
}

const namesSchema = z.array(z.enum(SCORE_NAMES)).min(1);

/** @throws CumulensError ERR_OPTION naming the score or the setting that there is not */
export function createScorer(names: readonly ScoreName[], settings: Partial<ScoreSettings> = {}): Scorer {
  const chosen = [...new Set(parseOptions(namesSchema, names, 'scores'))];
  const parsed = parseScoreSettings(settings);
  return { names: chosen, settings: parsed, score: (request) => score(chosen, parsed, request) };
}

function checkNeeds(names: readonly ScoreName[], { masks, targets }: ScoreRequest): void {
  for (const name of names) {
    const { needs } = SCORES[name];
    if ((needs === 'mask' && !masks) || (needs === 'target' && !targets))
      throw new CumulensError('ERR_OPTION', `scores: '${name}' needs ${needs}s, and none were given`);
  }
}

async function score(
  names: readonly ScoreName[],
  settings: ScoreSettings,
  request: ScoreRequest,
): Promise<SampleScores> {
  checkNeeds(names, request);
  return withFittingMaps(request, async (fitting) => {
    const wanted = new Set<ScoreName>(names.includes('adcc') ? [...names, ...ADCC_PARTS] : names);
    const parts: SampleScores[] = [];
    for (const family of FAMILIES) {
      if (family.names.some((name) => wanted.has(name)))
        parts.push(await family.score({ request: fitting, settings, wanted }));
    }
    const all = merge(...parts);
    return pick(names.includes('adcc') ? merge(all, adcc(all)) : all, names);
  });
}

/** With the maps in the images' size. */
async function withFittingMaps<T>(request: ScoreRequest, use: (request: ScoreRequest) => Promise<T>): Promise<T> {
  const { maps, images, signal } = request;
  const [height = 0, width = 0] = images.shape.slice(2);
  if (maps.shape[2] === height && maps.shape[3] === width) return use(request);
  const resized = await withSignal(signal, (call) =>
    native.attribution.resizeMaps(maps, { size: [height, width], device: maps.device }, call),
  );
  try {
    return await use({ ...request, maps: resized });
  } finally {
    resized.dispose();
  }
}

function pick({ values, undefined: flags, curves }: SampleScores, names: readonly ScoreName[]): SampleScores {
  const of = <T>(all: Partial<Record<ScoreName, T>>): Partial<Record<ScoreName, T>> =>
    Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
  return { values: of(values), undefined: of(flags), ...(curves ? { curves } : {}) };
}
