/** Pages made anew from the results in a folder, without computing. */
import { join } from 'node:path';

import { z } from 'zod';

import { CumulensError } from '../errors.js';
import { EVALUATION_FORMAT, resultsSchema } from '../evaluate/evaluation/results.js';
import { readTimes, TIMES_FILE } from '../evaluate/evaluation/times.js';
import { readJson } from '../files.js';
import { parseOptions } from '../options.js';
import { STUDY_FORMAT, sumUpFolder } from '../study/results.js';
import { RELEVANCE_FORMAT, relevanceResultsSchema, type RelevanceResults } from './relevance_results.js';

/** Writes the page of results that have been read from `path`. @returns the page's path */
type Remake = (folder: string, results: unknown, path: string) => Promise<string>;

/** By the format that results.json says it has. */
const PAGES: Readonly<Record<string, Remake>> = {
  [RELEVANCE_FORMAT]: async (folder, results, path) => {
    const checked = parseOptions(relevanceResultsSchema, results, path, 'ERR_FORMAT') as unknown as RelevanceResults;
    const { writeRelevancePage } = await import('./relevance_page.js');
    return writeRelevancePage(folder, checked);
  },
  [EVALUATION_FORMAT]: async (folder, results, path) => {
    const checked = parseOptions(resultsSchema, results, path, 'ERR_FORMAT');
    const times = await readTimes(join(folder, TIMES_FILE));
    const { writeEvaluationPage } = await import('./evaluation_page.js');
    const page = join(folder, 'report.html');
    await writeEvaluationPage(page, checked, times);
    return page;
  },
  // A study's answers are drawn anew from what its parts found: also from those that came in since.
  [STUDY_FORMAT]: async (folder) => (await sumUpFolder(folder)).page,
};

/**
 * Makes the page of a folder anew, from its results.json and what lies beside it.
 * @returns the page's path
 * @throws CumulensError ERR_IO, or ERR_FORMAT when these are no results of which there is a page
 */
export async function remakePage(folder: string): Promise<string> {
  const path = join(folder, 'results.json');
  const results = await readJson(path);
  const { format } = parseOptions(z.looseObject({ format: z.string().optional() }), results, path, 'ERR_FORMAT');
  const remake = format === undefined ? undefined : PAGES[format];
  if (remake) return remake(folder, results, path);
  const known = Object.keys(PAGES).join(', ');
  throw new CumulensError(
    'ERR_FORMAT',
    `${path}: format: expected one of which there is a page (${known}), got ${format ?? 'none'}`,
  );
}
