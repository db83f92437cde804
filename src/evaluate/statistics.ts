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

/** A value a sample. */
export type Scores = readonly number[] | Float64Array;
/** Scores of the same samples, a row a score. */
export type Rows = readonly Scores[];

/** float64 [K, N] */
function toTable(rows: Rows): Tensor {
  const n = rows[0]?.length ?? 0;
  const table = new Float64Array(rows.length * n);
  rows.forEach((row, i) => table.set(row, i * n));
  return Tensor.from(table, [rows.length, n]);
}

function mean(row: Scores): number {
  let sum = 0;
  for (const value of row) sum += value;
  return sum / row.length;
}

async function numbers(tensor: Tensor): Promise<Float64Array> {
  const values = (await tensor.data()) as Float64Array;
  tensor.dispose();
  return values;
}

/**
 * The mean of each row with its 95 % bootstrap interval; all rows are resampled with the same draws, so a row of differences is a paired
 * comparison.
 */
export async function meansWithIntervals(rows: Rows, seed: number): Promise<Interval[]> {
  if (rows.length === 0) return [];
  const table = toTable(rows);
  try {
    const bounds = await numbers(await native.bootstrapMeans(table, RESAMPLES, seed));
    return rows.map((row, i) => ({ mean: mean(row), low: bounds[2 * i] as number, high: bounds[2 * i + 1] as number }));
  } finally {
    table.dispose();
  }
}

/** The mean of each row, and of each row's difference to each other's, with 95 % bootstrap intervals by the same draws: all paired. */
export async function compareRows(rows: Rows, seed: number): Promise<{ means: Interval[]; differences: Interval[][] }> {
  if (rows.length === 0) return { means: [], differences: [] };
  const table = toTable(rows);
  try {
    const compared = await native.bootstrapComparisons(table, RESAMPLES, seed);
    const [bounds, between] = [await numbers(compared.means), await numbers(compared.differences)];
    const interval = (values: Float64Array, index: number, of: number): Interval => ({
      mean: of,
      low: values[2 * index] as number,
      high: values[2 * index + 1] as number,
    });
    const means = rows.map((row, i) => interval(bounds, i, mean(row)));
    const differences = means.map((a, i) =>
      means.map((b, j) => interval(between, i * rows.length + j, a.mean - b.mean)),
    );
    return { means, differences };
  } finally {
    table.dispose();
  }
}

/** a − b, sample by sample. */
export function differences(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value - (b[i] as number));
}
