/** A study's findings by what they are of. */
import type { Finding, Trial } from './findings.js';
import { pairName, type Pair, type Scope, type Target } from './plan.js';

const same = (a: Pair, b: Pair): boolean => pairName(a) === pairName(b);

export class FindingIndex {
  constructor(readonly all: readonly Finding[]) {}

  get variants(): string[] {
    return [...new Set(this.all.map(({ training }) => training.variant))];
  }

  has(target: Target): boolean {
    return this.all.some(({ training }) => training.target === target);
  }

  of(variant: string, scope: Scope, target: Target = 'excluded'): Finding[] {
    return this.all.filter(
      ({ training }) => training.variant === variant && training.scope === scope && training.target === target,
    );
  }

  /** Every seed's trial on `pair` of the generators that learnt from that pair alone. */
  own(variant: string, pair: Pair, target: Target = 'excluded'): Trial[] {
    return this.of(variant, 'one', target)
      .filter(({ training }) => same(training.sources[0] as Pair, pair))
      .map(({ trials }) => trials[0] as Trial);
  }

  /** Every seed's trial on `pair` of the mix. */
  mixed(variant: string, pair: Pair, target: Target = 'excluded'): Trial[] {
    return this.of(variant, 'mix', target).flatMap(({ trials }) => trials.filter((trial) => same(trial.pair, pair)));
  }

  /** Pairs that generators were tried on which learnt from them: alone, or among all. */
  pairs(variant: string, target: Target = 'excluded'): Pair[] {
    const learnt = [...this.of(variant, 'one', target), ...this.of(variant, 'mix', target)];
    const sources = learnt.flatMap(({ training }) => training.sources);
    return sources.filter((pair, i) => sources.findIndex((other) => same(other, pair)) === i);
  }
}
