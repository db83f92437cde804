/** The tables of an evaluation's page. */
import type { Times } from '../evaluate/evaluation/times.js';
import type {
  EvaluatedMethod,
  EvaluatedScore,
  EvaluationResults,
  MethodScore,
  ScoreDifference,
} from '../evaluate/evaluation/results.js';
import { failsSanity, KIND_LABELS, labelOf } from './evaluation_words.js';
import { html, type Markup } from './html.js';
import { digitsOf, formatDifference, formatMean, formatNumber } from './numbers.js';

const ARROWS = { lower: '↓', higher: '↑' } as const;
const MARKS = { better: '▲', worse: '▼', indistinguishable: '=' } as const;

/** A table that scrolls by itself where the page is narrow, also by keys; what is to be known of it does not scroll away. */
function scrolling(label: string, note: string, table: Markup): Markup {
  return html`<p class="note">${note}</p>
    <div class="scroll" tabindex="0" role="region" aria-label="${label}">${table}</div>`;
}

function methodHeader(method: EvaluatedMethod): Markup {
  const failed =
    failsSanity(method) && method.kind !== 'baseline' ? html` <span class="tag wrong">fails sanity</span>` : html``;
  const kind = method.kind === 'cam' ? html`` : html` <span class="tag">${KIND_LABELS[method.kind]}</span>`;
  return html`<th scope="row">${method.label}${kind}${failed}</th>`;
}

function mark(difference: ScoreDifference | undefined): Markup {
  if (!difference || difference.verdict === 'indistinguishable')
    return html`<span class="mark" aria-hidden="true"></span>`;
  const { verdict } = difference;
  return html`<span class="mark ${verdict}" aria-hidden="true">${MARKS[verdict]}</span
    ><span class="hidden-text">, ${verdict} than Grad-CAM</span>`;
}

function scoreCell(method: EvaluatedMethod, score: EvaluatedScore): Markup {
  const found = method.scores[score.name];
  if (!found) return html`<td class="note" data-value="">${method.isTarget ? 'is the target' : ''}</td>`;
  const best = score.order[0] === method.name ? ' best' : '';
  const missing = found.undefined > 0 ? html`<small class="missing">${found.undefined} undefined</small>` : html``;
  return html`<td class="score${best}" data-value="${found.mean}">
    ${formatMean(found, digitsOf(score))}${mark(found.versusGradcam)}${missing}
  </td>`;
}

const sortHeader = (label: string, better: 'lower' | 'higher', title: string): Markup =>
  html`<th scope="col" data-better="${better}" title="${title}">
    <button type="button">${label} <span aria-hidden="true">${ARROWS[better]}</span></button>
  </th>`;

/** Every method in the order of the ranking, and all its scores: those that rank first. */
export function rankingTable(results: EvaluationResults): Markup {
  const { ranking, scores, methods, samples } = results;
  const ranks = (name: string): boolean => ranking.scores.includes(name);
  const columns = [...scores.filter(({ name }) => ranks(name)), ...scores.filter(({ name }) => !ranks(name))];
  const rows = ranking.order.map((name) => {
    const method = methods.find((each) => each.name === name) as EvaluatedMethod;
    const { place, meanRank } = method;
    return html`<tr class="${method.kind}">
      ${methodHeader(method)}
      <td data-value="${meanRank?.mean ?? ''}">${place ?? ''}</td>
      <td data-value="${meanRank?.mean ?? ''}">${meanRank ? formatMean(meanRank, 2) : ''}</td>
      ${columns.map((score) => scoreCell(method, score))}
    </tr>`;
  });
  const head = columns.map(({ label, better, settings, unit }) =>
    sortHeader(unit ? `${label}, ${unit}` : label, better, settings),
  );
  return scrolling(
    'Ranking of the methods by every score',
    `Means over ${samples} images ± half of the 95 % bootstrap interval; the ${ranking.scores.length} scores that rank come first. ↓ lower is better, ↑ higher is better. Bold: the best mean. ▲ better and ▼ worse than Grad-CAM, image by image, the interval of the difference excluding 0. A press on a header sorts.`,
    html`<table class="ranking" data-sortable>
      <thead>
        <tr>
          <th scope="col">Method</th>
          ${sortHeader('Place', 'lower', ranking.rule)} ${sortHeader('Mean rank', 'lower', ranking.rule)} ${head}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`,
  );
}

const verdictText = (difference: ScoreDifference | undefined, digits: number): Markup =>
  difference
    ? html`<td>
        <span class="mark ${difference.verdict}" aria-hidden="true">${MARKS[difference.verdict]}</span>
        ${difference.verdict === 'indistinguishable' ? 'not distinguishable' : difference.verdict},
        ${formatDifference(difference, digits)}
      </td>`
    : html`<td class="note">—</td>`;

/** One score: every method against the best and against Grad-CAM. */
export function scoreTable(results: EvaluationResults, score: EvaluatedScore): Markup {
  const digits = digitsOf(score);
  const rows = score.order.map((name) => {
    const method = results.methods.find((each) => each.name === name) as EvaluatedMethod;
    const found = method.scores[score.name] as MethodScore;
    return html`<tr class="${method.kind}">
      ${methodHeader(method)}
      <td>${found.rank}</td>
      <td>${formatMean(found, digits)}</td>
      ${verdictText(found.versusBest, digits)} ${verdictText(found.versusGradcam, digits)}
      <td>${found.undefined}</td>
    </tr>`;
  });
  return scrolling(
    `${score.label}, every method`,
    `Rank: 1 + the number of methods that are surely better. Differences are paired, with their 95 % bootstrap intervals, not corrected for their number. An undefined score counts as 0.`,
    html`<table>
      <thead>
        <tr>
          <th scope="col">Method</th>
          <th scope="col">Rank</th>
          <th scope="col">Mean</th>
          <th scope="col">against ${labelOf(results, score.order[0] ?? '')}, the best</th>
          <th scope="col">against Grad-CAM</th>
          <th scope="col">Undefined</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`,
  );
}

function passed(check: { passed: boolean; flags: readonly string[] } | undefined, expectedToFail: boolean): Markup {
  if (!check) return html`<td class="note">—</td>`;
  const flags = check.flags.length > 0 ? ` (${check.flags.join(', ')})` : '';
  const word = check.passed ? 'passes' : 'fails';
  const colour = check.passed ? 'right' : expectedToFail ? '' : 'wrong';
  return html`<td class="${colour}">${word}${flags}</td>`;
}

/** What the sanity checks say of every method. */
export function sanityTable({ methods, sanity }: EvaluationResults): Markup {
  const rows = methods.map((method) => {
    const { modelRandomisation, randomLogit, verdict } = method.sanity ?? {};
    const baseline = method.kind === 'baseline';
    return html`<tr class="${method.kind}">
      ${methodHeader(method)} ${passed(modelRandomisation, baseline)} ${passed(randomLogit, baseline)}
      <td class="words">${verdict ?? 'not checked'}</td>
    </tr>`;
  });
  const { modelRandomisation = 0.3, randomLogit = 0.7 } = sanity?.thresholds ?? {};
  return scrolling(
    'Sanity checks of every method',
    `On ${sanity?.images ?? 0} images. Passed: the mean Pearson correlation with the map as it was lies below ${modelRandomisation} once all weights are new, and below ${randomLogit} for another class.`,
    html`<table>
      <thead>
        <tr>
          <th scope="col">Method</th>
          <th scope="col">Other weights</th>
          <th scope="col">Another class</th>
          <th scope="col" class="words">In words</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`,
  );
}

/** "tap −1, conditioning.order forward" */
function settingsText(settings: Readonly<Record<string, unknown>>, within = ''): string {
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? settingsText(value as Record<string, unknown>, `${within}${name}.`)
        : `${within}${name} ${typeof value === 'number' ? formatNumber(value, 6).replace(/\.?0+$/, '') : String(value)}`,
    )
    .join(', ');
}

/** How each method was set, where it comes from and how long it took. */
export function methodsTable({ methods }: EvaluationResults, times: Times): Markup {
  const perImage = (seconds: number | undefined): string =>
    seconds === undefined || times.images === 0 ? '' : formatNumber((1000 * seconds) / times.images, 1);
  const rows = methods.map((method) => {
    const { explain, score } = times.methods[method.name] ?? {};
    return html`<tr class="${method.kind}">
      ${methodHeader(method)}
      <td>${perImage(explain)}</td>
      <td>${perImage(score)}</td>
      <td class="words">${method.source}</td>
      <td class="words">${settingsText(method.settings)}</td>
    </tr>`;
  });
  return scrolling(
    'Methods with their settings',
    `Milliseconds an image, on the machine and in the batches of this evaluation.`,
    html`<table>
      <thead>
        <tr>
          <th scope="col">Method</th>
          <th scope="col">Map, ms</th>
          <th scope="col">Scores, ms</th>
          <th scope="col" class="words">Source</th>
          <th scope="col" class="words">Settings</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`,
  );
}
