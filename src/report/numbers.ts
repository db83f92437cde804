/** Numbers as tables show them. */

/** "−0.12", never "-0.00". */
export function formatNumber(value: number, digits: number): string {
  const text = Math.abs(value) >= 10000 ? value.toExponential(2) : value.toFixed(digits);
  return text.replace(/^-(0(\.0*)?)$/, '$1').replace('-', '−');
}

/** Decimals that a score deserves. */
export function digitsOf({ unit }: { unit?: string | undefined }): number {
  return unit === '%' ? 1 : unit === 'dB' ? 2 : 3;
}

/** "0.064 ±0.002": the mean, and half of its 95 % interval. */
export function formatMean({ mean, low, high }: { mean: number; low: number; high: number }, digits: number): string {
  return `${formatNumber(mean, digits)} ±${formatNumber((high - low) / 2, digits)}`;
}

/** "0.05 (0.02 … 0.08)", with its sign. */
export function formatDifference(
  { mean, low, high }: { mean: number; low: number; high: number },
  digits: number,
): string {
  const sign = mean > 0 ? '+' : '';
  return `${sign}${formatNumber(mean, digits)} (${formatNumber(low, digits)} … ${formatNumber(high, digits)})`;
}
