/** report.html of an evaluation: one file that opens from disk, with all its pictures in it. */
import { dirname } from 'node:path';

import type { EvaluationResults } from '../evaluate/evaluation/results.js';
import type { Times } from '../evaluate/evaluation/times.js';
import { writeFileAtomic } from '../files.js';
import { perturbationCurves, sanityCharts, scoreCharts } from './evaluation_charts.js';
import { gallerySection } from './evaluation_gallery.js';
import { methodsTable, rankingTable, sanityTable } from './evaluation_tables.js';
import { verdicts } from './evaluation_words.js';
import { html, type Markup } from './html.js';
import { legend, methodStyles } from './method_styles.js';
import { formatNumber } from './numbers.js';
import { reportPage } from './page.js';

interface Section {
  id: string;
  title: string;
  content: Markup;
}

const TARGETS: Readonly<Record<string, string>> = { predicted: 'the predicted class', label: "each image's label" };

function introduction(results: EvaluationResults): Markup {
  const { samples, skipped, cnn, data, settings } = results;
  const { height, width } = cnn.input;
  const accuracy =
    cnn.labelled > 0
      ? `, right on ${formatNumber((100 * cnn.correct) / cnn.labelled, 1)} % of the ${cnn.labelled} labelled images`
      : '';
  const unread = skipped > 0 ? `; ${skipped} more could not be read` : '';
  const target = TARGETS[String(settings.target)] ?? `class ${String(settings.target)}`;
  return html`<p>
    ${results.methods.length} ways to explain what the CNN ${cnn.path ? html`<code>${cnn.path}</code>` : html``}
    (${width}×${height} pixels, ${cnn.taps.length} taps${accuracy}) saw on ${samples} images of
    <code>${data.path}</code> (split ${data.split}${unread}). What is explained: ${target}. Seed
    ${String(settings.seed)}.
  </p>`;
}

function notesList({ notes }: EvaluationResults): Markup {
  if (notes.length === 0) return html``;
  return html`<h3>To be known</h3>
    <ul class="notes">
      ${notes.map((note) => html`<li>${note}.</li>`)}
    </ul>`;
}

function settingsSection(results: EvaluationResults, times: Times): Markup {
  const { versions, settings, ranking, sanity } = results;
  return html`<p>${Object.entries(versions).map(([name, version]) => html`${name} ${version} `)}</p>
    <h3>The ranking's rule</h3>
    <p>${ranking.rule}</p>
    ${
      sanity
        ? html`<h3>New weights</h3>
            <p>${sanity.weights}.</p>`
        : html``
    }
    <h3>Methods</h3>
    ${methodsTable(results, times)}
    <details>
      <summary>All settings</summary>
      <pre tabindex="0">${JSON.stringify(settings, null, 2)}</pre>
    </details>`;
}

async function sections(results: EvaluationResults, times: Times, folder: string): Promise<Section[]> {
  const styles = methodStyles(results.methods);
  const keys = legend(results.methods, styles);
  const { deletion, insertion } = results.curves;
  const parts: (Section | undefined)[] = [
    { id: 'ranking', title: 'Ranking', content: html`${rankingTable(results)} ${notesList(results)}` },
    { id: 'scores', title: 'Scores', content: html`${keys} ${scoreCharts(results, styles)}` },
    deletion || insertion
      ? { id: 'curves', title: 'Curves', content: html`${keys} ${perturbationCurves(results, styles)}` }
      : undefined,
    results.sanity
      ? {
          id: 'sanity',
          title: 'Sanity',
          content: html`<p>
              A map that explains the CNN changes when the CNN's weights are others, and when another class is asked
              about. Baselines know no CNN, and fail or pass for reasons that have nothing to do with it.
            </p>
            ${keys} ${sanityCharts(results, styles)} ${sanityTable(results)}`,
        }
      : undefined,
    { id: 'gallery', title: 'Images', content: await gallerySection(results, folder) },
    { id: 'settings', title: 'Settings and versions', content: settingsSection(results, times) },
  ];
  return parts.filter((part) => part !== undefined);
}

/** The page as text. @param folder where results.json names its pictures from */
export async function evaluationPage(results: EvaluationResults, times: Times, folder: string): Promise<string> {
  const parts = await sections(results, times, folder);
  const body = html`<header>
      <h1>Explanations, judged</h1>
      ${introduction(results)}
      <nav aria-label="Parts of this page">
        <ul class="nav">
          ${parts.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
        </ul>
      </nav>
    </header>
    ${verdicts(results)}
    ${parts.map(
      ({ id, title, content }) =>
        html`<section id="${id}" aria-labelledby="${id}-title">
          <h2 id="${id}-title">${title}</h2>
          ${content}
        </section>`,
    )}`;
  return reportPage('Explanations, judged', body);
}

/** Writes the page beside `gallery/`. @throws CumulensError ERR_IO */
export async function writeEvaluationPage(path: string, results: EvaluationResults, times: Times): Promise<void> {
  await writeFileAtomic(path, await evaluationPage(results, times, dirname(path)));
}
