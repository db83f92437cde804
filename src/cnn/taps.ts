/** Which nodes are explained: by name, by pattern, or every nth. */
import picomatch from 'picomatch';
import { z } from 'zod';

import { CumulensError, type ErrorCode } from '../errors.js';
import { didYouMean } from '../options.js';

const name = z.string().min(1);

/**
 * Names of nodes, or patterns (`layer4.*.conv?`, `{a,b}`; `!*.downsample.*` takes away), or `{ every: n }`: the last tap and every nth before it.
 * A name may be any node whose output is [C, H, W]; patterns choose among the CNN's default taps.
 */
export const tapsOption = z.union(
  [name, z.array(name).min(1), z.strictObject({ every: z.number().int().positive(), among: z.array(name).optional() })],
  { error: 'expected names or patterns of taps, or { every: n } (with `among`, a list of them)' },
);
export type TapSelection = z.input<typeof tapsOption>;

/** What there is to choose from, each in network order. */
export interface TapChoice {
  /** The default taps: what patterns and `every` choose among. */
  defaults: readonly string[];
  /** Every node that could be a tap. */
  nodes: readonly string[];
}

/** Tells a pattern from a name; a node may really be called `a[0]`, so a name that exists is a name. */
export const isPattern = (text: string): boolean => /[*?[\]{}!]/.test(text);

/** Dots separate a name's parts as slashes do a path's, but people write layer4.* for everything in layer 4. */
export const matcher = (pattern: string): ((name: string) => boolean) => {
  const matches = picomatch(pattern, { dot: true, bash: true });
  return (name) => matches(name);
};

function matchOne(pattern: string, { defaults, nodes }: TapChoice, what: string, code: ErrorCode): readonly string[] {
  if (nodes.includes(pattern)) return [pattern];
  if (!isPattern(pattern)) {
    throw new CumulensError(code, `${what}: tap '${pattern}' is not a node${didYouMean(pattern, nodes)}`);
  }
  const found = defaults.filter(matcher(pattern));
  if (found.length > 0) return found;
  throw new CumulensError(
    code,
    `${what}: no tap matches '${pattern}'; there are ${defaults.length}, from '${defaults[0] ?? ''}' to '${defaults.at(-1) ?? ''}'`,
  );
}

/**
 * The chosen taps, in network order.
 * @throws CumulensError with `code`, naming what is no node or matches nothing
 */
export function selectTaps(
  selection: TapSelection,
  choice: TapChoice,
  what: string,
  code: ErrorCode = 'ERR_OPTION',
): string[] {
  if (typeof selection === 'string' || Array.isArray(selection)) {
    const patterns = typeof selection === 'string' ? [selection] : selection;
    const excludes = (pattern: string): boolean => pattern.startsWith('!') && !choice.nodes.includes(pattern);
    const wanted = patterns.filter((pattern) => !excludes(pattern));
    const chosen = new Set(
      wanted.length > 0 ? wanted.flatMap((pattern) => matchOne(pattern, choice, what, code)) : choice.defaults,
    );
    for (const pattern of patterns.filter(excludes)) {
      for (const tap of matchOne(pattern.slice(1), choice, what, code)) chosen.delete(tap);
    }
    if (chosen.size === 0) throw new CumulensError(code, `${what}: ${patterns.join(', ')} leaves no tap`);
    return choice.nodes.filter((node) => chosen.has(node));
  }
  const among = selection.among ? selectTaps(selection.among, choice, what, code) : choice.defaults;
  return among.filter((_, index) => (among.length - 1 - index) % selection.every === 0);
}
