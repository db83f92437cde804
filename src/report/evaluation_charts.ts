/** The charts of an evaluation's page. */
import type {
  EvaluatedMethod,
  EvaluatedScore,
  EvaluationResults,
  MethodScore,
} from '../evaluate/evaluation/results.js';
import { curveChart, intervalChart, type Curve, type SeriesStyle } from './charts.js';
import { scoreTable } from './evaluation_tables.js';
import { labelOf, listed } from './evaluation_words.js';
import { html, type Markup } from './html.js';
import { tabs, type Tab } from './tabs.js';

export type Styles = ReadonlyMap<string, SeriesStyle>;

const styleOf = (styles: Styles, name: string): SeriesStyle => styles.get(name) as SeriesStyle;

function scoreSentence(results: EvaluationResults, { order, name, better }: EvaluatedScore): string {
  const equals = order.slice(1).filter((method) => {
    const found = results.methods.find((each) => each.name === method)?.scores[name];
    return found?.versusBest?.verdict === 'indistinguishable';
  });
  const best = `${better === 'lower' ? 'Lower' : 'Higher'} is better; best is ${labelOf(results, order[0] ?? '')}.`;
  if (equals.length === 0) return best;
  return `${best} Not distinguishable from it: ${listed(equals.map((method) => labelOf(results, method)))}.`;
}

function scoreTab(results: EvaluationResults, score: EvaluatedScore, styles: Styles): Tab {
  const rows = score.order.map((name) => {
    const method = results.methods.find((each) => each.name === name) as EvaluatedMethod;
    const { mean, low, high } = method.scores[score.name] as MethodScore;
    return { label: method.label, mean, low, high, style: styleOf(styles, name) };
  });
  const { label, settings, unit } = score;
  const description = `${label} of ${rows.length} methods with 95 % intervals, the best first: ${rows.map((row) => `${row.label} ${row.mean.toPrecision(3)}`).join(', ')}`;
  return {
    title: label,
    content: html`<h3>${label}${unit ? `, ${unit}` : ''}</h3>
      <p>${scoreSentence(results, score)}</p>
      <figure class="chart">
        ${intervalChart(rows, description, undefined, { width: 480, labels: 190 })}
        <figcaption>How it is computed: ${settings}.</figcaption>
      </figure>
      <details>
        <summary>${label}: every method against the best and against Grad-CAM</summary>
        ${scoreTable(results, score)}
      </details>`,
  };
}

/** A tab for each score. */
export function scoreCharts(results: EvaluationResults, styles: Styles): Markup {
  return tabs(
    'Scores',
    'score',
    results.scores.map((score) => scoreTab(results, score, styles)),
  );
}

const CURVE_WORDS = {
  deletion: {
    title: 'Deletion',
    x: 'part of the pixels deleted, most relevant first',
    better: 'a fall that comes early is good',
  },
  insertion: {
    title: 'Insertion',
    x: 'part of the pixels inserted, most relevant first',
    better: 'a rise that comes early is good',
  },
} as const;

function perturbationCurve(results: EvaluationResults, name: 'deletion' | 'insertion', styles: Styles): Markup[] {
  const found = results.curves[name];
  if (!found) return [];
  const { title, x, better } = CURVE_WORDS[name];
  const curves = Object.entries(found.methods).map(([method, { mean, low, high }]): Curve => ({
    points: found.fractions.map((fraction, i) => ({
      x: fraction,
      mean: mean[i] as number,
      low: low[i] as number,
      high: high[i] as number,
    })),
    style: styleOf(styles, method),
  }));
  const description = `${title}: mean probability of the target class against the ${x}, ${curves.length} methods`;
  return [
    html`<figure class="chart">
      <h3>${title}</h3>
      ${curveChart(curves, { x, y: 'p(target class)', least: 0 }, description)}
      <figcaption>${better}; bands: mean ± 1.96 standard errors</figcaption>
    </figure>`,
  ];
}

export function perturbationCurves(results: EvaluationResults, styles: Styles): Markup {
  return html`<div class="charts">
    ${perturbationCurve(results, 'deletion', styles)} ${perturbationCurve(results, 'insertion', styles)}
  </div>`;
}

const MEASURES = { pearson: 'Pearson correlation', ssim: 'SSIM' } as const;

function sanityCurve(results: EvaluationResults, measure: keyof typeof MEASURES, styles: Styles): Markup {
  const curves = results.methods.flatMap(({ name, sanity }): Curve[] => {
    const stages = sanity?.modelRandomisation.stages ?? [];
    const points = stages.map(({ share, [measure]: { mean, low, high } }) => ({ x: share, mean, low, high }));
    return points.length > 0
      ? [{ points: [{ x: 0, mean: 1, low: 1, high: 1 }, ...points], style: styleOf(styles, name) }]
      : [];
  });
  const at = results.sanity?.thresholds.modelRandomisation;
  const threshold =
    measure === 'pearson' && at !== undefined ? { threshold: { at, label: `must end below ${at}` } } : {};
  const description = `Similarity of the maps to themselves, ${MEASURES[measure]}, as the CNN's weights are drawn anew from the top down, ${curves.length} methods`;
  return html`<figure class="chart">
    <h3>Other weights: ${MEASURES[measure]}</h3>
    ${curveChart(curves, { x: 'part of the layers that are new, from the logits down', y: MEASURES[measure], greatest: 1, ...threshold }, description)}
    <figcaption>1: the map is as it was, though the CNN is not</figcaption>
  </figure>`;
}

function randomLogitChart(results: EvaluationResults, styles: Styles): Markup[] {
  const rows = results.methods
    .flatMap(({ name, label, sanity }) =>
      sanity?.randomLogit ? [{ label, ...sanity.randomLogit.pearson, style: styleOf(styles, name) }] : [],
    )
    .sort((a, b) => a.mean - b.mean);
  if (rows.length === 0) return [];
  const at = results.sanity?.thresholds.randomLogit ?? 0.7;
  const description = `Pearson correlation with another class's map: ${rows.map(({ label, mean }) => `${label} ${mean.toFixed(2)}`).join(', ')}`;
  return [
    html`<figure class="chart">
      <h3>Another class: Pearson correlation</h3>
      ${intervalChart(rows, description, { at, label: `must be below ${at}` }, { width: 520, labels: 190 })}
      <figcaption>1: the map is the same whatever class is asked about</figcaption>
    </figure>`,
  ];
}

export function sanityCharts(results: EvaluationResults, styles: Styles): Markup {
  return html`<div class="charts">
    ${sanityCurve(results, 'pearson', styles)} ${sanityCurve(results, 'ssim', styles)}
    ${randomLogitChart(results, styles)}
  </div>`;
}
