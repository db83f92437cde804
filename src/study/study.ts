/** The paper's study, end to end: which generators work on which CNNs and data, in parts that can be stopped at any time. */
import { CumulensError } from '../errors.js';
import { native } from '../native.js';
import { Artifacts, type Report } from './artifacts.js';
import { checkStudy } from './check.js';
import { Claims } from './claims.js';
import { scoreFaithfulness } from './faithfulness.js';
import { StudyFolder } from './folder.js';
import { parseStudyOptions, recordedSettings, type StudyConfig, type StudyOptions } from './options.js';
import type { Training } from './plan.js';
import { measureRelevance } from './relevance.js';
import { planOf, sumUp, type StudyResult } from './results.js';
import { scoreBaselines, scoreGenerator } from './scoring.js';
import { trainGenerator } from './training.js';

/** Everything about one training: it, its scores on every pair it is tried on, and for a headline cell the two looks in depth. */
async function runTraining(training: Training, artifacts: Artifacts, report: Report): Promise<void> {
  const file = await trainGenerator(training, artifacts, report);
  for (const pair of training.tests) {
    await scoreBaselines(training, pair, artifacts, report);
    await scoreGenerator(file, training, pair, artifacts, report);
  }
  if (!training.headline) return;
  for (const pair of training.sources) {
    await measureRelevance(file, training, pair, artifacts, report);
    await scoreFaithfulness(file, training, pair, artifacts, report);
  }
}

/** A signal that also fires when the time is up. */
function deadlineOf({ minutes, signal }: StudyConfig): { signal: AbortSignal; timeIsUp: () => boolean } {
  const deadline = minutes === undefined ? undefined : AbortSignal.timeout(Math.ceil(minutes * 60_000));
  const all = [signal, deadline].filter((one) => one !== undefined);
  return { signal: AbortSignal.any(all), timeIsUp: () => deadline?.aborted === true && !signal?.aborted };
}

/** Runs what other processes are not at, then waits for them, until the time is up. */
async function runAll(plan: readonly Training[], folder: StudyFolder, config: StudyConfig): Promise<void> {
  const claims = new Claims(folder.claims);
  const { signal, timeIsUp } = deadlineOf(config);
  const artifacts = new Artifacts(config, folder, claims, signal);
  try {
    const begin = (training: Training): Report =>
      config.onStep?.(training.id, plan.indexOf(training), plan.length) ?? (() => undefined);
    const others: Training[] = [];
    for (const training of plan) {
      const done = await claims.ifFree(training.id, () => runTraining(training, artifacts, begin(training)));
      if (!done) others.push(training);
    }
    // Done by now, or given up by a process that has died: a process ends when nothing is left.
    for (const training of others) {
      const report = begin(training);
      report(0, 0, 'another process is at it');
      await claims.alone(training.id, artifacts.signal, () => runTraining(training, artifacts, report));
    }
  } catch (error) {
    if (!(error instanceof CumulensError) || error.code !== 'ERR_ABORTED' || !timeIsUp()) throw error;
  }
}

/**
 * Runs the study, or goes on with one: what is done is not done again. Several processes may work on one folder, on other cores, GPUs or
 * machines that share it, by a file system whose locks they share: each takes what no other is at. Where `minutes` is given it stops in
 * time, whole, and says what it has found so far.
 * @throws CumulensError ERR_OPTION when `out` holds something else, ERR_ABORTED, or what a part throws
 */
export async function study(options: StudyOptions): Promise<StudyResult> {
  const config = { ...parseStudyOptions(options), device: native.resolveDevice(options.device ?? 'auto') };
  checkStudy(config);
  const folder = new StudyFolder(config.out);
  await folder.open(recordedSettings(config));
  await runAll(planOf(config), folder, config);
  return sumUp(config);
}
