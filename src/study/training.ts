/** Trains one generator of a study, and says whether its validation error had come to rest. */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { trainGan } from '../gan/train.js';
import type { Artifacts, Report } from './artifacts.js';
import type { Training } from './plan.js';

/** How a generator's training went. */
export interface TrainingResult {
  steps: number;
  parameters: number;
  /** [step, mean |G − target| on the validation split] */
  validation: [number, number][];
  warnings: string[];
}

/** A validation error that changes by less than this over the last quarter of the training counts as at rest. */
export const REST = 0.03;

/** The relative fall of the error over the last quarter; undefined where there are too few looks at it. */
export function fallOfLastQuarter(validation: readonly (readonly [number, number])[]): number | undefined {
  const last = validation.at(-1);
  const before = last && validation.filter(([step]) => step <= 0.75 * last[0]).at(-1);
  return before && (before[1] - last[1]) / before[1];
}

/** @returns the generator's file */
export async function trainGenerator(training: Training, artifacts: Artifacts, report: Report): Promise<string> {
  const { config, folder, signal } = artifacts;
  const { id, variant, sources, target, seed } = training;
  const out = folder.run(id);
  const file = join(out, 'generator.safetensors');
  if (folder.has('trainings', id) && existsSync(file)) return file;
  const data: string[] = [];
  for (const pair of sources) data.push(await artifacts.prepared(pair, target, report));
  const run = trainGan({
    ...config[variant],
    variant,
    data,
    out,
    seed,
    device: config.device,
    resume: existsSync(join(out, 'config.json')),
    signal,
  });
  for await (const event of run) report(event.step, event.steps, `L1 ${event.l1.toFixed(3)}`);
  const { generator, path, steps, warnings } = await run.result;
  const validation = await readValidation(join(out, 'metrics.jsonl'));
  const result: TrainingResult = {
    steps,
    parameters: generator.parameterCount,
    validation,
    warnings,
  };
  generator.dispose();
  await rm(join(out, 'checkpoints'), { recursive: true, force: true });
  await folder.write('trainings', id, result);
  return path;
}

/** From the run's own record, which also tells of steps before it was interrupted. */
async function readValidation(path: string): Promise<[number, number][]> {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return lines.flatMap((line) => {
    const { step, validationL1 } = JSON.parse(line) as { step: number; validationL1?: number };
    return validationL1 === undefined ? [] : [[step, validationL1] as [number, number]];
  });
}
