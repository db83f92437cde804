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
  /** Means of the baselines. */
  beside: Record<string, number>;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean over seeds of each image's score. */
function averaged(rows: readonly number[][]): number[] {
  return (rows[0] as number[]).map((_, i) => mean(rows.map((row) => row[i] as number)));
}

export interface Sides {
  variant: string;
  what: string;
  /** One a seed. */
  ours: readonly (Rows | undefined)[];
  theirs: readonly (Rows | undefined)[];
  /** Baselines, whose means are told beside: they show what a score is worth. One a seed. */
  beside?: Readonly<Record<string, readonly (Rows | undefined)[]>>;
}

/** The seeds in which both sides have the score, of the same images. */
function sharedSeeds({ ours, theirs }: Sides, score: ScoreName): number[] {
  const seeds = [...ours.keys()];
  return seeds.filter((seed) => {
    const [a, b] = [ours[seed]?.[score], theirs[seed]?.[score]];
    return a !== undefined && a.length === b?.length;
  });
}

function meansBeside({ beside = {} }: Sides, seeds: readonly number[], score: ScoreName): Record<string, number> {
  const means = Object.entries(beside).map(([name, sides]) => {
    const rows = seeds.flatMap((seed) => sides[seed]?.[score] ?? []);
    return [name, rows.length > 0 ? mean(rows) : undefined] as const;
  });
  return Object.fromEntries(means.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/** A contrast for each score that both sides have in a seed: what is half done is compared by the seeds that it has. */
export async function contrasts(sides: Sides, scores: readonly ScoreName[]): Promise<Contrast[]> {
  const found: Contrast[] = [];
  for (const score of scores) {
    const seeds = sharedSeeds(sides, score);
    if (seeds.length === 0) continue;
    const average = (side: Sides['ours']): number[] => averaged(seeds.map((seed) => side[seed]?.[score] as number[]));
    const [a, b] = [average(sides.ours), average(sides.theirs)];
    const table = new ScoreTable();
    table.add('ours', { values: { [score]: a }, undefined: {} });
    table.add('theirs', { values: { [score]: b }, undefined: {} });
    const difference = await table.compare('ours', 'theirs', score, 0);
    const { variant, what } = sides;
    const beside = meansBeside(sides, seeds, score);
    found.push({ variant, what, score, seeds: seeds.length, images: a.length, ours: mean(a), theirs: mean(b), difference, beside }); // prettier-ignore
  }
  return found;
}
