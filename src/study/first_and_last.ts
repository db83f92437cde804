/** Do the first and the last condition matter equally to a study's generators? */
import { compareFirstAndLast, EQUAL_WITHIN, RELEVANCE_KINDS } from '../evaluate/relevance_summary.js';
import { answerOf } from './answer.js';
import type { FirstAndLastRow, StudyAnswers } from './answers.js';
import type { FindingIndex } from './finding_index.js';
import type { Trial } from './findings.js';
import { onPair } from './plan.js';

/** Each image's first and last relevance, averaged over seeds. */
export async function firstAndLast(index: FindingIndex): Promise<StudyAnswers['firstAndLast']> {
  const rows: FirstAndLastRow[] = [];
  for (const variant of index.variants) {
    const cells: [string, Trial[]][] = index
      .pairs(variant)
      .flatMap((pair) => [
        [onPair(pair), index.own(variant, pair)] as [string, Trial[]],
        [`mix: ${onPair(pair)}`, index.mixed(variant, pair)] as [string, Trial[]],
      ]);
    for (const [what, trials] of cells) {
      const measured = trials.flatMap(({ relevance }) => (relevance ? [relevance] : []));
      for (const kind of RELEVANCE_KINDS) {
        const tables = measured.flatMap((relevance) => (relevance[kind] ? [relevance[kind]] : []));
        const [one] = tables;
        if (!one) continue;
        const column = (at: number): number[] =>
          one.map((_, i) => tables.reduce((sum, table) => sum + (table[i]?.at(at) ?? 0), 0) / tables.length);
        const { difference, verdict } = await compareFirstAndLast(column(0), column(-1), 0);
        rows.push({ variant, what, kind, seeds: tables.length, difference, verdict });
      }
    }
  }
  const count = (verdict: string): number => rows.filter((row) => row.verdict === verdict).length;
  const equal = count('equal');
  const found = `of ${rows.length} cells and ways to ask, the first and the last condition are equal (within ${EQUAL_WITHIN * 100} % of their mean) in ${equal}, the first matters more in ${count('first')}, the last in ${count('last')}, and ${count('unclear')} do not tell.`;
  return { ...answerOf(equal, rows.length, found), rows };
}
