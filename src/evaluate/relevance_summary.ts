/** What relevance comes to over a data set: means with intervals, by class, and whether the first and the last condition matter equally. */
import { differences, meansWithIntervals, type Interval } from './statistics.js';

/** What stands in a condition's place: zeros, its mean over a data set, another sample's. Or the gradient, at the conditions as they are. */
export const RELEVANCE_KINDS = ['zero', 'mean', 'swap', 'gradient'] as const;
export type RelevanceKind = (typeof RELEVANCE_KINDS)[number];

export interface SampleRelevance {
  id: string;
  /** Index of its class. */
  label: number;
  /** R_0 … R_{P−1} by kind. */
  relevance: Partial<Record<RelevanceKind, number[]>>;
}

/** First and last count as equally important where their difference, relative to their mean, is surely smaller than this. */
export const EQUAL_WITHIN = 0.2;

/** Are the first and the last condition equally important? */
export interface FirstAndLast {
  /** (first − last) / their mean, over all samples; positive where the first matters more. */
  difference: Interval;
  /** equal: its interval lies within ±EQUAL_WITHIN; first, last: it lies on that side of 0; unclear: neither. */
  verdict: 'equal' | 'first' | 'last' | 'unclear';
  /** The same in words. */
  answer: string;
}

export interface KindResult {
  /** Of each condition: its mean relevance of each condition, in sums of absolute change over the map's pixels, with its 95 % interval. */
  overall: Interval[];
  byClass: { class: string; count: number; conditions: Interval[] }[];
  firstAndLast: FirstAndLast;
}

const percent = (value: number): string => `${Math.abs(100 * value).toFixed(0)} %`;

/** Compares two conditions sample by sample; exported for its test. */
export async function compareFirstAndLast(
  first: readonly number[],
  last: readonly number[],
  seed: number,
): Promise<FirstAndLast> {
  if (first === last) {
    return { difference: { mean: 0, low: 0, high: 0 }, verdict: 'equal', answer: 'There is one condition alone.' };
  }
  const scale = [...first, ...last].reduce((sum, value) => sum + value, 0) / (2 * first.length);
  const relative = differences(first, last).map((value) => (scale > 0 ? value / scale : 0));
  const [difference] = (await meansWithIntervals([relative], seed)) as [Interval];
  const { mean, low, high } = difference;
  const interval = `95 % interval ${percentWithSign(low)} … ${percentWithSign(high)}`;
  if (low >= -EQUAL_WITHIN && high <= EQUAL_WITHIN) {
    const answer = `Yes: they differ by ${percent(mean)} of their mean, and surely by less than ${percent(EQUAL_WITHIN)} (${interval}).`;
    return { difference, verdict: 'equal', answer };
  }
  if (low > 0 || high < 0) {
    const verdict = low > 0 ? 'first' : 'last';
    return {
      difference,
      verdict,
      answer: `No: the ${verdict} matters more, by ${percent(mean)} of their mean (${interval}).`,
    };
  }
  return {
    difference,
    verdict: 'unclear',
    answer: `These samples do not tell: the difference may be anything in its ${interval}.`,
  };
}

const percentWithSign = (value: number): string => `${value < 0 ? '−' : '+'}${percent(value)}`;

/** One kind over all samples and by class. */
export async function summarise(
  kind: RelevanceKind,
  samples: readonly SampleRelevance[],
  classes: readonly string[],
  seed: number,
): Promise<KindResult> {
  const intervalsOf = (chosen: readonly SampleRelevance[]): Promise<Interval[]> => {
    const rows = chosen.map(({ relevance }) => relevance[kind] as number[]);
    const P = rows[0]?.length ?? 0;
    return meansWithIntervals(
      Array.from({ length: P }, (_, k) => rows.map((row) => row[k] as number)),
      seed,
    );
  };
  const byClass: KindResult['byClass'] = [];
  for (const [label, name] of classes.entries()) {
    const chosen = samples.filter((sample) => sample.label === label);
    if (chosen.length > 0) byClass.push({ class: name, count: chosen.length, conditions: await intervalsOf(chosen) });
  }
  const overall = await intervalsOf(samples);
  const column = (index: number): number[] => samples.map(({ relevance }) => relevance[kind]?.at(index) as number);
  const first = column(0);
  const last = overall.length > 1 ? column(-1) : first;
  return { overall, byClass, firstAndLast: await compareFirstAndLast(first, last, seed) };
}

const VERDICTS: Readonly<Record<FirstAndLast['verdict'], string>> = {
  equal: 'they are equally important',
  first: 'the first matters more',
  last: 'the last matters more',
  unclear: 'these samples do not tell',
};

/** What each kind is called within a sentence. */
const MEASURES: Readonly<Record<RelevanceKind, string>> = {
  zero: 'replaced by zeros',
  mean: 'by its mean',
  swap: "by another sample's",
  gradient: 'by gradient',
};

/** One answer of all kinds: theirs where they agree, else who says what. */
export function firstAndLastAnswer(kinds: Partial<Record<RelevanceKind, KindResult>>): string {
  const given = RELEVANCE_KINDS.flatMap((kind) => {
    const result = kinds[kind]?.firstAndLast;
    return result ? [{ kind, ...result }] : [];
  });
  const [first, ...others] = given;
  if (!first || others.length === 0) return first?.answer ?? '';
  if (others.every(({ verdict }) => verdict === first.verdict)) {
    if (first.verdict === 'unclear') return 'These samples do not tell, by any of the measures.';
    return `${first.verdict === 'equal' ? 'Yes' : 'No'}: ${VERDICTS[first.verdict]}, by all of the measures.`;
  }
  const parts = [...new Set(given.map(({ verdict }) => verdict))].map((verdict) => {
    const measures = given.filter((one) => one.verdict === verdict).map(({ kind }) => MEASURES[kind]);
    return `${VERDICTS[verdict]} (${measures.join(', ')})`;
  });
  return `That depends on the measure: ${parts.join('; ')}.`;
}
