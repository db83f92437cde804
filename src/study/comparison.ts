/** Two things tried on the same images: whose score is better, averaged over seeds, with a paired interval over the images. */
import { ScoreTable, type Difference } from '../evaluate/score_table.js';
import type { ScoreName } from '../evaluate/scores/scores.js';
import type { Rows } from './scoring.js';

/** One line of an answer. */
export interface Contrast {
  /** Which variant. */
  variant: string;
  /** What is compared, such as 'small, composed'. */
  what: string;
  score: ScoreName;
  seeds: number;
  images: number;
  /** Means of either side. */
  ours: number;
  theirs: number;
  /** Ours minus theirs, image by image. */
  difference: Difference;
}

/** Mean over seeds of each image's score; undefined where one of them lacks it. */
function averaged(sides: readonly (Rows | undefined)[], score: ScoreName): number[] | undefined {
  const rows = sides.map((side) => side?.[score]);
  const [first] = rows;
  if (!first || rows.some((row) => row?.length !== first.length)) return undefined;
  return first.map((_, i) => rows.reduce((sum, row) => sum + ((row as number[])[i] as number), 0) / rows.length);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export interface Sides {
  variant: string;
  what: string;
  /** One a seed. */
  ours: readonly (Rows | undefined)[];
  theirs: readonly (Rows | undefined)[];
}

/** A contrast for each score that both sides have. */
export async function contrasts(
  { variant, what, ours, theirs }: Sides,
  scores: readonly ScoreName[],
): Promise<Contrast[]> {
  const found: Contrast[] = [];
  for (const score of scores) {
    const [a, b] = [averaged(ours, score), averaged(theirs, score)];
    if (a === undefined || b?.length !== a.length) continue;
    const table = new ScoreTable();
    table.add('ours', { values: { [score]: a }, undefined: {} });
    table.add('theirs', { values: { [score]: b }, undefined: {} });
    const difference = await table.compare('ours', 'theirs', score, 0);
    found.push({
      variant,
      what,
      score,
      seeds: ours.length,
      images: a.length,
      ours: mean(a),
      theirs: mean(b),
      difference,
    });
  }
  return found;
}
