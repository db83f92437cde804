/** Which generators a study trains, on what, and what each is tried on: the cells of the paper's tables, in the order of their worth. */

/** A CNN trained on a data set, by the names of both. */
export interface Pair {
  cnn: string;
  data: string;
}

/** What a generator learns from: one pair; all of them; all but those of one CNN, or of one data set. */
export const SCOPES = ['one', 'mix', 'without-cnn', 'without-data'] as const;
export type Scope = (typeof SCOPES)[number];

/** Whether the target's own map is among those that the conditions average (METHOD §3). */
export const TARGETS = ['excluded', 'included'] as const;
export type Target = (typeof TARGETS)[number];

export interface Training {
  /** A name for files, of all that follows. */
  id: string;
  variant: 'lsft' | 'gsft';
  target: Target;
  scope: Scope;
  /** The CNN or data set that is left out. */
  left?: string;
  sources: readonly Pair[];
  /** What it is tried on; where it learnt from one pair, that pair is the first. */
  tests: readonly Pair[];
  seed: number;
  /** Repeated with every seed, and looked at in depth. */
  headline: boolean;
}

export interface PlanOptions {
  cnns: readonly string[];
  data: readonly string[];
  variants: readonly ('lsft' | 'gsft')[];
  targets: readonly Target[];
  scopes: readonly Scope[];
  /** Seeds of the headline cells; the others have the first alone. */
  seeds: readonly number[];
}

/** For files. */
export const pairName = ({ cnn, data }: Pair): string => `${cnn}-${data}`;
/** For readers. */
export const onPair = ({ cnn, data }: Pair): string => `${cnn}, ${data}`;

/** A scope made concrete: what is learnt from and what is tried on. */
type Cell = Pick<Training, 'scope' | 'left' | 'sources' | 'tests'>;

function cells({ cnns, data, scopes }: PlanOptions): Cell[] {
  const pairs = cnns.flatMap((cnn) => data.map((name) => ({ cnn, data: name })));
  const withOthers = (own: Pair): Pair[] => [own, ...pairs.filter((pair) => pair !== own)];
  const leaveOut = (scope: Scope, key: keyof Pair, names: readonly string[]): Cell[] =>
    names.length < 2
      ? []
      : names.map((left) => ({
          scope,
          left,
          sources: pairs.filter((pair) => pair[key] !== left),
          tests: pairs.filter((pair) => pair[key] === left),
        }));
  const byScope: Record<Scope, () => Cell[]> = {
    one: () => pairs.map((own) => ({ scope: 'one', sources: [own], tests: withOthers(own) })),
    mix: () => (pairs.length < 2 ? [] : [{ scope: 'mix', sources: pairs, tests: pairs }]),
    'without-cnn': () => leaveOut('without-cnn', 'cnn', cnns),
    'without-data': () => leaveOut('without-data', 'data', data),
  };
  return SCOPES.filter((scope) => scopes.includes(scope)).flatMap((scope) => byScope[scope]());
}

function nameOf({ variant, target, scope, left, sources, seed }: Omit<Training, 'id'>): string {
  const what = scope === 'one' ? pairName(sources[0] as Pair) : left;
  return [variant, target, scope, ...(what === undefined ? [] : [what]), `seed${seed}`].join('-');
}

/**
 * Every training of a study. What answers the questions comes first: the first seed without the target's map, then the repetitions of the
 * headline cells, then the cells with the target's map in the conditions. A study that is stopped has the best of it done.
 */
export function planStudy(options: PlanOptions): Training[] {
  const { variants, seeds } = options;
  const all = cells(options).flatMap((cell) =>
    variants.flatMap((variant) =>
      TARGETS.filter((target) => options.targets.includes(target)).flatMap((target) => {
        const headline = target === 'excluded' && (cell.scope === 'one' || cell.scope === 'mix');
        return (headline ? seeds : seeds.slice(0, 1)).map((seed): Training => {
          // How it fares on other pairs is asked of the first seed alone.
          const tests = cell.scope === 'one' && seed !== seeds[0] ? cell.sources : cell.tests;
          const training = { ...cell, tests, variant, target, seed, headline };
          return { id: nameOf(training), ...training };
        });
      }),
    ),
  );
  const rank = ({ target, seed }: Training): number => (target === 'included' ? 2 : seed === seeds[0] ? 0 : 1);
  return all.sort((a, b) => rank(a) - rank(b));
}
