// Writes what docs/ says of a part of the study, cell by cell, from its folder, into docs/study/NAME/, and prints the summary that
// docs/study.md quotes.
//   node scripts/study-docs.mjs STUDY NAME
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SCORES } from '../dist/evaluate/scores/scores.js';
import { studySummary } from '../dist/report/study_summary.js';
import { sumUpFolder } from '../dist/study/results.js';

const VERDICTS = { better: 'better', worse: 'worse', indistinguishable: 'even' };

const [study, name] = process.argv.slice(2);
if (!name) throw new Error('usage: node scripts/study-docs.mjs STUDY NAME');
const docs = fileURLToPath(new URL('../docs', import.meta.url));
const out = join(docs, 'study', name);

const number = (value) => value.toFixed(3).replace('-', '−');
const interval = ({ mean, low, high }) => `${number(mean)} [${number(low)}, ${number(high)}]`;
const cellOf = ({ variant, what }) => `${variant.toUpperCase()}, ${what}`;
const unique = (values) => [...new Set(values)];

function table(heads, rows) {
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A row for each cell and a column for each of `columns`, of which `entry` writes what was found. */
function crossTable(found, columns, columnOf, entry) {
  const rows = unique(found.map(cellOf)).map((cell) => [
    cell,
    ...columns.map(({ id }) => {
      const one = found.find((each) => cellOf(each) === cell && columnOf(each) === id);
      return one ? entry(one.difference) : '';
    }),
  ]);
  return table(['cell', ...columns.map(({ head }) => head)], rows);
}

/** Where a score was undefined for some images, and counted as 0. */
function undefinedNote({ contrasts, sides: [ours, theirs] }) {
  const some = contrasts.filter(({ undefined: of }) => of.ours + of.theirs > 0);
  if (some.length === 0) return '';
  const counts = some.map((one) => {
    const { undefined: of, images, seeds } = one;
    return `${cellOf(one)}, ${SCORES[one.score].label}: ${of.ours} and ${of.theirs} of ${images * seeds}`;
  });
  return `\nUndefined, and counted as 0, were (${ours} and ${theirs}) ${counts.join('; ')}.\n`;
}

function questionSection({ question, sides, contrasts, overall }) {
  const [ours, theirs] = sides;
  const columns = unique(contrasts.map(({ score }) => score)).map((id) => ({
    id,
    head: `${SCORES[id].label} ${SCORES[id].better === 'lower' ? '↓' : '↑'}`,
  }));
  const [{ seeds }] = contrasts;
  return `## ${question}

${ours[0].toUpperCase()}${ours.slice(1)} minus ${theirs}; ${seeds === 1 ? 'one seed' : `${seeds} seeds averaged`}.

${crossTable(
  contrasts,
  columns,
  ({ score }) => score,
  (difference) => `${interval(difference)} ${VERDICTS[difference.verdict]}`,
)}

Over all cells: ${overall.map(({ score, images, difference }) => `${SCORES[score].label} ${interval(difference)} of ${images} images`).join(', ')}.
${undefinedNote({ contrasts, sides })}`;
}

function firstAndLastSection({ rows }) {
  const columns = unique(rows.map(({ kind }) => kind)).map((id) => ({ id, head: id }));
  const entries = rows.map((row) => ({ ...row, difference: { ...row.difference, said: row.verdict } }));
  return `## Do the first and the last condition matter equally?

First minus last relevance, relative to their mean; *last*: the last matters more.

${crossTable(
  entries,
  columns,
  ({ kind }) => kind,
  (difference) => `${interval(difference)} ${difference.said}`,
)}
`;
}

function trainingsSection(trainings) {
  const rows = trainings.map(({ id, steps, validationL1, lastQuarter, lastQuarterBy, atRest }) => [
    id,
    steps,
    validationL1.toFixed(4),
    lastQuarter === null ? 'not known' : `${(100 * lastQuarter).toFixed(1).replace('-', '−')} %`,
    lastQuarterBy === null ? 'not known' : lastQuarterBy.toFixed(4).replace('-', '−'),
    atRest === null ? 'not known' : atRest ? 'yes' : 'no',
  ]);
  return `## The trainings

The validation error, the mean |G − target| over 200 images a pair, at the end; by how much it fell over the last quarter of the steps; and whether that is at rest: within 3 %, or within 0.00098, the mean error of rounding maps to bytes.

${table(['training', 'steps', 'validation error', 'last quarter', 'that is', 'at rest'], rows)}
`;
}

const result = await sumUpFolder(study);
const { questions, firstAndLast, trainings } = result.answers;
const asked = questions.filter(({ contrasts }) => contrasts.length > 0);
await mkdir(out, { recursive: true });
await copyFile(join(study, 'results.json'), join(out, 'results.json'));
await writeFile(
  join(out, 'cells.md'),
  `# The study, cell by cell

Every difference that [the study](${relative(out, join(docs, 'study.md'))})'s answers rest on, with its paired 95 % interval over the held-out images; ↓ lower is better, ↑ higher. The same numbers, and more of them, are in [results.json](results.json).

${[
  ...asked.map(questionSection),
  ...(firstAndLast.rows.length > 0 ? [firstAndLastSection(firstAndLast)] : []),
  trainingsSection(trainings),
].join('\n')}`,
);
console.log(studySummary(result));
