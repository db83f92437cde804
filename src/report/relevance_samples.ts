/** Single samples: their pictures, and a bar for each condition below its map. */
import type { RelevanceKind, SampleRelevance } from '../evaluate/relevance_summary.js';
import type { SeriesStyle } from './charts.js';
import { gallery, type GalleryCase } from './gallery.js';
import { html, type Markup } from './html.js';
import {
  formatPercent,
  KIND_LABELS,
  kindsOf,
  toPercent,
  type RelevanceResults,
  type ShownSample,
} from './relevance_results.js';

function picture(uri: string | undefined, alt: string, caption: string): Markup {
  return uri
    ? html`<figure>
        <img src="${uri}" alt="${alt}" />
        <figcaption>${caption}</figcaption>
      </figure>`
    : html``;
}

/** The bars of one kind, of every generator, as high as their largest allows. */
function kindRows(
  kind: RelevanceKind,
  rows: readonly SampleRelevance[],
  results: RelevanceResults,
  styles: readonly SeriesStyle[],
): Markup {
  const { size, conditions } = results.data;
  const values = rows.map(({ relevance }) => (relevance[kind] ?? []).map((sum) => toPercent(sum, size)));
  const greatest = Math.max(...values.flat());
  const cells = Array.from({ length: conditions }, (_, k) => {
    const bars = values.map((own, i) => {
      const value = own[k] ?? 0;
      const height = greatest > 0 ? value / greatest : 0;
      const label = results.generators.length > 1 ? `${results.generators[i]?.label ?? ''}: ` : '';
      return html`<span
        class="bar"
        style="--h:${height.toFixed(3)};--own:var(--${styles[i]?.colour ?? 'c0'})"
        title="${label}${formatPercent(value)} %"
        ><span>${formatPercent(value)}</span></span
      >`;
    });
    return html`<td><span class="pair">${bars}</span></td>`;
  });
  return html`<tr>
      <th scope="rowgroup" colspan="${conditions}">${KIND_LABELS[kind]}</th>
    </tr>
    <tr>
      ${cells}
    </tr>`;
}

function article(
  shown: ShownSample,
  results: RelevanceResults,
  styles: readonly SeriesStyle[],
  pictures: ReadonlyMap<string, string>,
): GalleryCase {
  const { generators, data } = results;
  const rows = generators.map(({ samples }) => samples[shown.index] as SampleRelevance);
  const [{ id, label }] = rows as [SampleRelevance];
  const name = data.classes[label] ?? String(label);
  const { image, target, conditions, maps } = shown.pictures;
  const head = generators[0]?.depths.map(({ label: depth }) => html`<th scope="col">${depth}</th>`) ?? [];
  const drawn = maps.map((file, i) =>
    picture(
      pictures.get(file),
      `the map that ${generators[i]?.label ?? 'the generator'} drew`,
      generators[i]?.label ?? 'drawn',
    ),
  );
  return {
    title: `${name}, ${id}`,
    groups: [`class-${label}`],
    content: html`<h3>${name} <small>${id}</small></h3>
      <div class="row tiles">
        ${picture(pictures.get(image), 'the image', 'image')}
        ${target ? picture(pictures.get(target), 'the target map', 'target') : html``} ${drawn}
      </div>
      <div class="scroll" tabindex="0" role="region" aria-label="Relevance of each condition for ${id}">
        <table class="bars ${generators.length > 1 ? 'many' : ''}">
          <caption>
            The conditions, by the taps that they average, and how much the map changes without each: % of its range
          </caption>
          <thead>
            <tr>
              ${head}
            </tr>
            <tr class="maps">
              <td colspan="${data.conditions}">
                <img src="${pictures.get(conditions) ?? ''}" alt="the ${data.conditions} conditions" />
              </td>
            </tr>
          </thead>
          <tbody>
            ${kindsOf(results).map((kind) => kindRows(kind, rows, results, styles))}
          </tbody>
        </table>
      </div>`,
  };
}

/** One sample at a time, chosen by slider, buttons or class. */
export function samplesSection(
  results: RelevanceResults,
  styles: readonly SeriesStyle[],
  pictures: ReadonlyMap<string, string>,
): Markup {
  const { shown, generators, data } = results;
  if (shown.length === 0) return html``;
  const labels = shown.map(({ index }) => generators[0]?.samples[index]?.label ?? 0);
  const options = [...new Set(labels)]
    .sort((a, b) => a - b)
    .map((label) => ({ value: `class-${label}`, label: data.classes[label] ?? String(label) }));
  const keys = generators.map(
    ({ label }, i) => html`<li><i style="background:var(--${styles[i]?.colour ?? 'c0'})"></i>${label}</li>`,
  );
  return html`<section>
    <h2>Image by image</h2>
    <p class="note">
      ${shown.length} of the ${data.samples} samples, evenly spread; the numbers of all are in results.json. Each row of
      bars has its own scale.
    </p>
    ${
      generators.length > 1
        ? html`<ul class="keys">
            ${keys}
          </ul>`
        : html``
    }
    ${gallery(
      shown.map((one) => article(one, results, styles, pictures)),
      { label: 'Image', ...(options.length > 1 ? { choice: { label: 'Class', all: 'all', options } } : {}) },
    )}
  </section>`;
}
