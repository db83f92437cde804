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
  /** How often, of `seeds` times `images`, the score was undefined and counted as 0. */
  undefined: { ours: number; theirs: number };
  /** Means of the baselines. */
  beside: Record<string, number>;
}

/** What the cells of a question say together of one score. */
export interface Overall extends Pick<Contrast, 'score' | 'ours' | 'theirs' | 'difference'> {
  cells: number;
  /** Different ones: each counts once, by its average over the cells that it is in. */
  images: number;
}

export interface Comparison {
  /** Cell by cell. */
  contrasts: Contrast[];
  /** A line a score. */
  overall: Overall[];
}

export interface Sides {
  variant: string;
  what: string;
  /** The data set whose held-out images these are: cells of one share their images. */
  data: string;
  /** One a seed. */
  ours: readonly (Rows | undefined)[];
  theirs: readonly (Rows | undefined)[];
  /** Baselines, whose means are told beside: they show what a score is worth. One a seed. */
  beside?: Readonly<Record<string, readonly (Rows | undefined)[]>>;
}

/** A cell's values of one score, image by image. */
interface Paired {
  contrast: Contrast;
  data: string;
  ours: number[];
  theirs: number[];
}

type Row = NonNullable<Rows[ScoreName]>;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const counted = (row: Row): number[] => row.map((value) => value ?? 0);
const undefinedIn = (rows: readonly Row[]): number => rows.flat().filter((value) => value === null).length;

/** Each image's mean over rows: of seeds, or of cells. */
function averaged(rows: readonly (readonly number[])[]): number[] {
  return (rows[0] as number[]).map((_, i) => mean(rows.map((row) => row[i] as number)));
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
    const rows = seeds.flatMap((seed) => counted(sides[seed]?.[score] ?? []));
    return [name, rows.length > 0 ? mean(rows) : undefined] as const;
  });
  return Object.fromEntries(means.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

async function differenceOf(score: ScoreName, ours: number[], theirs: number[]): Promise<Difference> {
  const table = new ScoreTable();
  table.add('ours', { values: { [score]: ours }, undefined: {} });
  table.add('theirs', { values: { [score]: theirs }, undefined: {} });
  return table.compare('ours', 'theirs', score, 0);
}

/** What both sides have in a seed: what is half done is compared by the seeds that it has. */
async function pair(sides: Sides, score: ScoreName): Promise<Paired | undefined> {
  const seeds = sharedSeeds(sides, score);
  if (seeds.length === 0) return undefined;
  const rowsOf = (side: Sides['ours']): Row[] => seeds.map((seed) => side[seed]?.[score] as Row);
  const [a, b] = [rowsOf(sides.ours), rowsOf(sides.theirs)];
  const [ours, theirs] = [averaged(a.map(counted)), averaged(b.map(counted))];
  const { variant, what, data } = sides;
  const contrast: Contrast = {
    variant,
    what,
    score,
    seeds: seeds.length,
    images: ours.length,
    ours: mean(ours),
    theirs: mean(theirs),
    difference: await differenceOf(score, ours, theirs),
    undefined: { ours: undefinedIn(a), theirs: undefinedIn(b) },
    beside: meansBeside(sides, seeds, score),
  };
  return { contrast, data, ours, theirs };
}

/** Cells of one data set are of the same images: an image is drawn once, with all that is known of it. */
async function together(score: ScoreName, cells: readonly Paired[]): Promise<Overall> {
  const imagesOf = ({ data, ours }: Paired): string => `${data} ${ours.length}`;
  const groups = [...new Set(cells.map(imagesOf))].map((images) => cells.filter((cell) => imagesOf(cell) === images));
  const ours = groups.flatMap((group) => averaged(group.map((cell) => cell.ours)));
  const theirs = groups.flatMap((group) => averaged(group.map((cell) => cell.theirs)));
  const difference = await differenceOf(score, ours, theirs);
  return { score, cells: cells.length, images: ours.length, ours: mean(ours), theirs: mean(theirs), difference };
}

/** Every cell by every score that both of its sides have, and each score over all cells. */
export async function compareSides(cells: readonly Sides[], scores: readonly ScoreName[]): Promise<Comparison> {
  const found: Paired[] = [];
  for (const cell of cells) {
    for (const score of scores) {
      const paired = await pair(cell, score);
      if (paired) found.push(paired);
    }
  }
  const overall: Overall[] = [];
  for (const score of scores) {
    const own = found.filter(({ contrast }) => contrast.score === score);
    if (own.length > 0) overall.push(await together(score, own));
  }
  return { contrasts: found.map(({ contrast }) => contrast), overall };
}
