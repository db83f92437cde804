/** What an evaluation found, in sentences. */
import type { EvaluatedMethod, EvaluationResults } from '../evaluate/evaluation/results.js';
import { html, type Markup } from './html.js';
import { formatNumber } from './numbers.js';

export const KIND_LABELS: Readonly<Record<EvaluatedMethod['kind'], string>> = {
  generator: 'generator',
  cam: 'class activation map',
  gradient: 'gradient',
  perturbation: 'perturbation',
  baseline: 'baseline',
};

/** "a, b and c" */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

export const labelOf = ({ methods }: Pick<EvaluationResults, 'methods'>, name: string): string =>
  methods.find((method) => method.name === name)?.label ?? name;

/** Whether a method's maps are shown not to depend on the CNN or on the class; a baseline is no explanation to begin with. */
export function failsSanity({ sanity }: EvaluatedMethod): boolean {
  return sanity !== undefined && !(sanity.modelRandomisation.passed && (sanity.randomLogit?.passed ?? true));
}

/** Which method is first by the ranking's rule, and which cannot be told apart from it. */
export function rankingSentence(results: EvaluationResults): string {
  const { methods, ranking, samples } = results;
  const [first] = ranking.order;
  const best = methods.find(({ name }) => name === first);
  if (!best?.meanRank) return 'There is nothing to rank.';
  const others = methods.filter(({ name, place }) => place === 1 && name !== first).map(({ label }) => label);
  const { mean, low, high } = best.meanRank;
  const interval = `mean rank ${formatNumber(mean, 2)}, 95 % interval ${formatNumber(low, 2)} … ${formatNumber(high, 2)}, of ${methods.length} methods on ${samples} images`;
  const apart =
    others.length > 0 ? ` ${listed(others)} cannot be told apart from it.` : ' It is surely ahead of all others.';
  const kind = best.kind === 'baseline' ? ', a baseline that explains nothing' : '';
  return `First by mean rank over ${listed(scoreLabels(results, ranking.scores))}: ${best.label}${kind} (${interval}).${apart}`;
}

const scoreLabels = ({ scores }: EvaluationResults, names: readonly string[]): string[] =>
  names.map((name) => scores.find((score) => score.name === name)?.label ?? name);

/** How a generator stands against what it learnt to draw and against a formula of its conditions, score by score. */
function against(results: EvaluationResults, method: EvaluatedMethod, to: 'versusGradcam' | 'versusLinear'): string {
  const byVerdict = (verdict: string): string[] =>
    results.scores
      .filter(({ name, needs }) => needs !== 'target' && method.scores[name]?.[to]?.verdict === verdict)
      .map(({ label }) => label);
  const parts = [
    { words: 'better by', scores: byVerdict('better') },
    { words: 'worse by', scores: byVerdict('worse') },
    { words: 'not distinguishable by', scores: byVerdict('indistinguishable') },
  ].filter(({ scores }) => scores.length > 0);
  const other = to === 'versusGradcam' ? 'Grad-CAM' : 'the linear baseline';
  return parts.length > 0
    ? `Against ${other}: ${parts.map(({ words, scores }) => `${words} ${listed(scores)}`).join('; ')}. `
    : '';
}

/** Baselines that do as well as a generator by mean rank: then its scores are not worth much. */
function notAheadOf(results: EvaluationResults, generator: EvaluatedMethod): string {
  const rank = generator.meanRank;
  if (!rank) return '';
  const near = results.methods.filter(
    ({ kind, meanRank }) => kind === 'baseline' && meanRank && meanRank.mean <= rank.mean,
  );
  return near.length > 0
    ? `Ranked no higher than the ${near.length > 1 ? 'baselines' : 'baseline'} ${listed(near.map(({ label }) => label))}.`
    : '';
}

function generatorVerdict(results: EvaluationResults, method: EvaluatedMethod): Markup {
  const comparison = `${against(results, method, 'versusGradcam')}${against(results, method, 'versusLinear')}${notAheadOf(results, method)}`;
  if (!method.sanity) return html`<p class="verdict"><strong>${method.label}</strong> ${comparison}</p>`;
  if (failsSanity(method))
    return html`<p class="verdict bad">
      <strong class="wrong">${method.label} fails the sanity checks</strong>: it ${method.sanity.verdict}. Whatever its
      scores are, it does not show what the CNN saw. ${comparison}
    </p>`;
  return html`<p class="verdict good">
    <strong>${method.label} passes the sanity checks</strong>: it ${method.sanity.verdict}. ${comparison}
  </p>`;
}

/** The few sentences to read if nothing else is read: the ranking, every generator, and every method that fails. */
export function verdicts(results: EvaluationResults): Markup {
  const generators = results.methods.filter(({ kind }) => kind === 'generator');
  const failing = results.methods.filter(
    (method) => method.kind !== 'generator' && method.kind !== 'baseline' && failsSanity(method),
  );
  return html`<p class="verdict">${rankingSentence(results)}</p>
    ${generators.map((method) => generatorVerdict(results, method))}
    ${failing.length > 0 ? failingList(failing) : html``}`;
}

function failingList(failing: readonly EvaluatedMethod[]): Markup {
  return html`<div class="verdict bad">
    <strong class="wrong">Fail the sanity checks on this CNN:</strong>
    <ul>
      ${failing.map(({ label, sanity }) => html`<li>${label} ${sanity?.verdict ?? ''}.</li>`)}
    </ul>
  </div>`;
}
