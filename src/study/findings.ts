/** All that a study's folder has found so far, ready to be summed up. */
import type { CnnResult } from './artifacts.js';
import { faithfulnessParts } from './faithfulness.js';
import type { StudyFolder } from './folder.js';
import type { StudyConfig } from './options.js';
import { pairName, type Pair, type Training } from './plan.js';
import type { RelevanceRows } from './relevance.js';
import { sourceName, triedOn, type MethodRows } from './scoring.js';
import type { TrainingResult } from './training.js';

/** One generator on one pair: every method's scores, image by image. */
export interface Trial {
  pair: Pair;
  /** The generator's. */
  seed: number;
  /** The generator and what needs none, against the target and within the mask. */
  scores: MethodRows;
  /** On the CNN itself: the generator, Grad-CAM and the baselines. */
  faithfulness?: MethodRows;
  relevance?: RelevanceRows;
}

export interface Finding {
  training: Training;
  result: TrainingResult;
  trials: Trial[];
  /** Whether nothing is missing: a headline cell also has its two looks in depth. */
  whole: boolean;
}

export interface Findings {
  config: StudyConfig;
  cnns: { pair: Pair; result: CnnResult }[];
  /** Of the trainings that have all their scores. */
  trainings: Finding[];
}

async function readTrial(folder: StudyFolder, training: Training, pair: Pair): Promise<Trial | undefined> {
  const name = triedOn(training.id, pair);
  const own = await folder.read<MethodRows>('scores', name);
  const baselines = await folder.read<MethodRows>('baselines', triedOn(sourceName(training), pair));
  if (!own || !baselines) return undefined;
  const parts = await Promise.all(
    faithfulnessParts(training, pair).map((part) => folder.read<MethodRows>('faithfulness', part)),
  );
  const faithfulness = parts.every((part) => part !== undefined)
    ? (Object.assign({}, ...parts) as MethodRows)
    : undefined;
  const relevance = await folder.read<RelevanceRows>('relevance', name);
  return {
    pair,
    seed: training.seed,
    scores: { ...baselines, ...own },
    ...(faithfulness ? { faithfulness } : {}),
    ...(relevance ? { relevance } : {}),
  };
}

export async function readFindings(
  folder: StudyFolder,
  plan: readonly Training[],
  config: StudyConfig,
): Promise<Findings> {
  const trainings: Finding[] = [];
  for (const training of plan) {
    const result = await folder.read<TrainingResult>('trainings', training.id);
    if (!result) continue;
    const trials = await Promise.all(training.tests.map((pair) => readTrial(folder, training, pair)));
    const scored = trials.filter((trial) => trial !== undefined);
    if (scored.length < trials.length) continue;
    const looks = scored.filter(({ faithfulness, relevance: weights }) => faithfulness && weights).length;
    const whole = !training.headline || looks === training.sources.length;
    trainings.push({ training, result, trials: scored, whole });
  }
  const pairs = config.cnns.flatMap(({ name: cnn }) => config.data.map(({ name: data }) => ({ cnn, data })));
  const cnns: Findings['cnns'] = [];
  for (const pair of pairs) {
    const result = await folder.read<CnnResult>('cnns', pairName(pair));
    if (result) cnns.push({ pair, result });
  }
  return { config, cnns, trainings };
}
