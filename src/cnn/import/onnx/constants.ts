/** What a file holds in numbers: weights, shapes, settings. */

/** Integers divide as integers do; otherwise all numbers are alike. */
export type NumberKind = 'float' | 'int' | 'bool';

/** Row-major values. In whole numbers NaN stands for the batch's size, or what was computed of it: files leave it open. */
export interface Constant {
  readonly dims: readonly number[];
  readonly kind: NumberKind;
  readonly values: Float32Array | Float64Array;
}

export const countOf = (dims: readonly number[]): number => dims.reduce((product, n) => product * n, 1);

/** Whole numbers as a vector. */
export const integers = (values: ArrayLike<number>): Constant => ({
  dims: [values.length],
  kind: 'int',
  values: Float64Array.from(values),
});

/** An array of the same kind of numbers. */
export const emptyLike = ({ values }: Constant, count: number): Float32Array | Float64Array =>
  values instanceof Float32Array ? new Float32Array(count) : new Float64Array(count);

export const float32Of = ({ values }: Constant): Float32Array =>
  values instanceof Float32Array ? values : Float32Array.from(values);

/** The double that people wrote, of a float32 that files keep: 0.1, not 0.10000000149011612. */
export function decimal(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}
