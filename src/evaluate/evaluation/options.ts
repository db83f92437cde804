/** The options of `evaluate`. */
import { z } from 'zod';

import { Cnn } from '../../cnn/cnn.js';
import { Dataset } from '../../data/dataset.js';
import type { Problem } from '../../data/problems.js';
import { splitFields } from '../../data/split.js';
import { CumulensError } from '../../errors.js';
import { Generator } from '../../gan/generator.js';
import { didYouMean, parseOptions } from '../../options.js';
import { METHOD_NAMES, type MethodName, type MethodSettings } from '../methods/methods.js';
import { SCORE_NAMES, type ScoreName, type ScoreSettings } from '../scores/scores.js';

/** What the work is at: `done` of `total` images (of methods, for the sanity checks). */
export interface EvaluationProgress {
  stage: 'fit' | 'score' | 'sanity' | 'gallery';
  done: number;
  total: number;
  /** The method at work. */
  note?: string;
}

const text = z.string().min(1);
const generator = z.union([text, z.custom<Generator>((value) => value instanceof Generator)], {
  error: "expected a Generator, its file's path or its run folder's",
});
const listener = <T>() => z.custom<(value: T) => void>((value) => typeof value === 'function').optional();

const schema = z.strictObject({
  cnn: z.union([z.custom<Cnn>((value) => value instanceof Cnn), text], { error: "expected a Cnn or its file's path" }),
  data: z.union([z.instanceof(Dataset), text], { error: 'expected a Dataset or the path of a folder' }),
  out: text,
  generators: z.union([z.array(text), z.record(text, generator)]).default([]),
  methods: z.array(text).default(['default']),
  metrics: z.array(text).default(['default']),
  methodSettings: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  scoreSettings: z.record(z.string(), z.unknown()).default({}),
  split: text.default('test'),
  limit: z.number().int().positive().optional(),
  target: z.union([z.enum(['predicted', 'label']), z.number().int().nonnegative()]).default('predicted'),
  rankBy: z.array(text).optional(),
  headline: text.optional(),
  sanity: z.number().int().min(0).max(4096).default(64),
  gallery: z.number().int().min(0).max(480).default(48),
  chunkSize: z.number().int().min(1).max(4096).default(32),
  seed: z.number().int().nonnegative().default(0),
  ...splitFields,
  device: z.string().default('auto'),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: listener<EvaluationProgress>(),
  onNote: listener<string>(),
  onProblem: listener<Problem>(),
});

/**
 * - `cnn`: what is explained; `data`: a dataset directory of images (with masks or without), prepared data, or a folder of image files
 * - `out`: a new folder, or one in which the same evaluation was begun, which it continues
 * - `generators`: trained generators by the names they get, or paths of generator files and run folders, which may be `name=path`
 * - `methods`: names of METHODS, 'default', 'all', and `!name` to leave one out; the baselines luminance, sobel and random always stand beside them,
 *   and linear where there is a training split to fit it to
 * - `metrics`: names of SCORES, 'default', 'all', `!name`
 * - `methodSettings`: by the method's name; `scoreSettings`: as `createScorer` takes them
 * - `split`: 'test' (default), another, or 'all'; `limit`: at most so many of its images, evenly spread
 * - `target`: the class explained: 'predicted' (default), 'label', or one for all
 * - `rankBy`: the scores whose mean rank orders the methods; `headline`: the one that finds the best and the worst cases
 * - `sanity`: images of the sanity checks, 0 for none; `gallery`: images shown in the page
 * - `chunkSize`: images at once: what is held in memory, and what a killed run does again
 * - `test`, `validation`: of a folder of image files, as `prepare` splits it
 * - `onNote`: told of what is left out and why; `onProblem`: of images that cannot be read
 */
export type EvaluateOptions = Omit<z.input<typeof schema>, 'methodSettings' | 'scoreSettings'> & {
  methodSettings?: Partial<MethodSettings>;
  scoreSettings?: Partial<ScoreSettings>;
};
export type ParsedEvaluateOptions = z.output<typeof schema>;

/** @throws CumulensError ERR_OPTION */
export function parseEvaluateOptions(options: EvaluateOptions): ParsedEvaluateOptions {
  const defined = Object.fromEntries(Object.entries(options as object).filter(([, value]) => value !== undefined));
  return parseOptions(schema, defined, 'evaluate');
}

/** In every comparison: what a score is worth shows where it puts these. `linear` is fitted and stands beside them. */
export const BASELINE_METHODS = ['luminance', 'sobel', 'random'] as const satisfies readonly MethodName[];

/** A fair picture of each family at a cost of seconds an image; the perturbation methods are asked for by name, or by 'all'. */
const DEFAULT_METHODS = [
  ...(['gradcam', 'gradcam++', 'hirescam', 'layercam', 'eigencam', 'winsorcam', 'fused'] as const),
  ...(['guidedGradcam', 'integratedGradients', 'smoothGrad'] as const),
  ...BASELINE_METHODS,
] as const satisfies readonly MethodName[];

/** One explains each image ten times over, the other says little by itself: asked for by name, or by 'all'. */
const ON_REQUEST: readonly ScoreName[] = ['maxSensitivity', 'infidelity'];
const DEFAULT_METRICS = SCORE_NAMES.filter((name) => !ON_REQUEST.includes(name));

/** The scores that order the methods: faithfulness to the CNN, and where the evidence is; never likeness to Grad-CAM. */
const RANKING = ['deletion', 'insertion', 'road', 'adcc', 'energyInMask', 'pointingGame'] as const;

function select<Name extends string>(
  asked: readonly string[],
  known: readonly Name[],
  defaults: readonly Name[],
  what: string,
): Name[] {
  const chosen = new Set<Name>();
  const one = (name: string): Name => {
    if ((known as readonly string[]).includes(name)) return name as Name;
    const hint =
      didYouMean(name, [...known, 'all', 'default']) || `; expected one of ${known.join(', ')}, all, default`;
    throw new CumulensError('ERR_OPTION', `evaluate.${what}: unknown name '${name}'${hint}`);
  };
  if (asked.every((name) => name.startsWith('!'))) defaults.forEach((name) => chosen.add(name));
  for (const name of asked) {
    if (name === 'all') known.forEach((each) => chosen.add(each));
    else if (name === 'default') defaults.forEach((each) => chosen.add(each));
    else if (name.startsWith('!')) chosen.delete(one(name.slice(1)));
    else chosen.add(one(name));
  }
  // In the order of tables, whatever the order they were asked for in.
  return known.filter((name) => chosen.has(name));
}

/** The methods that need no training, the baselines among them. @throws CumulensError ERR_OPTION for an unknown name */
export function selectMethods(asked: readonly string[]): MethodName[] {
  // The baselines stand in every comparison, whether they are asked for or not.
  const chosen = select<MethodName | 'linear'>(asked, [...METHOD_NAMES, 'linear'], DEFAULT_METHODS, 'methods');
  return METHOD_NAMES.filter((name) => chosen.includes(name) || (BASELINE_METHODS as readonly string[]).includes(name));
}

/** @throws CumulensError ERR_OPTION for an unknown name, or when none is left */
export function selectMetrics(asked: readonly string[]): ScoreName[] {
  const chosen = select(asked, SCORE_NAMES, DEFAULT_METRICS, 'metrics');
  if (chosen.length === 0) throw new CumulensError('ERR_OPTION', 'evaluate.metrics: none are left');
  return chosen;
}

/** The scores that order the methods, and the one that finds best and worst cases. @param scores those that were computed */
export function selectRanking(
  { rankBy, headline }: Pick<ParsedEvaluateOptions, 'rankBy' | 'headline'>,
  scores: readonly ScoreName[],
): { rankBy: ScoreName[]; headline: ScoreName } {
  const usual = scores.filter((name) => (RANKING as readonly string[]).includes(name));
  const among = (names: readonly string[], what: string): ScoreName[] => {
    const chosen = select(names, scores, usual, what);
    if (chosen.length > 0) return chosen;
    throw new CumulensError('ERR_OPTION', `evaluate.${what}: name at least one score`);
  };
  const order = rankBy ? among(rankBy, 'rankBy') : usual.length > 0 ? usual : [...scores];
  const first = ['insertion', 'road', 'deletion'].find((name) => order.includes(name as ScoreName)) ?? order[0];
  return { rankBy: order, headline: among([headline ?? (first as string)], 'headline')[0] as ScoreName };
}
