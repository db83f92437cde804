/** Every sample's scores of every method: a few numbers a sample, whatever the maps' size. And which method is better. */
import { CumulensError } from '../errors.js';
import { SCORES, type SampleScores, type ScoreName } from './scores/scores.js';
import { compareRows, differences, meansWithIntervals, type Interval, type Scores } from './statistics.js';

/** One score of one method. */
export interface ScoreSummary extends Interval {
  /** Samples for which it was undefined and counted as 0. */
  undefined: number;
}

/** better, worse: the interval of the paired difference excludes 0. */
export type Verdict = 'better' | 'worse' | 'indistinguishable';

/** One method against another on the same samples. */
export interface Difference extends Interval {
  verdict: Verdict;
}

/** One method among others. */
export interface Ranked extends ScoreSummary {
  method: string;
  /** 1 + the number of methods that are better than it: those that cannot be told apart from the best are all first. */
  rank: number;
  /** This method's score minus the other's, by the other's name. */
  against: Record<string, Difference>;
}

interface Row {
  values: Partial<Record<ScoreName, number[]>>;
  undefined: Partial<Record<ScoreName, number>>;
}

export class ScoreTable {
  readonly #rows = new Map<string, Row>();

  /** Of further samples, the same for every method and in the same order. */
  add(method: string, { values, undefined: flags }: SampleScores): void {
    const row = this.#rows.get(method) ?? { values: {}, undefined: {} };
    for (const [name, added] of Object.entries(values)) {
      const kept = (row.values[name as ScoreName] ??= []);
      for (const value of added) kept.push(value);
    }
    for (const [name, added] of Object.entries(flags)) {
      const count = added.filter(Boolean).length;
      row.undefined[name as ScoreName] = (row.undefined[name as ScoreName] ?? 0) + count;
    }
    this.#rows.set(method, row);
  }

  /** In the order in which they came. */
  get methods(): string[] {
    return [...this.#rows.keys()];
  }

  /** One value a sample. @throws CumulensError ERR_OPTION when the method has no such score */
  values(method: string, name: ScoreName): readonly number[] {
    const values = this.#rows.get(method)?.values[name];
    if (!values) throw new CumulensError('ERR_OPTION', `scores: '${method}' has no '${name}'`);
    return values;
  }

  async summarise(method: string, name: ScoreName, seed: number): Promise<ScoreSummary> {
    const [interval] = await meansWithIntervals([this.values(method, name)], seed);
    return this.#summary(method, name, interval as Interval);
  }

  /**
   * Two methods, sample by sample: the mean of a's score minus b's with its 95 % bootstrap interval, and whether a is better.
   * @throws CumulensError ERR_OPTION when one of them has no such score, ERR_SHAPE when they have not as many samples
   */
  async compare(a: string, b: string, name: ScoreName, seed: number): Promise<Difference> {
    const [interval] = await meansWithIntervals([this.#differences(a, b, name)], seed);
    return { ...(interval as Interval), verdict: verdict(name, interval as Interval) };
  }

  /** All methods that have the score, the best mean first, each against all others; one draw of the bootstrap for all. */
  async rank(name: ScoreName, seed: number): Promise<Ranked[]> {
    const methods = this.methods.filter((method) => this.#rows.get(method)?.values[name]);
    for (const method of methods) this.#checkSame(methods[0] as string, method, name);
    const columns = methods.map((method) => ({
      method,
      values: this.values(method, name),
      undefined: this.#rows.get(method)?.undefined[name] ?? 0,
    }));
    return rankColumns(name, columns, seed);
  }

  #summary(method: string, name: ScoreName, interval: Interval): ScoreSummary {
    return { ...interval, undefined: this.#rows.get(method)?.undefined[name] ?? 0 };
  }

  #differences(a: string, b: string, name: ScoreName): number[] {
    this.#checkSame(a, b, name);
    return differences(this.values(a, name), this.values(b, name));
  }

  #checkSame(a: string, b: string, name: ScoreName): void {
    const [ours, theirs] = [this.values(a, name), this.values(b, name)];
    if (ours.length !== theirs.length)
      throw new CumulensError(
        'ERR_SHAPE',
        `scores: '${a}' has ${ours.length} samples of '${name}', '${b}' ${theirs.length}; only the same samples can be compared`,
      );
  }
}

/** One score of one method, a value a sample. */
export interface Column {
  method: string;
  values: Scores;
  /** Samples for which it was undefined and counted as 0. */
  undefined: number;
}

/** Columns of one score over the same samples, the best mean first, each against all others. */
export async function rankColumns(name: ScoreName, columns: readonly Column[], seed: number): Promise<Ranked[]> {
  const { means, differences: between } = await compareRows(
    columns.map(({ values }) => values),
    seed,
  );
  const sign = SCORES[name].better === 'lower' ? 1 : -1;
  return columns
    .map(({ method, undefined: count }, i): Ranked => {
      const against: Record<string, Difference> = {};
      for (const [j, { method: other }] of columns.entries()) {
        const interval = between[i]?.[j] as Interval;
        if (j !== i) against[other] = { ...interval, verdict: verdict(name, interval) };
      }
      const rank = 1 + Object.values(against).filter((other) => other.verdict === 'worse').length;
      return { method, ...(means[i] as Interval), undefined: count, rank, against };
    })
    .sort((a, b) => sign * (a.mean - b.mean));
}

function verdict(name: ScoreName, { low, high }: Interval): Verdict {
  if (low <= 0 && high >= 0) return 'indistinguishable';
  return high < 0 === (SCORES[name].better === 'lower') ? 'better' : 'worse';
}
