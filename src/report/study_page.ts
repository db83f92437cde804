/** A study's page: each question with its answer, its rule, a chart of every contrast, and the numbers. Opens from disk. */
import type { Difference } from '../evaluate/score_table.js';
import { SCORES, type ScoreName } from '../evaluate/scores/scores.js';
import type { Answer } from '../study/answer.js';
import type { FirstAndLastRow, Question, StudyAnswers } from '../study/answers.js';
import type { Contrast, Overall } from '../study/comparison.js';
import type { StudyResult } from '../study/results.js';
import { REST, ROUNDING } from '../study/training.js';
import { intervalChart, type SeriesStyle } from './charts.js';
import { html, Markup } from './html.js';
import { reportPage } from './page.js';
import { tabs } from './tabs.js';

const VARIANT_STYLE: Readonly<Record<string, SeriesStyle>> = {
  lsft: { id: 0, colour: 'c0', dash: 'solid', width: 2 },
  gsft: { id: 1, colour: 'c2', dash: 'solid', width: 2 },
};
const OTHER: SeriesStyle = { id: 2, colour: 'soft', dash: 'solid', width: 2 };
const styleOf = (variant: string): SeriesStyle => VARIANT_STYLE[variant] ?? OTHER;

const CLASS: Readonly<Record<Answer, string>> = { yes: 'good', no: 'bad', mixed: '', open: '' };
const number = (value: number): string => value.toFixed(3).replace('-', '−');
const interval = ({ mean, low, high }: { mean: number; low: number; high: number }): string =>
  `${number(mean)} [${number(low)}, ${number(high)}]`;
const nameOf = ({ variant, what }: { variant: string; what: string }): string => `${variant.toUpperCase()}, ${what}`;

function verdictMark({ verdict }: Difference): Markup {
  const mark = { better: html`<span class="right">better</span>`, worse: html`<span class="wrong">worse</span>`, indistinguishable: html`not distinguishable` }; // prettier-ignore
  return mark[verdict];
}

/** A table wider than a phone: scrolled by itself, also by keys. */
const scrolling = (label: string, table: Markup): Markup =>
  html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">${table}</div>`;

/** How often a score was undefined and counted as 0, where it ever was. */
function undefinedColumn(rows: readonly Contrast[]): { head: Markup; cell: (row: Contrast) => Markup } {
  if (rows.every(({ undefined: of }) => of.ours + of.theirs === 0)) return { head: html``, cell: () => html`` };
  return {
    head: html`<th scope="col">undefined, as 0</th>`,
    cell: ({ undefined: of }) => html`<td>${of.ours} / ${of.theirs}</td>`,
  };
}

function contrastTable(rows: readonly Contrast[], [ours, theirs]: [string, string], label: string): Markup {
  const flags = undefinedColumn(rows);
  const baselines = [...new Set(rows.flatMap(({ beside }) => Object.keys(beside)))];
  const line = (row: Contrast): Markup =>
    html`<tr>
      <th scope="row">${nameOf(row)}</th>
      <td>${number(row.ours)}</td>
      <td>${number(row.theirs)}</td>
      <td>${interval(row.difference)}</td>
      <td>${verdictMark(row.difference)}</td>
      ${baselines.map((name) => html`<td>${row.beside[name] === undefined ? '' : number(row.beside[name])}</td>`)}
      <td>${row.images}</td>
      <td>${row.seeds}</td>
      ${flags.cell(row)}
    </tr>`;
  return scrolling(
    label,
    html`<table>
      <thead>
        <tr>
          <th scope="col">cell</th>
          <th scope="col">${ours}</th>
          <th scope="col">${theirs}</th>
          <th scope="col">difference, 95 % interval</th>
          <th scope="col">${ours}</th>
          ${baselines.map((name) => html`<th scope="col">${name} (baseline)</th>`)}
          <th scope="col">images</th>
          <th scope="col">seeds</th>
          ${flags.head}
        </tr>
      </thead>
      <tbody>
        ${rows.map(line)}
      </tbody>
    </table>`,
  );
}

/** A chart for each variant, side by side where there is room. */
function chartsByVariant(rows: readonly (Contrast | FirstAndLastRow)[], description: string): Markup {
  const variants = [...new Set(rows.map(({ variant }) => variant))];
  const chart = (variant: string): Markup =>
    intervalChart(
      rows
        .filter((row) => row.variant === variant)
        .map(({ what, difference }) => ({ label: what, ...difference, style: styleOf(variant) })),
      `${variant.toUpperCase()}. ${description}`,
      { at: 0, label: 'equal' },
      { width: 500, labels: 215 },
    );
  const figures = variants.map(
    (variant) =>
      html`<figure class="chart">
        <figcaption>${variant.toUpperCase()}</figcaption>
        ${chart(variant)}
      </figure>`,
  );
  return html`<div class="row">${figures}</div>`;
}

function scorePanel(one: Overall, { contrasts, sides, question }: Question): Markup {
  const { score, cells, images, difference } = one;
  const rows = contrasts.filter((contrast) => contrast.score === score);
  const { label, better } = SCORES[score];
  const charts = chartsByVariant(rows, `${question} ${label}: ${sides[0]} minus ${sides[1]}, with 95 % intervals`);
  return html`<p class="note">
      ${label}: ${sides[0]} minus ${sides[1]}; ${better === 'lower' ? 'below' : 'above'} 0 is better. Averages over
      seeds, intervals over images.
    </p>
    <p>
      Over all ${cells} cells: ${number(one.ours)} against ${number(one.theirs)}, a difference of
      ${interval(difference)} over ${images} images: ${verdictMark(difference)}.
    </p>
    ${charts}
    <details>
      <summary>The numbers</summary>
      ${contrastTable(rows, sides, `${question} ${label}`)}
    </details>`;
}

function questionSection(question: Question): Markup {
  const panels = question.overall.map((one) => ({
    title: SCORES[one.score].label,
    content: scorePanel(one, question),
  }));
  return html`<section id="${question.id}">
    <h2>${question.question}</h2>
    <p class="verdict ${CLASS[question.answer]}">${question.text}</p>
    <p class="note">A cell counts as a yes if: ${question.rule}.</p>
    ${panels.length > 1 ? tabs(question.question, question.id, panels) : panels.map(({ content }) => content)}
  </section>`;
}

function firstAndLastSection({ answer, text, rows }: StudyAnswers['firstAndLast']): Markup {
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  const panel = (own: readonly FirstAndLastRow[]): Markup =>
    chartsByVariant(own, 'First minus last relevance, relative to their mean, with 95 % intervals');
  const panels = kinds.map((kind) => ({ title: kind, content: panel(rows.filter((row) => row.kind === kind)) }));
  return html`<section id="first-last">
    <h2>Do the first and the last condition matter equally?</h2>
    <p class="verdict ${CLASS[answer]}">${text}</p>
    <p class="note">
      Relevance: how much the drawn map changes when a condition is replaced (by zero, by its mean, by another image's),
      or by gradient. First minus last, relative to their mean; above 0 the first matters more.
    </p>
    ${panels.length > 0 ? tabs('Ways to ask', 'first-last', panels) : html``}
  </section>`;
}

function cnnTable({ cnns }: StudyAnswers): Markup {
  const line = ({ cnn, data, parameters, taps, accuracy, images }: StudyAnswers['cnns'][number]): Markup =>
    html`<tr>
      <th scope="row">${cnn}</th>
      <td>${data}</td>
      <td>${parameters.toLocaleString('en')}</td>
      <td>${taps}</td>
      <td>${(100 * accuracy).toFixed(1)} %</td>
      <td>${images}</td>
    </tr>`;
  return scrolling(
    'The CNNs',
    html`<table>
      <thead>
        <tr>
          <th scope="col">CNN</th>
          <th scope="col">data</th>
          <th scope="col">values</th>
          <th scope="col">taps</th>
          <th scope="col">test accuracy</th>
          <th scope="col">of</th>
        </tr>
      </thead>
      <tbody>
        ${cnns.map(line)}
      </tbody>
    </table>`,
  );
}

function trainingsSection({ trainings }: StudyAnswers): Markup {
  const unknown = trainings.filter(({ atRest }) => atRest === null).length;
  const resting = trainings.filter(({ atRest }) => atRest).length;
  const anew = trainings.filter(({ lengthened }) => lengthened > 0).length;
  const line = ({
    id,
    steps,
    lengthened,
    validationL1,
    lastQuarter,
    lastQuarterBy,
    atRest,
  }: StudyAnswers['trainings'][number]): Markup =>
    html`<tr>
      <th scope="row">${id}</th>
      <td>${steps}${lengthened > 0 ? ', anew' : ''}</td>
      <td>${number(validationL1)}</td>
      <td>${lastQuarter === null ? 'not known' : `${(100 * lastQuarter).toFixed(1).replace('-', '−')} %`}</td>
      <td>${lastQuarterBy === null ? 'not known' : lastQuarterBy.toFixed(4).replace('-', '−')}</td>
      <td>${atRest === null ? 'not known' : atRest ? 'yes' : html`<span class="wrong">no</span>`}</td>
    </tr>`;
  return html`<section id="trainings">
    <h2>Had the trainings come to rest?</h2>
    <p>
      ${resting} of ${trainings.length}: their validation error changed by less than ${100 * REST} % over the last
      quarter of the steps, or by less than ${ROUNDING.toFixed(5)}, which rounding the maps to bytes
      does.${unknown > 0 ? ` Of ${unknown} it was measured too seldom to tell.` : ''}
      ${anew > 0 ? `${anew} had not at first, and were trained anew for more steps.` : ''}
    </p>
    <details>
      <summary>Every training</summary>
      ${scrolling(
        'Every training',
        html`<table>
          <thead>
            <tr>
              <th scope="col">training</th>
              <th scope="col">steps</th>
              <th scope="col">validation L1</th>
              <th scope="col">fall in the last quarter</th>
              <th scope="col">that is</th>
              <th scope="col">at rest</th>
            </tr>
          </thead>
          <tbody>
            ${trainings.map(line)}
          </tbody>
        </table>`,
      )}
    </details>
  </section>`;
}

function settingsSection({ scores, settings, versions }: StudyResult): Markup {
  return html`<section id="settings">
    <h2>Settings and versions</h2>
    <p>Summed up by ${Object.entries(versions).map(([name, version]) => html`${name} ${version} `)}</p>
    <details>
      <summary>How each score is computed</summary>
      <ul>
        ${Object.entries(scores).map(([name, words]) => html`<li>${SCORES[name as ScoreName].label}: ${words}</li>`)}
      </ul>
    </details>
    <details>
      <summary>Everything this depends on</summary>
      <pre class="scroll" tabindex="0" role="region" aria-label="Settings">${JSON.stringify(settings, null, 2)}</pre>
    </details>
  </section>`;
}

/** The page as HTML. */
export function studyPage(result: StudyResult): string {
  const { done, trainings, complete, answers } = result;
  const state = complete
    ? html`<p>All ${trainings} trainings are done.</p>`
    : html`<p class="verdict bad">
        ${done} of ${trainings} trainings are done: what follows rests on these; run the study again to go on.
      </p>`;
  return reportPage(
    'Study',
    html`<h1>Does a generator explain any CNN, on any data?</h1>
      ${state} ${answers.questions.map(questionSection)} ${firstAndLastSection(answers.firstAndLast)}
      <section id="cnns">
        <h2>The CNNs</h2>
        ${cnnTable(answers)}
      </section>
      ${trainingsSection(answers)} ${settingsSection(result)}`,
  );
}
