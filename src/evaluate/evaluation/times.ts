/** timing.json: how long each method took. Apart from results.json, which is the same whenever it is made. */
import { z } from 'zod';

import { readJson } from '../../files.js';
import { parseOptions } from '../../options.js';
import type { PartFolder } from './parts.js';

export const TIMES_FILE = 'timing.json';

const seconds = z.number().nonnegative();
const timesSchema = z.strictObject({
  images: z.number().int().nonnegative(),
  /** Seconds in all, by method: making its maps, and scoring them. */
  methods: z.record(z.string(), z.strictObject({ explain: seconds, score: seconds })),
});
export type Times = z.output<typeof timesSchema>;

/** @throws CumulensError ERR_IO, ERR_FORMAT */
export async function readTimes(path: string): Promise<Times> {
  return parseOptions(timesSchema, await readJson(path), path, 'ERR_FORMAT');
}

const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000;

export async function collectTimes(parts: PartFolder, methods: readonly string[]): Promise<Times> {
  const sums = methods.map(() => ({ explain: 0, score: 0 }));
  let images = 0;
  for await (const { ids, seconds: taken } of parts.read(() => false)) {
    images += ids.length;
    sums.forEach((sum, m) => {
      sum.explain += taken[m]?.explain ?? 0;
      sum.score += taken[m]?.score ?? 0;
    });
  }
  const entries = methods.map((name, m) => {
    const { explain = 0, score = 0 } = sums[m] ?? {};
    return [name, { explain: rounded(explain), score: rounded(score) }] as const;
  });
  return { images, methods: Object.fromEntries(entries) };
}
