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

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean over seeds of each image's score. */
function averaged(rows: readonly number[][]): number[] {
  return (rows[0] as number[]).map((_, i) => mean(rows.map((row) => row[i] as number)));
}

/** The rows of those seeds in which both sides have the score, of the same images. */
function paired({ ours, theirs }: Sides, score: ScoreName): { ours: number[]; theirs: number[] }[] {
  return ours.flatMap((side, seed) => {
    const [a, b] = [side?.[score], theirs[seed]?.[score]];
    return a && a.length === b?.length ? [{ ours: a, theirs: b }] : [];
  });
}

export interface Sides {
  variant: string;
  what: string;
  /** One a seed. */
  ours: readonly (Rows | undefined)[];
  theirs: readonly (Rows | undefined)[];
}

/** A contrast for each score that both sides have in a seed: one half done is compared by the seeds that it has. */
export async function contrasts(sides: Sides, scores: readonly ScoreName[]): Promise<Contrast[]> {
  const found: Contrast[] = [];
  for (const score of scores) {
    const pairs = paired(sides, score);
    if (pairs.length === 0) continue;
    const [a, b] = [averaged(pairs.map(({ ours }) => ours)), averaged(pairs.map(({ theirs }) => theirs))];
    const table = new ScoreTable();
    table.add('ours', { values: { [score]: a }, undefined: {} });
    table.add('theirs', { values: { [score]: b }, undefined: {} });
    const difference = await table.compare('ours', 'theirs', score, 0);
    const { variant, what } = sides;
    found.push({ variant, what, score, seeds: pairs.length, images: a.length, ours: mean(a), theirs: mean(b), difference }); // prettier-ignore
  }
  return found;
}
