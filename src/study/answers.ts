/** What a study has found, as questions and answers: each with its rule, its counts and every contrast it rests on. */
import type { FirstAndLast, RelevanceKind } from '../evaluate/relevance_summary.js';
import type { Answer } from './answer.js';
import type { Comparison } from './comparison.js';
import { FindingIndex } from './finding_index.js';
import type { Findings } from './findings.js';
import { firstAndLast } from './first_and_last.js';
import { answerQuestions } from './questions.js';
import { isAtRest, lastQuarter, type TrainingResult } from './training.js';

/** Its answer rests on `contrasts`: ours against theirs. */
export interface Question extends Comparison {
  id: string;
  question: string;
  /** When a cell counts as a yes. */
  rule: string;
  answer: Answer;
  /** The answer in words, with its counts. */
  text: string;
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
    /** Times that it was trained anew, for twice the steps. */
    lengthened: number;
    validationL1: number;
    /** By how much the error fell in the last quarter of the steps, relative to what it was; null: it was looked at too seldom. */
    lastQuarter: number | null;
    /** The same fall as it is, in the maps' range of 0 to 1. */
    lastQuarterBy: number | null;
    /** Whether that is within ±REST of what it was, or within ±ROUNDING. */
    atRest: boolean | null;
    warnings: number;
  }[];
  questions: Question[];
  firstAndLast: { text: string; answer: Answer; rows: FirstAndLastRow[] };
}

type Rest = Pick<StudyAnswers['trainings'][number], 'lastQuarter' | 'lastQuarterBy' | 'atRest'>;

function restOf({ validation }: TrainingResult): Rest {
  const quarter = lastQuarter(validation);
  if (!quarter) return { lastQuarter: null, lastQuarterBy: null, atRest: null };
  const [before, last] = quarter;
  const fall = before - last;
  return { lastQuarter: fall / before, lastQuarterBy: fall, atRest: isAtRest(validation) ?? null };
}

/** Sums up what was found, whether or not all of the study is done. */
export async function answerStudy({ cnns, trainings }: Findings): Promise<StudyAnswers> {
  const index = new FindingIndex(trainings);
  return {
    cnns: cnns.map(({ pair, result }) => ({ ...pair, ...result })),
    trainings: trainings.map(({ training, result }) => ({
      id: training.id,
      steps: result.steps,
      lengthened: result.lengthened,
      validationL1: result.validation.at(-1)?.[1] ?? Number.NaN,
      ...restOf(result),
      warnings: result.warnings.length,
    })),
    questions: await answerQuestions(index),
    firstAndLast: await firstAndLast(index),
  };
}
