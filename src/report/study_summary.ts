/** A study's answers as text that fits 80 columns. */
import { SCORES } from '../evaluate/scores/scores.js';
import type { Difference, Verdict } from '../evaluate/score_table.js';
import type { Question } from '../study/answers.js';
import type { StudyResult } from '../study/results.js';
import { textTable } from './text_table.js';

const WIDTH = 80;

function wrap(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].join('\n');
}

const points = (value: number): string => value.toFixed(3).replace('-', '−');
const interval = ({ mean, low, high }: Difference): string => `${points(mean)} [${points(low)}, ${points(high)}]`;

function scoreTable({ contrasts, overall, sides }: Question): string {
  const rows = overall.map(({ score, ours, theirs }) => {
    const count = (verdict: Verdict): string =>
      String(contrasts.filter((one) => one.score === score && one.difference.verdict === verdict).length);
    return [SCORES[score].label, points(ours), points(theirs), count('better'), count('indistinguishable'), count('worse')]; // prettier-ignore
  });
  return textTable([['', ...sides, 'better', 'even', 'worse'], ...rows]);
}

/** A line a score: a table of it has no room beside the sides' names. */
function differenceLines({ overall, sides: [ours, theirs] }: Question): string {
  const rows = overall.map(({ score, difference }) => [SCORES[score].label, interval(difference)]);
  return `${wrap(`${ours} minus ${theirs}, of all cells:`)}\n${textTable(rows)}`;
}

/** Every question with its answer, each score's means and counts of cells, and the difference over all cells with its 95 % interval. */
export function studySummary({ page, done, trainings, answers }: StudyResult): string {
  const blocks = answers.questions.map((one) => {
    const numbers = one.overall.length > 0 ? [scoreTable(one), differenceLines(one)] : [];
    return [wrap(one.question), wrap(one.text), ...numbers].join('\n');
  });
  const last = `Do the first and the last condition matter equally?\n${wrap(answers.firstAndLast.text)}`;
  const rest = answers.trainings.filter(({ atRest }) => atRest).length;
  const state = `${done} of ${trainings} trainings done; ${rest} of ${answers.trainings.length} had come to rest.`;
  return `\n${[...blocks, last, state, page].join('\n\n')}\n`;
}
