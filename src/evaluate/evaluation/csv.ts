/** results.csv: an image a row (RFC 4180), read from the parts as it is written. */
import { open, rename, rm } from 'node:fs/promises';

import { CumulensError } from '../../errors.js';
import { temporaryName } from '../../files.js';
import type { ScoreName } from '../scores/scores.js';
import type { PartFolder } from './parts.js';

/** Quoted where it must be. */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const FIRST_COLUMNS = ['index', 'id', 'label', 'predicted', 'target', 'probability'] as const;

export interface CsvContext {
  parts: PartFolder;
  methods: readonly string[];
  scores: readonly ScoreName[];
  /** The CNN's, for labels; numbers where it has no names. */
  classes: readonly string[];
}

export function csvHeader({ methods, scores }: Pick<CsvContext, 'methods' | 'scores'>): string[] {
  const columns = methods.flatMap((method) => scores.map((score) => `${method}.${score}`));
  return [...FIRST_COLUMNS, ...columns, 'undefined'];
}

/** Rows of fields: the scores of every method, and the names of those that are undefined, set to 0, in the last column. */
async function* rows({ parts, methods, scores, classes }: CsvContext): AsyncGenerator<string[]> {
  const className = (index: number): string => (index < 0 ? '' : (classes[index] ?? String(index)));
  for await (const part of parts.read((name) => /^(scores|undefined)\./.test(name))) {
    const { ids, labels, predicted, targets, probabilities, arrays, first } = part;
    const n = ids.length;
    for (const [i, id] of ids.entries()) {
      const missing: string[] = [];
      const values = methods.flatMap((method, m) =>
        scores.map((score) => {
          if (arrays[`undefined.${score}`]?.[m * n + i]) missing.push(`${method}.${score}`);
          return String(arrays[`scores.${score}`]?.[m * n + i] ?? '');
        }),
      );
      const classesOf = [labels[i], predicted[i], targets[i]].map((index) => className(index ?? -1));
      yield [String(first + i), id, ...classesOf, String(probabilities[i]), ...values, missing.join(' ')];
    }
  }
}

/** Writes the file under a temporary name and renames it. @throws CumulensError ERR_IO */
export async function writeCsv(path: string, context: CsvContext): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'w');
    try {
      await file.appendFile(`${csvHeader(context).map(csvField).join(',')}\n`);
      for await (const row of rows(context)) await file.appendFile(`${row.map(csvField).join(',')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    if (cause instanceof CumulensError) throw cause;
    throw new CumulensError('ERR_IO', `${path}: cannot write: ${(cause as Error).message}`, { cause });
  }
}
