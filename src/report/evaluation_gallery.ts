/** The gallery of an evaluation's page: images with every method's map, the best and the worst cases among them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { pictureFile } from '../evaluate/evaluation/gallery.js';
import type {
  EvaluatedMethod,
  EvaluatedScore,
  EvaluationResults,
  GalleryCase,
} from '../evaluate/evaluation/results.js';
import { KIND_LABELS, labelOf } from './evaluation_words.js';
import { html, type Markup } from './html.js';
import { digitsOf, formatNumber } from './numbers.js';

async function dataUri(path: string): Promise<string> {
  return `data:image/webp;base64,${(await readFile(path)).toString('base64')}`;
}

/** A word for the choice of cases: 'best-3' is the best of method 3. */
const token = (kind: 'best' | 'worst', method: number): string => `${kind}-${method}`;

interface Shown {
  results: EvaluationResults;
  headline: EvaluatedScore;
  folder: string;
}

function classText({ cnn }: EvaluationResults, index: number): string {
  return cnn.classes[index] ?? `class ${index}`;
}

function caseSentences({ results, headline }: Shown, { cases }: GalleryCase): Markup[] {
  if (cases.length === 0) return [html`<li>chosen at random</li>`];
  return cases.map(
    ({ method, kind, value }) =>
      html`<li>
        ${kind === 'best' ? 'among the best' : 'among the worst'} of ${labelOf(results, method)}, ${headline.label}
        ${formatNumber(value, digitsOf(headline))}
      </li>`,
  );
}

async function mapFigure(
  { folder, headline }: Shown,
  one: GalleryCase,
  method: EvaluatedMethod,
  index: number,
): Promise<Markup> {
  const value = one.values[method.name];
  const score = value === undefined ? '' : `${headline.label} ${formatNumber(value, digitsOf(headline))}`;
  const kind = method.kind === 'baseline' || method.kind === 'generator' ? ` (${KIND_LABELS[method.kind]})` : '';
  return html`<figure class="${method.kind}">
    <div class="stack">
      <img
        class="map"
        src="${await dataUri(join(folder, pictureFile(one.files, index)))}"
        alt="map of ${method.label}"
      />
    </div>
    <figcaption>${method.label}${kind}<br />${score}</figcaption>
  </figure>`;
}

async function caseArticle(shown: Shown, one: GalleryCase): Promise<Markup> {
  const { results, folder } = shown;
  const image = await dataUri(join(folder, pictureFile(one.files)));
  const maps = await Promise.all(results.methods.map((method, i) => mapFigure(shown, one, method, i)));
  const tokens = one.cases.map(({ kind, method }) =>
    token(
      kind,
      results.methods.findIndex(({ name }) => name === method),
    ),
  );
  const right = one.label < 0 ? '' : one.label === one.predicted ? 'right' : 'wrong';
  const label = one.label < 0 ? html`` : html`${classText(results, one.label)}; `;
  const probability = `p ${formatNumber(one.probability, 3)}`;
  return html`<article
    data-title="${one.id}"
    data-cases="${tokens.join(' ') || 'random'}"
    style="--image:url(${image})"
  >
    <h3>${one.id}</h3>
    <p>
      ${label}<span class="${right}">the CNN says ${classText(results, one.predicted)}</span>; explained:
      ${classText(results, one.target)} (${probability})
    </p>
    <ul class="cases">
      ${caseSentences(shown, one)}
    </ul>
    <div class="maps">
      <figure>
        <img src="${image}" alt="the image${results.data.masks ? ', its mask outlined' : ''}" />
        <figcaption>image${results.data.masks ? ', mask outlined' : ''}</figcaption>
      </figure>
      ${maps}
    </div>
  </article>`;
}

function choices({ methods, gallery }: EvaluationResults): Markup[] {
  const has = (kind: 'best' | 'worst', name: string): boolean =>
    gallery.some(({ cases }) => cases.some((each) => each.kind === kind && each.method === name));
  const options = methods.flatMap(({ name, label }, i) =>
    (['best', 'worst'] as const)
      .filter((kind) => has(kind, name))
      .map((kind) => html`<option value="${token(kind, i)}">${kind} of ${label}</option>`),
  );
  const random = gallery.some(({ cases }) => cases.length === 0);
  return [
    html`<option value="">all</option>`,
    ...options,
    ...(random ? [html`<option value="random">at random</option>`] : []),
  ];
}

/** @param folder where the pictures' names are to be found */
export async function gallerySection(results: EvaluationResults, folder: string): Promise<Markup> {
  const headline = results.scores.find(({ name }) => name === results.ranking.headline) as EvaluatedScore;
  if (results.gallery.length === 0) return html`<p>No images were asked for.</p>`;
  const articles: Markup[] = [];
  for (const one of results.gallery) articles.push(await caseArticle({ results, headline, folder }, one));
  return html`<p>
      Best and worst by ${headline.label} (${headline.better} is better), and some at random.
      <span class="legend"><span>0</span><i></i><span>1</span> viridis</span>
    </p>
    <div class="gallery side-by-side">
      <div class="controls" hidden>
        <label
          >Cases
          <select data-role="choice">
            ${choices(results)}
          </select></label
        >
        <button type="button" data-role="previous">Previous</button>
        <label class="wide">Image <input type="range" min="0" max="0" value="0" data-role="slider" /></label>
        <button type="button" data-role="next">Next</button>
        <output data-role="position"></output>
        <label class="wide"
          >Show the image under the maps <input type="range" min="0" max="1" step="0.05" value="0" data-role="overlay"
        /></label>
      </div>
      ${articles}
    </div>`;
}
