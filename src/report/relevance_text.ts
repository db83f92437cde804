/** Relevance on the terminal, within 80 columns. */
import type { Interval } from '../evaluate/statistics.js';
import {
  formatInterval,
  KIND_LABELS,
  KIND_NAMES,
  kindsOf,
  type GeneratorRelevance,
  type RelevanceResults,
} from './relevance_results.js';
import { textTable } from './text_table.js';

const WIDTH = 80;

/** Lines of at most 80 columns, those after the first indented. */
function wrap(text: string, indent = '  '): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent + word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

function generatorText(result: GeneratorRelevance, results: RelevanceResults): string {
  const kinds = kindsOf(results);
  const { size } = results.data;
  const rows = result.depths.map(({ label }, k) => [
    `${k + 1}: ${label}`,
    ...kinds.map((kind) => formatInterval(result.kinds[kind]?.overall[k] as Interval, size)),
  ]);
  const table = textTable([['condition: taps', ...kinds.map((kind) => KIND_NAMES[kind])], ...rows]);
  const answers = kinds.map((kind) => wrap(`${KIND_LABELS[kind]}: ${result.kinds[kind]?.firstAndLast.answer ?? ''}`));
  const question = wrap(`Are the first and the last condition equally important here? ${result.answer}`);
  return [`${result.label} (${result.file})`, '', table, '', question, ...answers].join('\n');
}

/** Means with half of their intervals, and the answer to the question that METHOD §8 asks. */
export function relevanceText(results: RelevanceResults): string {
  const { samples, split, meanSplit } = results.data;
  const head = wrap(
    `Mean change of a pixel of the map, in % of its range, ± half of the 95 % interval, over ${samples} samples of '${split}' (means: '${meanSplit}').`,
    '',
  );
  return [head, ...results.generators.map((result) => generatorText(result, results))].join('\n\n');
}
