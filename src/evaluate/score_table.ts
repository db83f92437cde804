/** Every sample's scores of every method: a few numbers a sample, whatever the maps' size. */
import { SCORES, type SampleScores, type ScoreName } from './scores.js';
import { differences, meansWithIntervals, type Interval } from './statistics.js';

/** One score of one method. */
export interface ScoreResult extends Interval {
  /** Samples for which it was undefined and counted as 0. */
  undefined: number;
  /** The generator's minus this method's, sample by sample; absent for the generator. */
  difference?: Interval;
  /** Whether that difference's interval excludes 0 and lies on the generator's side. */
  generatorBetter?: boolean;
}

export interface MethodResult {
  name: string;
  label: string;
  kind: 'generator' | 'cnn' | 'baseline';
  scores: Partial<Record<ScoreName, ScoreResult>>;
}

/** The method that the others are compared with. */
export const GENERATOR = 'generator';

const LABELS: Readonly<Record<string, string>> = {
  [GENERATOR]: 'GAN',
  target: 'Grad-CAM, last tap',
  cumulative: 'Cumulative average',
  linear: 'Linear combination',
  luminance: 'Image luminance',
  meanTarget: 'Mean target',
  random: 'Random',
};

function describe(method: string): { label: string; kind: MethodResult['kind'] } {
  const [, index, normalised] = /^condition\.(\d+)(\.normalised)?$/.exec(method) ?? [];
  if (index !== undefined) {
    return { label: `Condition ${Number(index) + 1}${normalised ? ', min–max' : ''}`, kind: 'baseline' };
  }
  const kind = method === GENERATOR ? 'generator' : ['target', 'cumulative'].includes(method) ? 'cnn' : 'baseline';
  return { label: LABELS[method] ?? method, kind };
}

export class ScoreTable {
  readonly #rows = new Map<string, SampleScores>();

  add(method: string, { values, undefined: counts }: SampleScores): void {
    const row = this.#rows.get(method) ?? { values: {}, undefined: {} };
    for (const [name, added] of Object.entries(values)) {
      const kept = (row.values[name as ScoreName] ??= []);
      for (const value of added) kept.push(value);
    }
    for (const [name, added] of Object.entries(counts)) {
      row.undefined[name as ScoreName] = (row.undefined[name as ScoreName] ?? 0) + added;
    }
    this.#rows.set(method, row);
  }

  /** Means, intervals and paired differences to the generator; one draw of the bootstrap for all, so every comparison is paired. */
  async results(names: readonly ScoreName[], seed: number): Promise<MethodResult[]> {
    const results: MethodResult[] = [];
    for (const [method, row] of this.#rows) {
      const scores: MethodResult['scores'] = {};
      for (const name of names) scores[name] = await this.#score(method, row, name, seed);
      results.push({ name: method, ...describe(method), scores });
    }
    return results;
  }

  async #score(method: string, row: SampleScores, name: ScoreName, seed: number): Promise<ScoreResult> {
    const own = row.values[name] ?? [];
    const base = this.#rows.get(GENERATOR)?.values[name] ?? [];
    const rows = method === GENERATOR ? [own] : [own, differences(base, own)];
    const [interval, difference] = await meansWithIntervals(rows, seed);
    const result: ScoreResult = { ...(interval as Interval), undefined: row.undefined[name] ?? 0 };
    if (!difference) return result;
    const generatorBetter = SCORES[name].better === 'lower' ? difference.high < 0 : difference.low > 0;
    return { ...result, difference, generatorBetter };
  }
}
