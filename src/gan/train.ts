/** Trains a GAN on prepared data: C++ runs the steps, this file orders chunks, files and events. */
import { z } from 'zod';

import { Dataset } from '../data/dataset.js';
import { CumulensError } from '../errors.js';
import { abortError, native, withSignal } from '../native.js';
import { parseOptions } from '../options.js';
import { Run } from '../run.js';
import type { Tensor } from '../tensor.js';
import {
  parseTrainSettings,
  toNativeTrainConfig,
  trainSchema,
  type TrainConfig,
  type TrainSettings,
} from './config.js';
import type { NativeGanTrainer, NativeTrainMetrics } from './contract.js';
import { Generator } from './generator.js';
import { openPreparedData, shownSamples, type PreparedData } from './prepared_data.js';
import { RunFolder } from './run_folder.js';
import { DiscriminatorWatch } from './watch.js';

/** Milliseconds that one native call should take: often enough to be followed, rarely enough to cost nothing. */
const CHUNK_MS = 500;
const MAX_CHUNK = 1000;

const source = z.union([z.string().min(1), z.custom<Dataset>((value) => value instanceof Dataset)], {
  error: 'expected a prepared dataset or its folder',
});
const runSchema = z.looseObject({
  data: z.union([source, z.array(source).min(1)], {
    error: 'expected a prepared dataset or its folder, or a list of them to be mixed',
  }),
  out: z.string().min(1),
  device: z.string().default('auto'),
  resume: z.boolean().default(false),
  signal: z.instanceof(AbortSignal).optional(),
});

/** `data`: a prepared dataset, or its folder, or several to be mixed; `out`: the run's folder. */
export type TrainGanOptions = TrainSettings & z.input<typeof runSchema>;

/** One training step. */
export interface TrainGanEvent extends NativeTrainMetrics {
  /** Steps done, of `steps`. */
  step: number;
  steps: number;
  /** Passes over the data done. */
  epoch: number;
  stepsPerSecond: number;
  /** Set at the step at which the discriminator is found to have stopped teaching. */
  warning?: string;
  /** Mean |G − target| on the validation split after this step, where it was looked at. */
  validationL1?: number;
  /** The picture made after this step. */
  sample?: string;
}

export interface TrainGanResult {
  /** The averaged generator if there is one, else the trained one; the caller disposes of it. */
  generator: Generator;
  /** Its file. */
  path: string;
  steps: number;
  /** Of the whole run, also of before it was resumed. */
  warnings: string[];
}

/**
 * Trains a generator against a discriminator (METHOD §4–6) on a prepared dataset. Aborting it saves a checkpoint and rejects with
 * ERR_ABORTED; `resume: true` goes on to the bytes that an uninterrupted run gives.
 * @returns events of each step to iterate over, and `result`
 * @throws CumulensError ERR_OPTION at once; ERR_IO, ERR_FORMAT, ERR_SHAPE, ERR_ABORTED … through `result`
 */
export function trainGan(options: TrainGanOptions): Run<TrainGanEvent, TrainGanResult> {
  const { data: given, out, device, resume, signal, ...settings } = parseOptions(runSchema, options, 'trainGan');
  parseOptions(trainSchema, settings, 'trainGan');
  return new Run(async (emit) => {
    const place = native.resolveDevice(device);
    const data = await openPreparedData(Array.isArray(given) ? given : [given]);
    try {
      const config = parseTrainSettings(settings, data);
      const folder = new RunFolder(out, config, {
        size: data.size,
        ...(data.conditioning ? { conditioning: data.conditioning } : {}),
      });
      // The folder is claimed last, so that what cannot begin leaves nothing behind.
      const trainer = await native.createGanTrainer(toNativeTrainConfig(config), place, data.train);
      try {
        await using _open = folder;
        await folder.open(data.fingerprint, resume);
        return await new Training(config, data, folder, trainer, signal, emit).run(place);
      } finally {
        await trainer.dispose();
      }
    } finally {
      data.dispose();
    }
  });
}

class Training {
  readonly #config: TrainConfig;
  readonly #data: PreparedData;
  readonly #folder: RunFolder;
  readonly #trainer: NativeGanTrainer;
  readonly #signal: AbortSignal | undefined;
  readonly #emit: (event: TrainGanEvent) => void;
  #warnings: string[] = [];
  #watch = new DiscriminatorWatch();
  #step = 0;
  #stepsPerSecond = 0;

  constructor(
    config: TrainConfig,
    data: PreparedData,
    folder: RunFolder,
    trainer: NativeGanTrainer,
    signal: AbortSignal | undefined,
    emit: (event: TrainGanEvent) => void,
  ) {
    this.#config = config;
    this.#data = data;
    this.#folder = folder;
    this.#trainer = trainer;
    this.#signal = signal;
    this.#emit = emit;
  }

  async run(device: string): Promise<TrainGanResult> {
    const state = await this.#folder.restore(this.#trainer);
    this.#step = state?.step ?? 0;
    this.#watch = new DiscriminatorWatch(state?.watch);
    this.#warnings = state?.warnings ?? [];
    const { steps, checkpointEvery, sampleEvery, validateEvery } = this.#config;
    while (this.#step < steps) {
      const pauses = [checkpointEvery, sampleEvery, ...(validateEvery > 0 ? [validateEvery] : [])];
      const events = await this.#chunk(Math.min(steps, ...pauses.map((every) => this.#next(every))));
      const done = this.#step === steps;
      const aborted = this.#signal?.aborted ?? false;
      const last = events.at(-1);
      if (last && (done || this.#step % sampleEvery === 0)) last.sample = await this.#picture();
      const due = done || aborted || this.#step % checkpointEvery === 0;
      if (due && this.#step > 0) await this.#save();
      for (const event of events) this.#emit(event);
      if (aborted && !done) throw abortError(this.#signal as AbortSignal);
    }
    // Also where the last checkpoint was there already: a kill may have come between the two.
    await this.#folder.writeGenerator(this.#trainer);
    const generator = await Generator.load(this.#folder.generator, { device });
    return { generator, path: this.#folder.generator, steps, warnings: this.#warnings };
  }

  /** The next step that is a multiple of `every`. */
  #next(every: number): number {
    return (Math.floor(this.#step / every) + 1) * every;
  }

  /** Some steps, at most to `end`. */
  async #chunk(end: number): Promise<TrainGanEvent[]> {
    if (this.#signal?.aborted) return [];
    const planned = Math.max(
      1,
      Math.min(MAX_CHUNK, Math.round((this.#stepsPerSecond * CHUNK_MS) / 1000), end - this.#step),
    );
    const begin = performance.now();
    const run = withSignal(this.#signal, (call) => this.#trainer.run(Math.min(planned, end - this.#step), call));
    // Aborted before it began, it has no step to tell of; what was done before is to be saved all the same.
    const rows = await run.catch((error: unknown) => {
      if (error instanceof CumulensError && error.code === 'ERR_ABORTED') return [];
      throw error;
    });
    if (rows.length > 0) this.#stepsPerSecond = (1000 * rows.length) / (performance.now() - begin);
    const events = rows.map((metrics) => this.#eventOf(metrics));
    await this.#validate(events.at(-1));
    await this.#folder.appendMetrics(events.map(({ stepsPerSecond: _rate, steps: _steps, ...line }) => line));
    return events;
  }

  /** Not given up when the run is aborted: the step is done, and its line in the metrics must not depend on when that was. */
  async #validate(last: TrainGanEvent | undefined): Promise<void> {
    const { steps, validateEvery } = this.#config;
    if (!last || validateEvery === 0 || (this.#step % validateEvery !== 0 && this.#step !== steps)) return;
    last.validationL1 = await this.#trainer.validate(this.#data.validation);
  }

  #eventOf(metrics: NativeTrainMetrics): TrainGanEvent {
    this.#step += 1;
    if (!Number.isFinite(metrics.generatorLoss)) {
      throw new CumulensError(
        'ERR_INTERNAL',
        `trainGan: the loss at step ${this.#step} is ${metrics.generatorLoss}: the learning rate may be too high`,
      );
    }
    const warning = this.#watch.see(metrics);
    if (warning) this.#warnings.push(`step ${this.#step}: ${warning}`);
    const epoch = Math.floor((this.#step * this.#config.batchSize) / this.#data.count);
    const place = { step: this.#step, steps: this.#config.steps, epoch, stepsPerSecond: this.#stepsPerSecond };
    return { ...place, ...metrics, ...(warning ? { warning } : {}) };
  }

  #save(): Promise<void> {
    return this.#folder.save(this.#trainer, {
      step: this.#step,
      watch: this.#watch.state,
      warnings: this.#warnings,
    });
  }

  async #picture(): Promise<string> {
    const { image, conditions, target } = await shownSamples(this.#data, this.#config.samples);
    const grid = await this.#trainer.sampleGrid(image as Tensor, conditions as Tensor, target as Tensor);
    try {
      return await this.#folder.writeSample(this.#step, grid);
    } finally {
      for (const tensor of [image, conditions, target, grid]) tensor?.dispose();
    }
  }
}
