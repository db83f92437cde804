/**
 * The folder of a GAN's training: config.json, metrics.jsonl, samples/step-*.png, checkpoints/step-*, and generator.safetensors once it
 * is done. Nothing in it depends on the time or on where it was interrupted.
 */
import { existsSync, statSync } from 'node:fs';
import { open, rm, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import sharp from 'sharp';
import { z } from 'zod';

import { CumulensError } from '../errors.js';
import { makeFolder, readJson, writeFileAtomic, writeFolderAtomic } from '../files.js';
import { parseOptions } from '../options.js';
import { checkpointFolder, checkpointNames, claimRunFolder, STATE_FILE, stepName } from '../run_folder.js';
import { readSafetensors, writeSafetensors } from '../safetensors.js';
import { disposeAll, type Tensor } from '../tensor.js';
import type { TrainConfig } from './config.js';
import type { NativeGanTrainer, NativeTrainState } from './contract.js';
import { writeGenerator, type GeneratorOrigin } from './generator.js';

const METRICS = 'metrics.jsonl';

/** In a run's folder once it is done, and in each of its checkpoints. */
export const GENERATOR_FILE = 'generator.safetensors';

/** The generator's file of a path that may be a run's folder. @throws CumulensError ERR_IO saying what is there instead */
export async function generatorFile(path: string): Promise<string> {
  if (!existsSync(path)) throw new CumulensError('ERR_IO', `${path}: there is no such generator file or run folder`);
  if (!statSync(path).isDirectory()) return path;
  const file = join(path, GENERATOR_FILE);
  if (existsSync(file)) return file;
  const [newest] = await checkpointNames(path);
  const hint = newest
    ? `: the training is not finished; its newest checkpoint is ${join(checkpointFolder(path, newest), GENERATOR_FILE)}`
    : '';
  throw new CumulensError('ERR_IO', `${path}: has no ${GENERATOR_FILE}${hint}`);
}

const stateSchema = z.strictObject({
  step: z.number().int().nonnegative(),
  /** Length of metrics.jsonl at this step. */
  metricsBytes: z.number().int().nonnegative(),
  watch: z.strictObject({ chance: z.number(), perfect: z.number(), vanished: z.boolean() }),
  /** All that the watch has told so far. */
  warnings: z.array(z.string()),
});
/** All that a training needs besides tensors to go on as if it had never stopped. */
export type TrainState = z.output<typeof stateSchema>;

const stepOf = (name: string): number => Number(name.slice('step-'.length));

type Tensors = Record<string, Tensor>;

export class RunFolder {
  readonly path: string;
  readonly #config: TrainConfig;
  readonly #origin: GeneratorOrigin;
  #metrics?: FileHandle;
  #held?: Disposable;

  constructor(path: string, config: TrainConfig, origin: GeneratorOrigin) {
    this.path = path;
    this.#config = config;
    this.#origin = origin;
  }

  get generator(): string {
    return join(this.path, GENERATOR_FILE);
  }

  /**
   * Makes a new run's folder, or finds the one to resume.
   * @throws CumulensError ERR_OPTION when a run is there and is not to be resumed, there is none to resume, or its settings differ;
   * ERR_IO when another process is at work in it.
   */
  async open(data: string, resume: boolean): Promise<void> {
    this.#held = await claimRunFolder(this.path, { format: 'cumulens.train/1', data, ...this.#config }, resume);
    for (const folder of ['samples', 'checkpoints']) await makeFolder(join(this.path, folder));
  }

  /** Puts the newest checkpoint into the trainer, and cuts what the metrics tell of later steps. @returns its state; undefined: start. */
  async restore(trainer: NativeGanTrainer): Promise<TrainState | undefined> {
    const [newest] = await checkpointNames(this.path);
    const metrics = join(this.path, METRICS);
    if (newest === undefined) {
      await rm(metrics, { force: true });
      return undefined;
    }
    const folder = checkpointFolder(this.path, newest);
    const state = parseOptions(stateSchema, await readJson(join(folder, STATE_FILE)), folder, 'ERR_FORMAT');
    const parts: Record<string, Tensors> = {};
    for (const name of ['generator', 'discriminator', 'optimizer', ...(this.#config.emaDecay > 0 ? ['ema'] : [])]) {
      parts[name] = (await readSafetensors(join(folder, `${name}.safetensors`))).tensors;
    }
    await trainer.restore(state.step, parts as unknown as NativeTrainState);
    Object.values(parts).forEach(disposeAll);
    await truncate(metrics, state.metricsBytes).catch((cause: unknown) => {
      throw new CumulensError(
        'ERR_IO',
        `${metrics}: cannot cut to ${state.metricsBytes} bytes: ${(cause as Error).message}`,
        { cause },
      );
    });
    return state;
  }

  /** Adds lines to metrics.jsonl; on the disk once `save` has returned. */
  async appendMetrics(lines: readonly object[]): Promise<void> {
    const file = await this.#openMetrics();
    await file.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  async #openMetrics(): Promise<FileHandle> {
    return (this.#metrics ??= await open(join(this.path, METRICS), 'a'));
  }

  /** Writes a checkpoint, then lets go of the checkpoints that are no longer kept. */
  async save(trainer: NativeGanTrainer, state: Omit<TrainState, 'metricsBytes'>): Promise<void> {
    const metrics = await this.#openMetrics();
    await metrics.sync();
    const { size: metricsBytes } = await metrics.stat();
    const name = stepName(state.step);
    const parts = (await trainer.state()) as unknown as Record<string, Tensors>;
    await writeFolderAtomic(checkpointFolder(this.path, name), async (folder) => {
      for (const [part, tensors] of Object.entries(parts)) {
        const path = join(folder, `${part}.safetensors`);
        await (part === 'generator' || part === 'ema'
          ? this.#writeGenerator(path, tensors)
          : writeSafetensors(path, tensors));
      }
      await writeFileAtomic(join(folder, STATE_FILE), `${JSON.stringify({ ...state, metricsBytes })}\n`);
    });
    Object.values(parts).forEach(disposeAll);
    await this.#prune(state.step);
  }

  /** Writes the run's generator: the averaged one if there is one. */
  async writeGenerator(trainer: NativeGanTrainer): Promise<void> {
    const parts = (await trainer.state()) as unknown as Record<string, Tensors>;
    await this.#writeGenerator(this.generator, (parts.ema ?? parts.generator) as Tensors);
    Object.values(parts).forEach(disposeAll);
  }

  #writeGenerator(path: string, tensors: Tensors): Promise<void> {
    const { variant, conditions, blocks, width, conditionWidth, conditionFeatures, outputChannels } = this.#config;
    const config = { variant, conditions, blocks, width, conditionWidth, conditionFeatures, outputChannels };
    return writeGenerator(path, config, tensors, this.#origin);
  }

  /** Keeps the newest regular checkpoints, and the newest of all even if an abort made it. */
  async #prune(newest: number): Promise<void> {
    const { checkpointEvery, steps, keepCheckpoints } = this.#config;
    const names = await checkpointNames(this.path);
    const regular = names.filter((name) => stepOf(name) % checkpointEvery === 0 || stepOf(name) === steps);
    const kept = new Set([stepName(newest), ...regular.slice(0, keepCheckpoints)]);
    for (const name of names) {
      if (!kept.has(name)) await rm(checkpointFolder(this.path, name), { recursive: true, force: true });
    }
  }

  /** Writes the picture of a step. @param grid uint8 RGB [H, W, 3] */
  async writeSample(step: number, grid: Tensor): Promise<string> {
    const [height = 0, width = 0] = grid.shape;
    const pixels = (await grid.data()) as Uint8Array;
    const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const path = join(this.path, 'samples', `${stepName(step)}.png`);
    await writeFileAtomic(path, png);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    using _held = this.#held;
    await this.#metrics?.close();
  }
}
