/** A study's questions of one score against another: each has its rule and every contrast that it rests on. */
import { BASELINE_METHODS } from '../evaluate/evaluation/options.js';
import { SCORES, type ScoreName } from '../evaluate/scores/scores.js';
import { answerOf } from './answer.js';
import type { Question } from './answers.js';
import { compareSides, type Comparison, type Contrast, type Sides } from './comparison.js';
import type { FindingIndex } from './finding_index.js';
import type { Trial } from './findings.js';
import { onPair, type Pair, type Target } from './plan.js';
import type { Rows } from './scoring.js';

/** A loss of Pearson correlation that still counts as doing as well. */
export const MARGIN = 0.05;
const AGAINST_TARGET: readonly ScoreName[] = ['mae', 'ssim', 'pearson'];
const ON_THE_CNN: readonly ScoreName[] = ['deletion', 'insertion', 'adcc', 'energyInMask', 'pointingGame'];

const method = (trials: readonly (Trial | undefined)[], name: string): (Rows | undefined)[] =>
  trials.map((trial) => trial?.scores[name]);
const onCnn = (trials: readonly Trial[], name: string): (Rows | undefined)[] =>
  trials.map(({ faithfulness, scores }) =>
    faithfulness?.[name] ? { ...scores[name], ...faithfulness[name] } : undefined,
  );

function summarise(
  { id, question, rule, sides }: Pick<Question, 'id' | 'question' | 'rule' | 'sides'>,
  { contrasts, overall }: Comparison,
  holds: (contrast: Contrast) => boolean = ({ difference }) => difference.verdict === 'better',
): Question {
  const parts = overall.map(({ score }) => {
    const own = contrasts.filter((contrast) => contrast.score === score);
    return `${SCORES[score].label} ${own.filter(holds).length} of ${own.length}`;
  });
  const answer = answerOf(contrasts.filter(holds).length, contrasts.length, `it holds for ${parts.join(', ')}.`);
  return { id, question, rule, sides, ...answer, overall, contrasts };
}

/** Cells of the headline: each pair on its own, then the mix on each pair. */
function headline(index: FindingIndex, side: (trials: Trial[]) => Omit<Sides, 'variant' | 'what' | 'data'>): Sides[] {
  return index.variants.flatMap((variant) => {
    const cell = (what: string, { data }: Pair, trials: Trial[]): Sides[] =>
      trials.length === 0 ? [] : [{ variant, what, data, ...side(trials) }];
    const pairs = index.pairs(variant);
    return [
      ...pairs.flatMap((pair) => cell(onPair(pair), pair, index.own(variant, pair))),
      ...pairs.flatMap((pair) => cell(`mix: ${onPair(pair)}`, pair, index.mixed(variant, pair))),
    ];
  });
}

/** Of baselines, by their names. */
function besides(
  names: readonly string[],
  of: (name: string) => (Rows | undefined)[],
): Record<string, (Rows | undefined)[]> {
  return Object.fromEntries(names.map((name) => [name, of(name)]));
}

async function beatsLinear(index: FindingIndex): Promise<Question> {
  const cells = headline(index, (trials) => ({
    ours: method(trials, 'generator'),
    theirs: method(trials, 'linear'),
    beside: besides(BASELINE_METHODS, (name) => method(trials, name)),
  }));
  return summarise(
    {
      id: 'linear',
      question: 'Does the generator beat the linear baseline?',
      rule: 'nearer to the target map of held-out images than the best linear combination of the same conditions, the paired 95 % interval excluding 0; the target’s map is not among the conditions’',
      sides: ['generator', 'linear'],
    },
    await compareSides(cells, AGAINST_TARGET),
  );
}

/** What a generator's explanation of the CNN is weighed against: what it learnt to draw, a formula of its conditions, and what knows no CNN. */
const RIVALS = [
  { id: 'gradcam', name: 'gradcam', side: 'Grad-CAM', what: 'Grad-CAM', rule: 'Grad-CAM at the last tap, which it learnt to draw' },
  { id: 'cnn-linear', name: 'linear', side: 'linear', what: 'the linear baseline', rule: 'the best linear combination of the same conditions' },
  { id: 'cnn-luminance', name: 'luminance', side: 'luminance', what: 'the image’s luminance', rule: 'the image’s luminance, which knows no CNN: where it does not, the score says nothing for the generator' },
] as const; // prettier-ignore

async function explainsBetter(
  index: FindingIndex,
  { id, name, side, what, rule }: (typeof RIVALS)[number],
): Promise<Question> {
  const others = ['sobel', 'random'];
  const cells = headline(index, (trials) => ({
    ours: onCnn(trials, 'generator'),
    theirs: onCnn(trials, name),
    beside: besides(others, (baseline) => onCnn(trials, baseline)),
  }));
  return summarise(
    {
      id,
      question: `Does the generator explain the CNN better than ${what}?`,
      rule: `a better score on the CNN itself, or within the mask where there is one, than ${rule}; the paired 95 % interval excluding 0`,
      sides: ['generator', side],
    },
    await compareSides(cells, ON_THE_CNN),
  );
}

/**
 * A question as it is asked of generators with the target's map among their averages: the published code's, whose likeness to the target may be
 * that of a formula, on any CNN.
 */
function asked(target: Target, id: string, question: string): Pick<Question, 'id' | 'question'> {
  if (target === 'excluded') return { id, question };
  const [first = '', ...rest] = question;
  return {
    id: `included-${id}`,
    question: `With the target’s map among the averages, ${first.toLowerCase()}${rest.join('')}`,
  };
}

/** Generators that never saw a CNN (or data set) on its images, against those that learnt from it. */
async function agnostic(
  index: FindingIndex,
  target: Target,
  scope: 'without-cnn' | 'without-data',
  what: string,
): Promise<Question> {
  const cells = index.variants.flatMap((variant) =>
    index.of(variant, scope, target).flatMap(({ trials }) =>
      trials.flatMap((trial): Sides[] => {
        const own = index.own(variant, trial.pair, target).find(({ seed }) => seed === trial.seed);
        if (!own) return [];
        return [
          {
            variant,
            what: onPair(trial.pair),
            data: trial.pair.data,
            ours: method([trial], 'generator'),
            theirs: method([own], 'generator'),
          },
        ];
      }),
    ),
  );
  const holds = ({ score, difference }: Contrast): boolean => score === 'pearson' && difference.low > -MARGIN;
  const found = await compareSides(cells, ['pearson']);
  return summarise(
    {
      ...asked(target, scope, `Is the generator agnostic to the ${what}?`),
      rule: `on a ${what} it never saw, it loses less than ${MARGIN} of Pearson correlation with the target, by the whole 95 % interval, against a generator that learnt from that ${what}`,
      sides: [`never saw the ${what}`, 'learnt from it'],
    },
    found,
    holds,
  );
}

/** The same generators against the linear baseline that never saw it either. */
async function agnosticBeatsLinear(index: FindingIndex, target: Target): Promise<Question> {
  const cells = index.variants.flatMap((variant) =>
    (['without-cnn', 'without-data'] as const).flatMap((scope) =>
      index.of(variant, scope, target).flatMap(({ training, trials }) =>
        trials.map((trial): Sides => ({
          variant,
          what: `${onPair(trial.pair)}, without ${training.left ?? ''}`,
          data: trial.pair.data,
          ours: method([trial], 'generator'),
          theirs: method([trial], 'linear'),
        })),
      ),
    ),
  );
  return summarise(
    {
      ...asked(target, 'unseen-linear', 'Does it beat the linear baseline on what neither has seen?'),
      rule: 'nearer to the target map of held-out images than the best linear combination of the same conditions, the paired 95 % interval excluding 0; both fitted on the other CNNs or data sets',
      sides: ['generator', 'linear'],
    },
    await compareSides(cells, AGAINST_TARGET),
  );
}

async function mixCosts(index: FindingIndex, target: Target): Promise<Question> {
  const cells = index.variants.flatMap((variant) =>
    index.pairs(variant, target).flatMap((pair): Sides[] => {
      const [mixed, own] = [index.mixed(variant, pair, target), index.own(variant, pair, target)];
      const ofSeeds = mixed.map(({ seed }) => own.find((trial) => trial.seed === seed));
      return [
        {
          variant,
          what: onPair(pair),
          data: pair.data,
          ours: method(mixed, 'generator'),
          theirs: method(ofSeeds, 'generator'),
        },
      ];
    }),
  );
  return summarise(
    {
      ...asked(target, 'mix', 'Does one generator for all do as well as one for each?'),
      rule: `trained in as many steps on the mix of all, it loses less than ${MARGIN} of Pearson correlation, by the whole 95 % interval, against the one trained on that CNN and data set alone`,
      sides: ['of the mix', 'its own'],
    },
    await compareSides(cells, ['pearson']),
    ({ difference }) => difference.low > -MARGIN,
  );
}

/** What the target's own map among the conditions gives away. */
async function included(index: FindingIndex): Promise<Question> {
  const cells = index.variants.flatMap((variant) =>
    index.pairs(variant, 'included').flatMap((pair): Sides[] => {
      const [trial] = index.own(variant, pair, 'included');
      return trial
        ? [
            {
              variant,
              what: onPair(pair),
              data: pair.data,
              ours: method([trial], 'linear'),
              theirs: method([trial], 'generator'),
            },
          ]
        : [];
    }),
  );
  return summarise(
    {
      id: 'included',
      question: 'With the target’s map among the averages, is a linear formula enough?',
      rule: 'with the target included, the linear baseline is nearer to the target than the generator, the paired 95 % interval excluding 0: then the generator’s likeness to the target says nothing',
      sides: ['linear', 'generator'],
    },
    await compareSides(cells, AGAINST_TARGET),
  );
}

/** What is asked of generators that learnt from other CNNs and data sets, or from several. */
async function ofSeveral(index: FindingIndex, target: Target): Promise<Question[]> {
  return [
    await agnostic(index, target, 'without-cnn', 'CNN'),
    await agnostic(index, target, 'without-data', 'data set'),
    await agnosticBeatsLinear(index, target),
    await mixCosts(index, target),
  ];
}

/** Every question that is of trainings such as were made, in the order of the report. */
export async function answerQuestions(index: FindingIndex): Promise<Question[]> {
  const questions: Question[] = [];
  if (index.has('excluded')) {
    questions.push(...(await ofSeveral(index, 'excluded')), await beatsLinear(index));
    for (const rival of RIVALS) questions.push(await explainsBetter(index, rival));
  }
  if (index.has('included')) questions.push(await included(index), ...(await ofSeveral(index, 'included')));
  return questions;
}
