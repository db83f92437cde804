/** The options that commands share, and the parsers of their values. */
import { InvalidArgumentError, Option } from 'commander';

/** A parser for whole numbers in a range. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number${rangeText(min, max, Number.MAX_SAFE_INTEGER)}.`);
  };
}

/** A parser for numbers in a range. */
export function number(min = -Infinity, max = Infinity) {
  return (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a number${rangeText(min, max, Infinity)}.`);
  };
}

function rangeText(min: number, max: number, unbounded: number): string {
  if (max === unbounded) return min === -Infinity ? '' : ` of at least ${min}`;
  return ` from ${min} to ${max}`;
}

function device(text: string): string {
  if (/^(auto|cpu|cuda(:\d+)?)$/.test(text)) return text;
  throw new InvalidArgumentError('Expected auto, cpu, cuda or cuda:N.');
}

/** `--device`, for a command that computes. */
export const deviceOption = (): Option =>
  new Option('--device <device>', 'where to compute: auto, cpu, cuda or cuda:N').argParser(device).default('auto');

/** `--seed`, for a command that draws random numbers: the same seed gives the same result. */
export const seedOption = (): Option =>
  new Option('--seed <number>', 'seed of all random numbers').argParser(integer(0)).default(0);
