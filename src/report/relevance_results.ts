/** What `cumulens relevance` leaves in its folder, and how its numbers are said. */
import { z } from 'zod';

import type { Relevance } from '../evaluate/relevance.js';
import type { Interval } from '../evaluate/statistics.js';
import { RELEVANCE_KINDS, type RelevanceKind } from '../evaluate/relevance_summary.js';

export const RELEVANCE_FORMAT = 'cumulens.relevance/1';

export interface GeneratorRelevance extends Relevance {
  /** As tables show it: "LSFT". */
  label: string;
  file: string;
  /** Trained values. */
  parameters: number;
}

/** A sample with pictures. */
export interface ShownSample {
  /** Among the samples measured. */
  index: number;
  /** Beside results.json; `maps` by generator. */
  pictures: { image: string; target?: string; conditions: string; maps: string[] };
}

/** results.json */
export interface RelevanceResults {
  format: typeof RELEVANCE_FORMAT;
  /** Version of this package. */
  cumulens: string;
  data: {
    folder: string;
    split: string;
    meanSplit: string;
    samples: number;
    classes: string[];
    conditions: number;
    size: number;
  };
  kinds: RelevanceKind[];
  seed: number;
  generators: GeneratorRelevance[];
  shown: ShownSample[];
}

const interval = z.looseObject({ mean: z.number(), low: z.number(), high: z.number() });
const kindSchema = z.looseObject({
  overall: z.array(interval).min(1),
  byClass: z.array(z.looseObject({ class: z.string(), count: z.number(), conditions: z.array(interval) })),
  firstAndLast: z.looseObject({
    difference: interval,
    verdict: z.enum(['equal', 'first', 'last', 'unclear']),
    answer: z.string(),
  }),
});
/** Of this folder's pictures alone. */
const file = z.string().regex(/^pictures\/[\w-]+\.webp$/, { error: 'expected a picture in pictures/' });

/** What a page needs of a results.json that may be anybody's. */
export const relevanceResultsSchema = z.looseObject({
  cumulens: z.string(),
  data: z.looseObject({
    folder: z.string(),
    split: z.string(),
    meanSplit: z.string(),
    samples: z.number(),
    classes: z.array(z.string()),
    conditions: z.number(),
    size: z.number(),
  }),
  kinds: z.array(z.enum(RELEVANCE_KINDS)).min(1),
  seed: z.number(),
  generators: z
    .array(
      z.looseObject({
        label: z.string(),
        file: z.string(),
        parameters: z.number(),
        answer: z.string(),
        depths: z.array(z.looseObject({ label: z.string() })).min(1),
        settings: z.looseObject({ swappedBy: z.number() }),
        kinds: z.partialRecord(z.enum(RELEVANCE_KINDS), kindSchema),
        samples: z.array(
          z.looseObject({
            id: z.string(),
            label: z.number(),
            relevance: z.partialRecord(z.enum(RELEVANCE_KINDS), z.array(z.number())),
          }),
        ),
      }),
    )
    .min(1),
  shown: z.array(
    z.looseObject({
      index: z.number().int().nonnegative(),
      pictures: z.strictObject({ image: file, target: file.optional(), conditions: file, maps: z.array(file) }),
    }),
  ),
});

/** What is done to a condition, as a heading. */
export const KIND_LABELS: Readonly<Record<RelevanceKind, string>> = {
  zero: 'Replaced by zeros',
  mean: 'Replaced by its mean',
  swap: "Replaced by another sample's",
  gradient: 'By gradient',
};

/** The same in a column of 80. */
export const KIND_NAMES: Readonly<Record<RelevanceKind, string>> = {
  zero: 'zeros',
  mean: 'mean',
  swap: 'swapped',
  gradient: 'gradient',
};

export const kindsOf = ({ kinds }: RelevanceResults): RelevanceKind[] =>
  RELEVANCE_KINDS.filter((kind) => kinds.includes(kind));

/** Sums over the map's pixels as the mean change of a pixel, in percent of the map's range. */
export function toPercent(sum: number, size: number): number {
  return (100 * sum) / size ** 2;
}

/** Decimals that leave three digits, four at most. */
function decimals(value: number): number {
  return value === 0 ? 0 : Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
}

/** "12.3", "1.23", "0.123", "0.0012". */
export function formatPercent(value: number): string {
  return value.toFixed(decimals(value));
}

/** Sums as "12.3 ±0.4": the mean in percent, and half of its interval as exactly. */
export function formatInterval({ mean, low, high }: Interval, size: number): string {
  const places = decimals(toPercent(mean, size));
  return `${toPercent(mean, size).toFixed(places)} ±${toPercent((high - low) / 2, size).toFixed(places)}`;
}
