/** What an evaluation found, as text for a terminal. */
import type { EvaluatedMethod, EvaluationResults } from '../evaluate/evaluation/results.js';
import { failsSanity, rankingSentence } from './evaluation_words.js';
import { digitsOf, formatMean, formatNumber } from './numbers.js';
import { textTable } from './text_table.js';

/** Columns beside the ranking, so that a table fits a terminal. */
const MOST_COLUMNS = 4;

function row(method: EvaluatedMethod, scores: EvaluationResults['scores']): string[] {
  const { label, kind, meanRank, place } = method;
  const mark = kind === 'baseline' ? ' (baseline)' : failsSanity(method) ? ' !' : '';
  const cells = scores.map((score) => {
    const found = method.scores[score.name];
    return found ? formatMean(found, digitsOf(score)) : '';
  });
  return [`${label}${mark}`, String(place ?? ''), meanRank ? formatNumber(meanRank.mean, 2) : '', ...cells];
}

/** The order of the methods with their ranking scores, and who fails the sanity checks. */
export function evaluationText(results: EvaluationResults): string {
  const { methods, ranking, scores } = results;
  const columns = scores.filter(({ name }) => ranking.scores.includes(name)).slice(0, MOST_COLUMNS);
  const ordered = ranking.order.map((name) => methods.find((method) => method.name === name) as EvaluatedMethod);
  const head = columns.map(({ label, better }) => `${label} ${better === 'lower' ? '↓' : '↑'}`);
  const table = textTable([['', 'place', 'rank', ...head], ...ordered.map((method) => row(method, columns))]);
  const failing = ordered.filter((method) => method.kind !== 'baseline' && failsSanity(method));
  return [
    ...['', rankingSentence(results), '', table, ''],
    ...failing.map(({ label, sanity }) => `! ${label} FAILS the sanity checks: it ${sanity?.verdict ?? ''}.`),
  ].join('\n');
}
