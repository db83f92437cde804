/** results.json: what an evaluation found, as one document. The same run gives the same bytes, wherever it was interrupted. */
import { z } from 'zod';

import { readJson } from '../../files.js';
import { parseOptions } from '../../options.js';

export const EVALUATION_FORMAT = 'cumulens.evaluation/1';

const finite = z.number();
const count = z.number().int().nonnegative();
const interval = z.strictObject({ mean: finite, low: finite, high: finite });
const verdict = z.enum(['better', 'worse', 'indistinguishable']);
const kind = z.enum(['cam', 'gradient', 'perturbation', 'generator', 'baseline']);
const difference = interval
  .extend({ to: z.string(), verdict })
  .describe('this method minus the one named, image by image; better and worse: its 95 % interval excludes 0');

const methodScore = interval.extend({
  undefined: count.describe('images for which it is undefined and counts as 0'),
  rank: z.number().int().positive().describe('1 + the number of methods that are surely better'),
  versusBest: difference.optional(),
  versusGradcam: difference.optional(),
  versusLinear: difference.optional(),
});

const similarity = {
  label: z.string(),
  pearson: interval,
  ssim: interval,
  undefined: count,
};
const sanityCheck = { passed: z.boolean(), flags: z.array(z.string()) };
const sanity = z.strictObject({
  modelRandomisation: z.strictObject({
    ...sanityCheck,
    stages: z.array(z.strictObject({ ...similarity, share: finite })),
  }),
  randomLogit: z.strictObject({ ...sanityCheck, ...similarity }).optional(),
  verdict: z.string(),
});

const method = z.strictObject({
  name: z.string(),
  label: z.string(),
  kind,
  source: z.string(),
  settings: z.record(z.string(), z.unknown()),
  isTarget: z.boolean().describe('its maps are the target map itself, so agreement with it says nothing'),
  meanRank: interval.optional().describe('over the ranking scores, image by image; low is good'),
  place: z.number().int().positive().optional().describe('1 + the number of methods whose mean rank is surely lower'),
  scores: z.record(z.string(), methodScore),
  sanity: sanity.optional(),
});

const score = z.strictObject({
  name: z.string(),
  label: z.string(),
  better: z.enum(['lower', 'higher']),
  unit: z.string().optional(),
  needs: z.enum(['mask', 'target']).optional(),
  settings: z.string(),
  order: z.array(z.string()).describe('methods, the best mean first'),
});

const curve = z.strictObject({
  fractions: z.array(finite),
  methods: z.record(z.string(), z.strictObject({ mean: z.array(finite), low: z.array(finite), high: z.array(finite) })),
});

const caseOf = z.strictObject({ method: z.string(), kind: z.enum(['best', 'worst']), value: finite });

export const resultsSchema = z.strictObject({
  format: z.literal(EVALUATION_FORMAT),
  samples: count,
  skipped: count.describe('images that could not be read'),
  cnn: z.strictObject({
    path: z.string(),
    fingerprint: z.string(),
    input: z.strictObject({ channels: count, height: count, width: count }),
    classes: z.array(z.string()),
    taps: z.array(z.string()),
    labelled: count.describe('images with a label'),
    correct: count.describe('of those, images that are classified right'),
  }),
  data: z.strictObject({
    path: z.string(),
    kind: z.enum(['images', 'prepared', 'files']),
    fingerprint: z.string(),
    split: z.string(),
    masks: z.boolean(),
  }),
  settings: z.record(z.string(), z.unknown()).describe('as evaluate.json has them'),
  ranking: z.strictObject({
    rule: z.string(),
    scores: z.array(z.string()),
    headline: z.string(),
    order: z.array(z.string()).describe('methods, the lowest mean rank first'),
  }),
  scores: z.array(score),
  methods: z.array(method).describe('generators first, baselines last'),
  curves: z.strictObject({ deletion: curve.optional(), insertion: curve.optional() }),
  sanity: z.strictObject({ images: count, thresholds: z.record(z.string(), finite), weights: z.string() }).optional(),
  gallery: z.array(
    z.strictObject({
      position: count,
      id: z.string(),
      label: z.number().int(),
      predicted: count,
      target: count,
      probability: finite,
      cases: z.array(caseOf).describe('empty: chosen at random'),
      values: z.record(z.string(), finite).describe('the headline score by method'),
      files: z
        .string()
        .regex(/^gallery\/\d+$/, { error: 'expected a picture in gallery/' })
        .describe('what the names of its pictures begin with'),
    }),
  ),
  notes: z.array(z.string()),
  versions: z.record(z.string(), z.string()),
});

export type EvaluationResults = z.output<typeof resultsSchema>;
export type EvaluatedMethod = EvaluationResults['methods'][number];
export type EvaluatedScore = EvaluationResults['scores'][number];
export type MethodScore = z.output<typeof methodScore>;
export type ScoreDifference = z.output<typeof difference>;
export type EvaluatedCurve = z.output<typeof curve>;
export type GalleryCase = EvaluationResults['gallery'][number];
export type EvaluatedSanity = z.output<typeof sanity>;

/** The JSON Schema of results.json. */
export function evaluationJsonSchema(): object {
  return z.toJSONSchema(resultsSchema);
}

/** Reads results.json. @throws CumulensError ERR_IO, ERR_FORMAT naming the file and what is wrong in it */
export async function readEvaluation(path: string): Promise<EvaluationResults> {
  return parseOptions(resultsSchema, await readJson(path), path, 'ERR_FORMAT');
}
