/** The page of `cumulens relevance`: how much each condition matters, over the data set, by class, and for single images. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { EQUAL_WITHIN, type RelevanceKind } from '../evaluate/relevance_summary.js';
import type { ConditionDepth } from '../evaluate/depths.js';
import type { Interval } from '../evaluate/statistics.js';
import { CumulensError } from '../errors.js';
import { writeFileAtomic } from '../files.js';
import { barChart, type BarSeries } from './bar_chart.js';
import type { SeriesStyle } from './charts.js';
import { html, type Markup } from './html.js';
import { legend, methodStyles } from './method_styles.js';
import { reportPage } from './page.js';
import {
  formatInterval,
  formatPercent,
  KIND_LABELS,
  kindsOf,
  toPercent,
  type GeneratorRelevance,
  type RelevanceResults,
} from './relevance_results.js';
import { samplesSection } from './relevance_samples.js';
import { tabs } from './tabs.js';

/** Classes with a chart of their own; those with the most samples. */
const CHARTED_CLASSES = 24;
const CONDITION_AXIS = 'taps of the CNN that the condition averages';
const CHANGE_AXIS = 'mean change of a pixel, % of the range';

interface Context {
  results: RelevanceResults;
  /** By generator. */
  styles: readonly SeriesStyle[];
}

function percentInterval({ mean, low, high }: Interval, size: number): Interval {
  return { mean: toPercent(mean, size), low: toPercent(low, size), high: toPercent(high, size) };
}

function series(
  { results, styles }: Context,
  intervals: (result: GeneratorRelevance) => readonly Interval[],
): BarSeries[] {
  return results.generators.map((result, i) => ({
    style: styles[i] as SeriesStyle,
    bars: intervals(result).map((interval) => percentInterval(interval, results.data.size)),
  }));
}

const depthLabels = ({ generators }: RelevanceResults): string[] =>
  generators[0]?.depths.map(({ label }) => label) ?? [];

function legendOf({ results }: Context, styles: ReadonlyMap<string, SeriesStyle>): Markup {
  const { generators } = results;
  return generators.length > 1
    ? legend(
        generators.map(({ label }) => ({ name: label, label })),
        styles,
      )
    : html``;
}

function overallChart(context: Context, kind: RelevanceKind): Markup {
  const bars = series(context, ({ kinds }) => kinds[kind]?.overall ?? []);
  const { results } = context;
  const said = results.generators.map(({ label }, i) => {
    const means = bars[i]?.bars.map(({ mean }) => formatPercent(mean)).join(', ') ?? '';
    return `${label}: ${means} %`;
  });
  return barChart(
    depthLabels(results),
    bars,
    { x: CONDITION_AXIS, y: CHANGE_AXIS, width: 560, height: 320 },
    `${KIND_LABELS[kind]}: mean change by condition, from the first to the last. ${said.join('; ')}`,
  );
}

function classCharts(context: Context, kind: RelevanceKind): Markup {
  const { results } = context;
  const classes = results.generators[0]?.kinds[kind]?.byClass ?? [];
  const charted = [...classes].sort((a, b) => b.count - a.count).slice(0, CHARTED_CLASSES);
  const chosen = classes.filter((one) => charted.includes(one));
  const barsOf = (name: string): BarSeries[] =>
    series(context, ({ kinds }) => kinds[kind]?.byClass.find((one) => one.class === name)?.conditions ?? []);
  const greatest = Math.max(
    ...chosen.flatMap(({ class: name }) => barsOf(name).flatMap(({ bars }) => bars.map(({ high }) => high))),
  );
  const figures = chosen.map(({ class: name, count }) => {
    const chart = barChart(
      depthLabels(results),
      barsOf(name),
      { width: 300, height: 170, greatest: niceCeiling(greatest) },
      `${KIND_LABELS[kind]}, class ${name}: mean change by condition`,
    );
    return html`<figure>
      <figcaption><strong>${name}</strong>, ${count} ${count === 1 ? 'sample' : 'samples'}</figcaption>
      ${chart}
    </figure>`;
  });
  const left = classes.length - chosen.length;
  const more =
    left > 0
      ? html`<p class="note">The ${chosen.length} classes with the most samples; ${left} more are in results.json.</p>`
      : html``;
  return html`<div class="small-charts">${figures}</div>
    ${more}`;
}

/** The next 1, 2, 2.5, 4, 5 or 8 times a power of ten. */
function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 4, 5, 8, 10].find((step) => step * unit >= value) ?? 10) * unit;
}

function numbersTable({ results }: Context): Markup {
  const kinds = kindsOf(results);
  const { size } = results.data;
  const many = results.generators.length > 1;
  const columns = results.generators.flatMap((result) => kinds.map((kind) => ({ result, kind })));
  const head = columns.map(
    ({ result, kind }) =>
      html`<th scope="col">${many ? `${result.label}, ` : ''}${KIND_LABELS[kind].replace('Replaced by ', '')}</th>`,
  );
  const rows = results.generators[0]?.depths.map(({ label, upTo }, k) => {
    const cells = columns.map(
      ({ result, kind }) => html`<td>${formatInterval(result.kinds[kind]?.overall[k] as Interval, size)}</td>`,
    );
    return html`<tr>
      <th scope="row">${k + 1}: ${label}${upTo ? html` <small>up to ${upTo}</small>` : ''}</th>
      ${cells}
    </tr>`;
  });
  return html`<details>
    <summary>The numbers</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="Relevance of each condition">
      <table>
        <caption>
          ${CHANGE_AXIS}, ± half of the 95 % interval
        </caption>
        <thead>
          <tr>
            <th scope="col">Condition: taps</th>
            ${head}
          </tr>
        </thead>
        <tbody>
          ${rows ?? []}
        </tbody>
      </table>
    </div>
  </details>`;
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(100 * value).toFixed(0)} %`;

const VERDICTS = { equal: 'equal', first: 'the first', last: 'the last', unclear: 'not to be told' } as const;

const tapsOf = (depth: ConditionDepth | undefined): string =>
  depth?.taps === undefined
    ? `what is called ${depth?.label ?? ''}`
    : `${depth.taps === 1 ? 'tap' : 'taps'} ${depth.label}`;

function answers({ results }: Context): Markup {
  const kinds = kindsOf(results);
  const { size, samples } = results.data;
  const many = results.generators.length > 1;
  const verdicts = results.generators.map(
    ({ label, answer }) => html`<p class="verdict">${many ? html`<strong>${label}.</strong> ` : ''}${answer}</p>`,
  );
  const rows = results.generators.flatMap((result) =>
    kinds.map((kind) => {
      const { overall = [], firstAndLast } = result.kinds[kind] ?? {};
      const { difference, verdict } = firstAndLast as NonNullable<typeof firstAndLast>;
      return html`<tr>
        <th scope="row">${many ? `${result.label}: ` : ''}${KIND_LABELS[kind]}</th>
        <td>${formatInterval(overall[0] as Interval, size)}</td>
        <td>${formatInterval(overall.at(-1) as Interval, size)}</td>
        <td>${signed(difference.mean)} <small>(${signed(difference.low)} … ${signed(difference.high)})</small></td>
        <td>${VERDICTS[verdict]}</td>
      </tr>`;
    }),
  );
  const depths = results.generators[0]?.depths ?? [];
  return html`<section>
    <h2>Are the first and the last condition equally important here?</h2>
    ${verdicts}
    <div class="scroll" tabindex="0" role="region" aria-label="First and last condition">
      <table>
        <caption>
          Mean change of a pixel, % of the range. The first condition averages ${tapsOf(depths[0])}, the last
          ${tapsOf(depths.at(-1))}.
        </caption>
        <thead>
          <tr>
            <th scope="col">Measure</th>
            <th scope="col">First</th>
            <th scope="col">Last</th>
            <th scope="col">First − last</th>
            <th scope="col">Matters more</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    <p class="note">
      First − last is taken on each of the ${samples} samples, and divided by the mean of both over all; in brackets its
      95 % bootstrap interval. One matters more where the interval excludes 0; they count as equal where it lies within
      ±${100 * EQUAL_WITHIN} %, and then whether or not it excludes 0.
    </p>
  </section>`;
}

function intro({ results }: Context): Markup {
  const { data, generators } = results;
  const names = generators
    .map(({ label, parameters }) => `${label} (${parameters.toLocaleString('en')} parameters)`)
    .join(' and ');
  const [depth] = generators[0]?.depths ?? [];
  const reach = depth?.of ? `, the last of all ${depth.of}` : '';
  return html`<header>
    <h1>What the generator listens to</h1>
    <p>
      ${names} ${generators.length > 1 ? 'draw' : 'draws'} an explanation from the image and ${data.conditions}
      conditions: averages of the maps at a CNN's taps, each of more of them than the one before${reach}. Here one
      condition at a time was replaced, on ${data.samples} samples of the split ‘${data.split}’, and the change of what
      is drawn was measured; the gradient tells the same for small changes. A condition without effect is one that the
      generator ignores.
    </p>
  </header>`;
}

function byKind(context: Context, label: string, name: string, chart: (kind: RelevanceKind) => Markup): Markup {
  const kinds = kindsOf(context.results);
  return tabs(
    label,
    name,
    kinds.map((kind) => ({
      title: KIND_LABELS[kind],
      content: html`<h3>${KIND_LABELS[kind]}</h3>
        ${chart(kind)}`,
    })),
  );
}

function settings({ results }: Context): Markup {
  const { data, generators, seed, cumulens } = results;
  const files = generators.map(({ label, file }) => html`<li>${label}: ${file}</li>`);
  return html`<section>
    <h2>How it was measured</h2>
    <p>
      R<sub>k</sub> = Σ over the map's pixels of |G(x, C) − G(x, C with condition k replaced)|, on the raw output before
      it is cut off at 0 and 1; by gradient Σ|C<sub>k</sub>·∂ΣG/∂C<sub>k</sub>|. Shown as the mean over the
      ${data.size}×${data.size} pixels, in percent of the map's range 0 … 1. Means are those of the split
      ‘${data.meanSplit}’; another sample's are of one ${generators[0]?.settings.swappedBy ?? 0} places further on.
      Intervals: 95 %, percentile bootstrap over samples.
    </p>
    <ul>
      <li>data: ${data.folder}, split ‘${data.split}’, ${data.samples} samples</li>
      ${files}
      <li>seed ${seed}; cumulens ${cumulens}</li>
    </ul>
  </section>`;
}

/** @param pictures data URIs by file */
export function relevancePage(results: RelevanceResults, pictures: ReadonlyMap<string, string>): string {
  const { generators } = results;
  const byName = methodStyles(generators.map(({ label }) => ({ name: label, kind: 'generator' as const })));
  const styles = generators.map(({ label }) => byName.get(label) as SeriesStyle);
  const context = { results, styles };
  const classes = new Set(generators.flatMap(({ samples }) => samples.map(({ label }) => label))).size;
  const byClass =
    classes > 1
      ? html`<section>
          <h2>By class</h2>
          ${legendOf(context, byName)}
          ${byKind(context, 'Measure, by class', 'class', (kind) => classCharts(context, kind))}
        </section>`
      : html``;
  return reportPage(
    'cumulens relevance',
    html`${intro(context)} ${answers(context)}
      <section>
        <h2>Over the data set</h2>
        ${legendOf(context, byName)} ${byKind(context, 'Measure', 'overall', (kind) => overallChart(context, kind))}
        ${numbersTable(context)}
      </section>
      ${byClass} ${samplesSection(results, styles, pictures)} ${settings(context)}`,
  );
}

async function dataUri(path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot read: ${(cause as Error).message}`, { cause });
  });
  return `data:image/webp;base64,${bytes.toString('base64')}`;
}

/** Writes `relevance.html` from what lies beside it, computing nothing. @returns its path @throws CumulensError ERR_IO */
export async function writeRelevancePage(folder: string, results: RelevanceResults): Promise<string> {
  const files = results.shown.flatMap(({ pictures: { image, target, conditions, maps } }) => [
    image,
    conditions,
    ...(target ? [target] : []),
    ...maps,
  ]);
  const pictures = new Map<string, string>();
  for (const file of files) pictures.set(file, await dataUri(join(folder, file)));
  const path = join(folder, 'relevance.html');
  await writeFileAtomic(path, relevancePage(results, pictures));
  return path;
}
