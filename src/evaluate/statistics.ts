/** Means with intervals, and paired differences between methods. */
import { native } from '../native.js';
import { Tensor } from '../tensor.js';

/** Draws of the bootstrap. */
const RESAMPLES = 2000;

export interface Interval {
  mean: number;
  /** 95 % percentile bootstrap. */
  low: number;
  high: number;
}

/**
 * The mean of each row with its 95 % bootstrap interval; all rows are resampled with the same draws, so a row of differences is a paired
 * comparison.
 * @param rows scores of the same samples, a row a score
 */
export async function meansWithIntervals(rows: readonly (readonly number[])[], seed: number): Promise<Interval[]> {
  const [first] = rows;
  if (!first) return [];
  const table = Tensor.from(Float64Array.from(rows.flat()), [rows.length, first.length]);
  try {
    const bounds = await native.bootstrapMeans(table, RESAMPLES, seed);
    const values = (await bounds.data()) as Float64Array;
    bounds.dispose();
    return rows.map((row, i) => ({
      mean: row.reduce((sum, value) => sum + value, 0) / row.length,
      low: values[2 * i] as number,
      high: values[2 * i + 1] as number,
    }));
  } finally {
    table.dispose();
  }
}

/** a − b, sample by sample. */
export function differences(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value - (b[i] as number));
}
