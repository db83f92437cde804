/** A study's answers as text that fits 80 columns. */
import { SCORES } from '../evaluate/scores/scores.js';
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

const points = (value: number): string => value.toFixed(3);

/** Every question with its answer, and each score's mean difference with the counts behind it. */
export function studySummary({ page, done, trainings, answers }: StudyResult): string {
  const blocks = answers.questions.map(({ question, text, contrasts, sides }) => {
    const scores = [...new Set(contrasts.map(({ score }) => score))];
    const rows = scores.map((score) => {
      const own = contrasts.filter((contrast) => contrast.score === score);
      const mean = (value: (one: (typeof own)[number]) => number): string =>
        points(own.reduce((sum, one) => sum + value(one), 0) / own.length);
      const count = (verdict: string): string => String(own.filter((one) => one.difference.verdict === verdict).length);
      return [SCORES[score].label, mean((one) => one.ours), mean((one) => one.theirs), count('better'), count('indistinguishable'), count('worse')]; // prettier-ignore
    });
    const table = rows.length > 0 ? `\n${textTable([['', ...sides, 'better', 'even', 'worse'], ...rows])}` : '';
    return `${wrap(question)}\n${wrap(text)}${table}`;
  });
  const last = `Do the first and the last condition matter equally?\n${wrap(answers.firstAndLast.text)}`;
  const rest = answers.trainings.filter(({ atRest }) => atRest).length;
  const state = `${done} of ${trainings} trainings done; ${rest} of ${answers.trainings.length} had come to rest.`;
  return `\n${[...blocks, last, state, page].join('\n\n')}\n`;
}
