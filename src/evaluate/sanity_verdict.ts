/** What the sanity checks found of a method, in words. */
import type { MethodKind } from './contract.js';
import type { MethodSanity } from './sanity.js';

type Checks = Pick<MethodSanity, 'modelRandomisation' | 'randomLogit'>;

/** From here on a map counts as the same. */
const SAME = 0.9;

/** "0.42", and "−0.00" never. */
const number = (value: number): string => value.toFixed(2).replace('-0.00', '0.00').replace('-', '−');

function ofCnn({ passed, flags, stages }: Checks['modelRandomisation']): string {
  const { pearson, undefined: blank } = stages.at(-1) as (typeof stages)[number];
  const found = `Pearson ${number(pearson.mean)} to its former self once all weights are new`;
  if (pearson.mean >= SAME) return `ignores the CNN: its map stays the same (${found})`;
  if (!passed) return `hardly depends on the CNN (${found})`;
  if (flags.includes('undefined')) return `says little: ${blank} maps are constant (${found})`;
  if (flags.includes('inverted')) return `turns its map inside out, which may still be the image's shape (${found})`;
  return `depends on the CNN (${found})`;
}

function ofClass(check: Checks['randomLogit']): string {
  if (!check) return 'there is no other class to explain';
  const found = `Pearson ${number(check.pearson.mean)} to another class's map`;
  if (check.pearson.mean >= SAME) return `ignores the class (${found})`;
  return check.passed ? `depends on the class (${found})` : `hardly depends on the class (${found})`;
}

/** One line: "depends on the CNN (…); ignores the class (…)", with a word where it is a baseline, or chance could turn a check. */
export function sanityVerdict(kind: MethodKind, checks: Checks): string {
  const parts = [ofCnn(checks.modelRandomisation), ofClass(checks.randomLogit)];
  const unclear = [checks.modelRandomisation, checks.randomLogit].some((check) => check?.flags.includes('unclear'));
  const text = `${parts.join('; ')}${unclear ? '; more images could turn this' : ''}`;
  return kind === 'baseline' ? `a baseline: ${text}` : text;
}
