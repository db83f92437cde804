/** What a study has found, as questions and answers: each with its rule, its counts and every contrast it rests on. */
import { SCORES, type ScoreName } from '../evaluate/scores/scores.js';
import {
  compareFirstAndLast,
  EQUAL_WITHIN,
  RELEVANCE_KINDS,
  type FirstAndLast,
  type RelevanceKind,
} from '../evaluate/relevance_summary.js';
import { contrasts, type Contrast, type Sides } from './comparison.js';
import type { Finding, Findings, Trial } from './findings.js';
import { pairName, type Pair, type Scope } from './plan.js';
import type { Rows } from './scoring.js';

/** yes, no: the rule holds or fails in every cell; mixed: in some; open: nothing was tried. */
export type Answer = 'yes' | 'no' | 'mixed' | 'open';

export interface Question {
  id: string;
  question: string;
  /** When a cell counts as a yes. */
  rule: string;
  answer: Answer;
  /** The answer in words, with its counts. */
  text: string;
  /** What it rests on: ours against theirs. */
  contrasts: Contrast[];
  /** The two sides, as a table's heads. */
  sides: [string, string];
}

export interface FirstAndLastRow extends Pick<FirstAndLast, 'difference' | 'verdict'> {
  variant: string;
  what: string;
  kind: RelevanceKind;
  seeds: number;
}

export interface StudyAnswers {
  cnns: { cnn: string; data: string; parameters: number; taps: number; accuracy: number; images: number }[];
  /** How the trainings went. */
  trainings: {
    id: string;
    steps: number;
    validationL1: number;
    lastQuarter: number;
    flat: boolean;
    warnings: number;
  }[];
  questions: Question[];
  firstAndLast: { text: string; answer: Answer; rows: FirstAndLastRow[] };
}

/** A loss of Pearson correlation that still counts as doing as well. */
export const MARGIN = 0.05;
const AGAINST_TARGET: readonly ScoreName[] = ['mae', 'ssim', 'pearson'];
const ON_THE_CNN: readonly ScoreName[] = ['deletion', 'insertion', 'adcc', 'energyInMask', 'pointingGame'];

const onPair = ({ cnn, data }: Pair): string => `${cnn}, ${data}`;
const same = (a: Pair, b: Pair): boolean => pairName(a) === pairName(b);

/** Findings by what they are of. */
class Index {
  constructor(readonly all: readonly Finding[]) {}

  get variants(): string[] {
    return [...new Set(this.all.map(({ training }) => training.variant))];
  }

  of(variant: string, scope: Scope, target = 'excluded'): Finding[] {
    return this.all.filter(
      ({ training }) => training.variant === variant && training.scope === scope && training.target === target,
    );
  }

  /** Every seed's trial on `pair` of the generators that learnt from that pair alone. */
  own(variant: string, pair: Pair, target = 'excluded'): Trial[] {
    return this.of(variant, 'one', target)
      .filter(({ training }) => same(training.sources[0] as Pair, pair))
      .map(({ trials }) => trials[0] as Trial);
  }

  /** Every seed's trial on `pair` of the mix. */
  mixed(variant: string, pair: Pair): Trial[] {
    return this.of(variant, 'mix').flatMap(({ trials }) => trials.filter((trial) => same(trial.pair, pair)));
  }

  pairs(variant: string): Pair[] {
    const sources = this.of(variant, 'one').map(({ training }) => training.sources[0] as Pair);
    return sources.filter((pair, i) => sources.findIndex((other) => same(other, pair)) === i);
  }
}

const method = (trials: readonly Trial[], name: string): (Rows | undefined)[] =>
  trials.map(({ scores }) => scores[name]);
const onCnn = (trials: readonly Trial[], name: string): (Rows | undefined)[] =>
  trials.map(({ faithfulness, scores }) =>
    faithfulness?.[name] ? { ...scores[name], ...faithfulness[name] } : undefined,
  );

function summarise(
  { id, question, rule, sides }: Pick<Question, 'id' | 'question' | 'rule' | 'sides'>,
  found: Contrast[],
  holds: (contrast: Contrast) => boolean = ({ difference }) => difference.verdict === 'better',
): Question {
  if (found.length === 0) {
    return { id, question, rule, sides, answer: 'open', text: 'Nothing that answers this was run.', contrasts: [] };
  }
  const scores = [...new Set(found.map(({ score }) => score))];
  const parts = scores.map((score) => {
    const own = found.filter((contrast) => contrast.score === score);
    return `${SCORES[score].label} ${own.filter(holds).length} of ${own.length}`;
  });
  const held = found.filter(holds).length;
  const answer = held === found.length ? 'yes' : held === 0 ? 'no' : 'mixed';
  const word = { yes: 'Yes', no: 'No', mixed: 'In part' }[answer];
  return { id, question, rule, sides, answer, text: `${word}: it holds for ${parts.join(', ')}.`, contrasts: found };
}

async function collect(cells: readonly Sides[], scores: readonly ScoreName[]): Promise<Contrast[]> {
  const found: Contrast[] = [];
  for (const cell of cells) found.push(...(await contrasts(cell, scores)));
  return found;
}

/** Cells of the headline: each pair on its own, then the mix on each pair. */
function headline(index: Index, side: (trials: Trial[]) => Pick<Sides, 'ours' | 'theirs'>): Sides[] {
  return index.variants.flatMap((variant) => {
    const cell = (what: string, trials: Trial[]): Sides[] =>
      trials.length === 0 ? [] : [{ variant, what, ...side(trials) }];
    const pairs = index.pairs(variant);
    return [
      ...pairs.flatMap((pair) => cell(onPair(pair), index.own(variant, pair))),
      ...pairs.flatMap((pair) => cell(`mix: ${onPair(pair)}`, index.mixed(variant, pair))),
    ];
  });
}

async function beatsLinear(index: Index): Promise<Question> {
  const cells = headline(index, (trials) => ({ ours: method(trials, 'generator'), theirs: method(trials, 'linear') }));
  return summarise(
    {
      id: 'linear',
      question: 'Does the generator beat the linear baseline?',
      rule: 'nearer to the target map of held-out images than the best linear combination of the same conditions, the paired 95 % interval excluding 0; the target’s map is not among the conditions’',
      sides: ['generator', 'linear'],
    },
    await collect(cells, AGAINST_TARGET),
  );
}

async function beatsGradCam(index: Index): Promise<Question> {
  const cells = headline(index, (trials) => ({ ours: onCnn(trials, 'generator'), theirs: onCnn(trials, 'gradcam') }));
  return summarise(
    {
      id: 'gradcam',
      question: 'Does the generator explain the CNN better than Grad-CAM?',
      rule: 'a better score on the CNN itself, or within the mask where there is one, than Grad-CAM at the last tap, which it learnt to draw; the paired 95 % interval excluding 0',
      sides: ['generator', 'Grad-CAM'],
    },
    await collect(cells, ON_THE_CNN),
  );
}

/** Generators that never saw a CNN (or data set) on its images, against those that learnt from it. */
async function agnostic(index: Index, scope: 'without-cnn' | 'without-data', what: string): Promise<Question> {
  const cells = index.variants.flatMap((variant) =>
    index.of(variant, scope).flatMap(({ trials }) =>
      trials.flatMap((trial): Sides[] => {
        const [own] = index.own(variant, trial.pair);
        if (!own) return [];
        return [
          { variant, what: onPair(trial.pair), ours: method([trial], 'generator'), theirs: method([own], 'generator') },
        ];
      }),
    ),
  );
  const holds = ({ score, difference }: Contrast): boolean => score === 'pearson' && difference.low > -MARGIN;
  const found = await collect(cells, ['pearson']);
  return summarise(
    {
      id: scope,
      question: `Is the generator agnostic to the ${what}?`,
      rule: `on a ${what} it never saw, it loses less than ${MARGIN} of Pearson correlation with the target, by the whole 95 % interval, against a generator that learnt from that ${what}`,
      sides: [`never saw the ${what}`, 'learnt from it'],
    },
    found,
    holds,
  );
}

/** The same generators against the linear baseline that never saw it either. */
async function agnosticBeatsLinear(index: Index): Promise<Question> {
  const cells = index.variants.flatMap((variant) =>
    (['without-cnn', 'without-data'] as const).flatMap((scope) =>
      index.of(variant, scope).flatMap(({ training, trials }) =>
        trials.map((trial): Sides => ({
          variant,
          what: `${onPair(trial.pair)}, without ${training.left ?? ''}`,
          ours: method([trial], 'generator'),
          theirs: method([trial], 'linear'),
        })),
      ),
    ),
  );
  return summarise(
    {
      id: 'unseen-linear',
      question: 'Does it beat the linear baseline on what neither has seen?',
      rule: 'as for the linear baseline, both fitted on the other CNNs or data sets',
      sides: ['generator', 'linear'],
    },
    await collect(cells, AGAINST_TARGET),
  );
}

async function mixCosts(index: Index): Promise<Question> {
  const cells = index.variants.flatMap((variant) =>
    index.pairs(variant).flatMap((pair): Sides[] => {
      const [mixed, own] = [index.mixed(variant, pair), index.own(variant, pair)];
      if (mixed.length === 0 || mixed.length !== own.length) return [];
      return [{ variant, what: onPair(pair), ours: method(mixed, 'generator'), theirs: method(own, 'generator') }];
    }),
  );
  return summarise(
    {
      id: 'mix',
      question: 'Does one generator for all do as well as one for each?',
      rule: `trained in as many steps on the mix of all, it loses less than ${MARGIN} of Pearson correlation, by the whole 95 % interval, against the one trained on that CNN and data set alone`,
      sides: ['of the mix', 'its own'],
    },
    await collect(cells, ['pearson']),
    ({ difference }) => difference.low > -MARGIN,
  );
}

/** What the target's own map among the conditions gives away. */
async function included(index: Index): Promise<Question> {
  const cells = index.variants.flatMap((variant) =>
    index.pairs(variant).flatMap((pair): Sides[] => {
      const [trial] = index.own(variant, pair, 'included');
      return trial
        ? [{ variant, what: onPair(pair), ours: method([trial], 'linear'), theirs: method([trial], 'generator') }]
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
    await collect(cells, AGAINST_TARGET),
  );
}

/** Each image's first and last relevance, averaged over seeds. */
async function firstAndLast(index: Index): Promise<StudyAnswers['firstAndLast']> {
  const rows: FirstAndLastRow[] = [];
  for (const variant of index.variants) {
    const cells: [string, Trial[]][] = index
      .pairs(variant)
      .flatMap((pair) => [
        [onPair(pair), index.own(variant, pair)] as [string, Trial[]],
        [`mix: ${onPair(pair)}`, index.mixed(variant, pair)] as [string, Trial[]],
      ]);
    for (const [what, trials] of cells) {
      const measured = trials.flatMap(({ relevance }) => (relevance ? [relevance] : []));
      for (const kind of RELEVANCE_KINDS) {
        const tables = measured.flatMap((relevance) => (relevance[kind] ? [relevance[kind]] : []));
        const [one] = tables;
        if (!one) continue;
        const column = (at: number): number[] =>
          one.map((_, i) => tables.reduce((sum, table) => sum + (table[i]?.at(at) ?? 0), 0) / tables.length);
        const { difference, verdict } = await compareFirstAndLast(column(0), column(-1), 0);
        rows.push({ variant, what, kind, seeds: tables.length, difference, verdict });
      }
    }
  }
  const count = (verdict: string): number => rows.filter((row) => row.verdict === verdict).length;
  if (rows.length === 0) return { answer: 'open', text: 'Nothing that answers this was run.', rows };
  const equal = count('equal');
  const answer = equal === rows.length ? 'yes' : equal === 0 ? 'no' : 'mixed';
  const word = { yes: 'Yes', no: 'No', mixed: 'In part' }[answer];
  const text = `${word}: of ${rows.length} cells and ways to ask, the first and the last condition are equal (within ${EQUAL_WITHIN * 100} % of their mean) in ${equal}, the first matters more in ${count('first')}, the last in ${count('last')}, and ${count('unclear')} do not tell.`;
  return { answer, text, rows };
}

/** Sums up what was found, whether or not all of the study is done. */
export async function answerStudy({ cnns, trainings }: Findings): Promise<StudyAnswers> {
  const index = new Index(trainings);
  return {
    cnns: cnns.map(({ pair, result }) => ({ ...pair, ...result })),
    trainings: trainings.map(({ training, result }) => ({
      id: training.id,
      steps: result.steps,
      validationL1: result.validation.at(-1)?.[1] ?? Number.NaN,
      lastQuarter: result.lastQuarter,
      flat: result.flat,
      warnings: result.warnings.length,
    })),
    questions: [
      await agnostic(index, 'without-cnn', 'CNN'),
      await agnostic(index, 'without-data', 'data set'),
      await agnosticBeatsLinear(index),
      await mixCosts(index),
      await beatsLinear(index),
      await beatsGradCam(index),
      await included(index),
    ],
    firstAndLast: await firstAndLast(index),
  };
}
