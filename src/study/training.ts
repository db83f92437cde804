/** Trains one generator of a study until its validation error has come to rest, or the study's patience is at its end. */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { readJson, writeFileAtomic } from '../files.js';
import type { TrainSettings } from '../gan/config.js';
import { GENERATOR_FILE } from '../gan/run_folder.js';
import { trainGan } from '../gan/train.js';
import { abortError } from '../native.js';
import type { Artifacts, Report } from './artifacts.js';
import { trainedBy } from './options.js';
import type { Training } from './plan.js';

/** How a generator's training went. */
export interface TrainingResult {
  steps: number;
  parameters: number;
  /** [step, mean |G − target| on the validation split] */
  validation: [number, number][];
  warnings: string[];
  /** Times that it was trained anew, for twice the steps. */
  lengthened: number;
}

/** A validation error that changes by less than this part of it over the last quarter of the training counts as at rest. */
export const REST = 0.03;

/**
 * So does one that changes by less than this: maps are kept as bytes, and rounding to them errs by as much on average. An error that goes
 * towards 0 by a power of the steps falls by the same part of it for ever, long after anything of it could be seen.
 */
export const ROUNDING = 1 / (4 * 255);

type Validation = readonly (readonly [number, number])[];

/** The error at three quarters of the training and at its end; undefined where there are too few looks at it. */
export function lastQuarter(validation: Validation): [before: number, last: number] | undefined {
  const last = validation.at(-1);
  const before = last && validation.filter(([step]) => step <= 0.75 * last[0]).at(-1);
  return before && [before[1], last[1]];
}

/** Undefined where there are too few looks to tell. */
export function isAtRest(validation: Validation): boolean | undefined {
  const quarter = lastQuarter(validation);
  if (!quarter) return undefined;
  const [before, last] = quarter;
  return Math.abs(before - last) < Math.max(REST * before, ROUNDING);
}

/**
 * Trains a generator, and trains it anew for twice the steps, at most `lengthen` times, while its error has not come to rest. Anew, since
 * learning rates fall over a whole training.
 * @returns the generator's file
 */
export async function trainGenerator(training: Training, artifacts: Artifacts, report: Report): Promise<string> {
  const { config, folder } = artifacts;
  const { id, variant, target } = training;
  const done = await folder.read<TrainingResult>('trainings', id);
  const finished = done && generatorOf(folder.run(id, done.lengthened));
  if (finished && existsSync(finished)) return finished;
  let length: TrainSettings = config[trainedBy(variant, target)];
  for (let lengthened = 0; ; lengthened++) {
    const out = folder.run(id, lengthened);
    const result = await attempt(training, length, out, artifacts, report);
    if (lengthened === config.lengthen || isAtRest(result.validation) !== false) {
      await folder.write('trainings', id, { ...result, lengthened });
      return generatorOf(out);
    }
    length = doubled(length, result.steps);
  }
}

/** The settings of a training of twice the steps; a warm-up stays as long as it was. */
export function doubled({ epochs: _epochs, ...settings }: TrainSettings, steps: number): TrainSettings {
  return { ...settings, steps: 2 * steps };
}

const generatorOf = (run: string): string => join(run, GENERATOR_FILE);
const recordOf = (run: string): string => join(run, 'attempt.json');

type Attempt = Omit<TrainingResult, 'lengthened'>;

/** One training from its beginning to its end, in a folder of its own; what is done is read from there. */
async function attempt(
  { variant, sources, target, seed }: Training,
  settings: TrainSettings,
  out: string,
  artifacts: Artifacts,
  report: Report,
): Promise<Attempt> {
  const checkpoints = join(out, 'checkpoints');
  if (existsSync(recordOf(out)) && existsSync(generatorOf(out))) {
    await rm(checkpoints, { recursive: true, force: true });
    return (await readJson(recordOf(out))) as Attempt;
  }
  if (artifacts.signal.aborted) throw abortError(artifacts.signal);
  const data: string[] = [];
  for (const pair of sources) data.push(await artifacts.prepared(pair, target, report));
  const { device } = artifacts.config;
  const resume = existsSync(join(out, 'config.json'));
  const run = trainGan({ ...settings, variant, data, out, seed, device, resume, signal: artifacts.signal });
  for await (const event of run) report(event.step, event.steps, `L1 ${event.l1.toFixed(3)}`);
  const { generator, steps, warnings } = await run.result;
  const validation = await readValidation(join(out, 'metrics.jsonl'));
  const result: Attempt = { steps, parameters: generator.parameterCount, validation, warnings };
  generator.dispose();
  await writeFileAtomic(recordOf(out), `${JSON.stringify(result)}\n`);
  await rm(checkpoints, { recursive: true, force: true });
  return result;
}

/** From the run's own record, which also tells of steps before it was interrupted. */
async function readValidation(path: string): Promise<[number, number][]> {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return lines.flatMap((line) => {
    const { step, validationL1 } = JSON.parse(line) as { step: number; validationL1?: number };
    return validationL1 === undefined ? [] : [[step, validationL1] as [number, number]];
  });
}
