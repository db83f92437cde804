/** One order of all methods from several scores. */
import { compareRows, type Interval } from '../statistics.js';

/** As results.json and the page say it. */
export const RANKING_RULE =
  'For each image and each ranking score the methods are ranked, 1 the best, ties sharing their mean rank; the mean over the scores, then over the ' +
  'images, orders the methods. A place counts the methods whose mean rank is surely lower: the 95 % interval of the paired difference excludes 0.';

/** Ranks within one image: 1 for the best, ties share their mean. @param sign 1 where lower is better, −1 where higher is */
function addRanks(values: readonly number[], sign: number, into: readonly Float64Array[], image: number): void {
  const order = values.map((_, i) => i).sort((a, b) => sign * ((values[a] as number) - (values[b] as number)));
  for (let begin = 0; begin < order.length;) {
    let end = begin + 1;
    while (end < order.length && values[order[end] as number] === values[order[begin] as number]) end++;
    for (const method of order.slice(begin, end)) {
      const ranks = into[method] as Float64Array;
      ranks[image] = (ranks[image] as number) + (begin + 1 + end) / 2;
    }
    begin = end;
  }
}

/** Collects the ranks of every method in one score after another; memory is one value an image and method. */
export class MeanRanks {
  readonly #ranks: Float64Array[];
  #scores = 0;

  constructor(methods: number, images: number) {
    this.#ranks = Array.from({ length: methods }, () => new Float64Array(images));
  }

  /** @param columns one a method, a value an image */
  add(columns: readonly Float64Array[], better: 'lower' | 'higher'): void {
    const images = columns[0]?.length ?? 0;
    for (let image = 0; image < images; image++)
      addRanks(
        columns.map((column) => column[image] as number),
        better === 'lower' ? 1 : -1,
        this.#ranks,
        image,
      );
    this.#scores++;
  }

  /** Of each method: its mean rank, and its place. */
  async places(seed: number): Promise<{ meanRank: Interval; place: number }[]> {
    const rows = this.#ranks.map((ranks) => ranks.map((sum) => sum / this.#scores));
    const { means, differences } = await compareRows(rows, seed);
    return means.map((meanRank, i) => ({
      meanRank,
      place: 1 + (differences[i] ?? []).filter(({ low }) => low > 0).length,
    }));
  }
}
