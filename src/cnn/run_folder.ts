/** The folder of a classifier's training: config.json, metrics.jsonl, checkpoints/step-*, and cnn.safetensors with the best weights. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { CumulensError } from '../errors.js';
import { writeFileAtomic, writeFolderAtomic } from '../files.js';
import type { NativeClassifierTrainer } from '../native.js';
import { readSafetensors, writeSafetensors } from '../safetensors.js';
import type { Tensor } from '../tensor.js';
import type { Cnn } from './cnn.js';
import { checkSameConfig } from './train_options.js';

/** What an epoch measured: one line of metrics.jsonl. */
export interface EpochMetrics {
  epoch: number;
  step: number;
  /** Means over the epoch's augmented batches. */
  trainLoss: number;
  trainAccuracy: number;
  validationLoss: number;
  validationAccuracy: number;
}

/** All that a training needs besides tensors to go on as if it had never stopped. */
export interface TrainState {
  step: number;
  epochs: EpochMetrics[];
  best: { epoch: number; accuracy: number } | null;
  /** Sums over the steps of the epoch under way. */
  loss: number;
  accuracy: number;
}

const CONFIG = 'config.json';
const STATE = 'state.json';
const OPTIMIZER = 'optimizer.safetensors';
const NETWORK = 'cnn.safetensors';

export class TrainFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get best(): string {
    return join(this.path, NETWORK);
  }

  /**
   * Makes a new run's folder, or finds the one to resume.
   * @throws CumulensError ERR_OPTION when a run is there and is not to be resumed, there is none to resume, or its settings differ.
   */
  async open(config: Record<string, unknown>, resume: boolean): Promise<void> {
    const path = join(this.path, CONFIG);
    if (!existsSync(path)) {
      if (resume)
        throw new CumulensError('ERR_OPTION', `${this.path}: there is no run to resume: ${CONFIG} is missing`);
      await mkdir(this.path, { recursive: true }).catch((cause: unknown) => {
        throw new CumulensError('ERR_IO', `${this.path}: cannot make the folder: ${(cause as Error).message}`, {
          cause,
        });
      });
      return writeFileAtomic(path, `${JSON.stringify(config, null, 2)}\n`);
    }
    if (!resume)
      throw new CumulensError(
        'ERR_OPTION',
        `${this.path}: a run is there already: resume it, or choose another folder`,
      );
    checkSameConfig(parseJson(path, await readFile(path, 'utf8')) as Record<string, unknown>, config, this.path);
  }

  /** Puts the newest checkpoint into the network and trainer. @returns its state, or undefined when there is none yet. */
  async restore(cnn: Cnn, trainer: NativeClassifierTrainer): Promise<TrainState | undefined> {
    const [newest] = await this.#checkpoints();
    if (!newest) return undefined;
    const folder = join(this.path, 'checkpoints', newest);
    const state = parseJson(join(folder, STATE), await readFile(join(folder, STATE), 'utf8')) as TrainState;
    const weights = await readSafetensors(join(folder, NETWORK));
    await cnn.loadStateDict(weights.tensors);
    const optimizer = await readSafetensors(join(folder, OPTIMIZER));
    await trainer.loadStateDict(optimizer.tensors);
    disposeAll(weights.tensors);
    disposeAll(optimizer.tensors);
    return state;
  }

  /** Writes a checkpoint and lets go of the older ones. */
  async save(cnn: Cnn, trainer: NativeClassifierTrainer, state: TrainState): Promise<void> {
    const name = `step-${String(state.step).padStart(8, '0')}`;
    await writeFolderAtomic(join(this.path, 'checkpoints', name), async (folder) => {
      await cnn.save(join(folder, NETWORK));
      const tensors: Record<string, Tensor> = await trainer.stateDict();
      try {
        await writeSafetensors(join(folder, OPTIMIZER), tensors);
      } finally {
        disposeAll(tensors);
      }
      await writeFileAtomic(join(folder, STATE), `${JSON.stringify(state)}\n`);
    });
    for (const old of await this.#checkpoints()) {
      if (old !== name) await rm(join(this.path, 'checkpoints', old), { recursive: true, force: true });
    }
  }

  /** Makes metrics.jsonl hold just these epochs. */
  async writeMetrics(epochs: readonly EpochMetrics[]): Promise<void> {
    await writeFileAtomic(
      join(this.path, 'metrics.jsonl'),
      epochs.map((epoch) => `${JSON.stringify(epoch)}\n`).join(''),
    );
  }

  /** Names, newest first. */
  async #checkpoints(): Promise<string[]> {
    const names = await readdir(join(this.path, 'checkpoints')).catch(() => []);
    return names
      .filter((name) => /^step-\d+$/.test(name))
      .sort()
      .reverse();
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CumulensError('ERR_FORMAT', `${path}: not JSON`, { cause });
  }
}

function disposeAll(tensors: Record<string, Tensor>): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}
