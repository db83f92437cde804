/** timing.json: how long each method took. Apart from results.json, which is the same whenever it is made. */
import type { PartFolder } from './parts.js';

export interface Times {
  images: number;
  /** Seconds in all, by method: making its maps, and scoring them. */
  methods: Record<string, { explain: number; score: number }>;
}

const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000;

export async function collectTimes(parts: PartFolder, methods: readonly string[]): Promise<Times> {
  const sums = methods.map(() => ({ explain: 0, score: 0 }));
  let images = 0;
  for await (const { ids, seconds } of parts.read(() => false)) {
    images += ids.length;
    sums.forEach((sum, m) => {
      sum.explain += seconds[m]?.explain ?? 0;
      sum.score += seconds[m]?.score ?? 0;
    });
  }
  const entries = methods.map((name, m) => {
    const { explain = 0, score = 0 } = sums[m] ?? {};
    return [name, { explain: rounded(explain), score: rounded(score) }] as const;
  });
  return { images, methods: Object.fromEntries(entries) };
}
