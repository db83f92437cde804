/** From the parts to what results.json says of methods and scores: one score's values in memory at a time. */
import type { ExplanationMethod } from '../contract.js';
import { rankColumns, type Ranked } from '../score_table.js';
import { describeScore, SCORES, type ScoreName, type ScoreSettings } from '../scores/scores.js';
import { CURVES, type CurveName, type CurveSums, type PartFolder } from './parts.js';
import { MeanRanks, RANKING_RULE } from './ranking.js';
import type { EvaluatedCurve, EvaluatedMethod, EvaluatedScore, EvaluationResults, MethodScore } from './results.js';

/** Every method is compared with it, as well as with the best. */
const REFERENCE = 'gradcam';
/** The first generator's formula. */
const LINEAR = 'linear';

export interface SummaryContext {
  parts: PartFolder;
  /** What agreement is measured with. */
  target?: ExplanationMethod | undefined;
  methods: readonly ExplanationMethod[];
  names: readonly ScoreName[];
  settings: ScoreSettings;
  images: number;
  /** Of an image: what the curves change step by step. */
  pixels: number;
  rankBy: readonly ScoreName[];
  headline: ScoreName;
  seed: number;
}

export type Summary = Pick<EvaluationResults, 'scores' | 'methods' | 'ranking' | 'curves'> & {
  /** Of the headline score: by method, a value an image. */
  headlineValues: ReadonlyMap<string, Float64Array>;
};

/** A perfect agreement with the target, where one of these is known. */
const PERFECT: Partial<Record<ScoreName, (mean: number) => boolean>> = {
  mae: (mean) => mean === 0,
  psnr: (mean) => mean === 100,
  ssim: (mean) => mean > 1 - 1e-9,
  pearson: (mean) => mean > 1 - 1e-9,
};

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The methods whose maps are the target itself: `target`, and usually Grad-CAM. */
async function findTargets({ parts, methods, names, images }: SummaryContext): Promise<Set<string>> {
  const found = new Set(methods.filter(({ name }) => name === 'target').map(({ name }) => name));
  const name = (Object.keys(PERFECT) as ScoreName[]).find((each) => names.includes(each));
  if (!name) return found;
  const columns = await parts.columns(name, methods.length, images);
  columns.forEach(({ values }, m) => {
    if (PERFECT[name]?.(mean(values))) found.add((methods[m] as ExplanationMethod).name);
  });
  return found;
}

function differenceTo(other: string | undefined, { method, against }: Ranked): MethodScore['versusBest'] {
  const found = other === undefined || other === method ? undefined : against[other];
  return found ? { ...found, to: other as string } : undefined;
}

function toMethodScore(ranked: Ranked, best: string | undefined): MethodScore {
  const { mean: value, low, high, undefined: missing, rank } = ranked;
  const versusBest = differenceTo(best, ranked);
  const versusGradcam = differenceTo(REFERENCE, ranked);
  const versusLinear = differenceTo(LINEAR, ranked);
  return {
    ...{ mean: value, low, high, undefined: missing, rank },
    ...(versusBest ? { versusBest } : {}),
    ...(versusGradcam ? { versusGradcam } : {}),
    ...(versusLinear ? { versusLinear } : {}),
  };
}

/** One score of every method. */
interface OneScore {
  columns: { method: string; values: Float64Array; undefined: number }[];
  /** The best mean first. */
  ranked: Ranked[];
}

async function readScore(name: ScoreName, context: SummaryContext, targets: ReadonlySet<string>): Promise<OneScore> {
  const { parts, methods, images, seed } = context;
  const columns = (await parts.columns(name, methods.length, images)).map((column, m) => ({
    ...column,
    method: (methods[m] as ExplanationMethod).name,
  }));
  // How near the target is to itself is no merit.
  const judged = columns.filter(({ method }) => SCORES[name].needs !== 'target' || !targets.has(method));
  return { columns, ranked: await rankColumns(name, judged, seed) };
}

function describe(name: ScoreName, { settings, target }: SummaryContext, ranked: readonly Ranked[]): EvaluatedScore {
  const { label, better, unit, needs } = SCORES[name];
  const of =
    needs === 'target' && target
      ? `; the target is ${String(target.settings.method)} at tap ${String(target.settings.tap)}`
      : '';
  return {
    ...{
      name,
      label,
      better,
      settings: `${describeScore(name, settings)}${of}`,
      order: ranked.map(({ method }) => method),
    },
    ...(unit ? { unit } : {}),
    ...(needs ? { needs } : {}),
  };
}

/** Means, intervals, ranks and comparisons of every score, and the order of the methods. */
export async function summarise(context: SummaryContext): Promise<Summary> {
  const { methods, names, images, rankBy, headline, seed } = context;
  const targets = await findTargets(context);
  // By likeness to the target, the target would be first: then it stands outside the ranking.
  const byLikeness = rankBy.some((name) => SCORES[name].needs === 'target');
  const competing = methods.map(({ name }) => name).filter((name) => !(byLikeness && targets.has(name)));
  const ranks = new MeanRanks(competing.length, images);
  const scores: EvaluatedScore[] = [];
  const byMethod = new Map<string, Record<string, MethodScore>>(methods.map(({ name }) => [name, {}]));
  let headlineValues = new Map<string, Float64Array>();
  for (const name of names) {
    const { columns, ranked } = await readScore(name, context, targets);
    const [best] = ranked;
    for (const one of ranked)
      Object.assign(byMethod.get(one.method) ?? {}, { [name]: toMethodScore(one, best?.method) });
    const values = new Map(columns.map((column) => [column.method, column.values]));
    if (rankBy.includes(name))
      ranks.add(
        competing.map((method) => values.get(method) as Float64Array),
        SCORES[name].better,
      );
    if (name === headline) headlineValues = values;
    scores.push(describe(name, context, ranked));
  }
  const places = new Map((await ranks.places(seed)).map((place, i) => [competing[i] as string, place]));
  const evaluated = methods.map(({ name, label, kind, source, settings: own }): EvaluatedMethod => {
    const described = { name, label, kind, source, settings: { ...own }, isTarget: targets.has(name) };
    return { ...described, ...places.get(name), scores: byMethod.get(name) ?? {} };
  });
  const rankOf = ({ meanRank }: EvaluatedMethod): number => meanRank?.mean ?? Infinity;
  const order = [...evaluated].sort((a, b) => (rankOf(a) < rankOf(b) ? -1 : Number(rankOf(a) > rankOf(b))));
  return {
    scores,
    methods: evaluated,
    ranking: { rule: RANKING_RULE, scores: [...rankBy], headline, order: order.map(({ name }) => name) },
    curves: await summariseCurves(context),
    headlineValues,
  };
}

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

/** Means over the images ± 1.96 standard errors. */
function toCurve({ sum, squares }: CurveSums, images: number): EvaluatedCurve['methods'][string] {
  const means = Array.from(sum, (value) => value / images);
  const errors = means.map((value, i) => {
    const variance = Math.max(0, (squares[i] as number) / images - value * value);
    return images > 1 ? 1.96 * Math.sqrt(variance / (images - 1)) : 0;
  });
  return {
    mean: means.map(rounded),
    low: means.map((value, i) => rounded(value - (errors[i] as number))),
    high: means.map((value, i) => rounded(value + (errors[i] as number))),
  };
}

async function summariseCurves({
  parts,
  methods,
  names,
  images,
  pixels,
}: SummaryContext): Promise<EvaluationResults['curves']> {
  const curves: EvaluationResults['curves'] = {};
  for (const name of CURVES.filter((each: CurveName) => names.includes(each))) {
    const sums = await parts.curves(name, methods.length);
    if (!sums) continue;
    const steps = (sums[0]?.sum.length ?? 1) - 1;
    curves[name] = {
      // Of whole pixels, as the areas are taken.
      fractions: Array.from({ length: steps + 1 }, (_, i) => rounded(Math.floor((i * pixels) / steps + 0.5) / pixels)),
      methods: Object.fromEntries(
        sums.map((each, m) => [(methods[m] as ExplanationMethod).name, toCurve(each, images)]),
      ),
    };
  }
  return curves;
}
