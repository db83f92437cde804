/** The folder of a classifier's training: config.json, metrics.jsonl, checkpoints/step-*, and cnn.safetensors with the best weights. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { readJson, writeFileAtomic, writeFolderAtomic } from '../files.js';
import type { NativeClassifierTrainer } from '../native.js';
import { checkpointFolder, checkpointNames, claimRunFolder, STATE_FILE, stepName } from '../run_folder.js';
import { readSafetensors, writeSafetensors } from '../safetensors.js';
import { disposeAll, type Tensor } from '../tensor.js';
import type { Cnn } from './cnn.js';

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
   * @throws CumulensError ERR_OPTION when a run is there and is not to be resumed, there is none to resume, or its settings differ;
   * ERR_IO when another process is at work in it.
   * @returns what keeps others out, until it is disposed of
   */
  async open(config: Record<string, unknown>, resume: boolean): Promise<Disposable> {
    return claimRunFolder(this.path, config, resume);
  }

  /** Puts the newest checkpoint into the network and trainer. @returns its state, or undefined when there is none yet. */
  async restore(cnn: Cnn, trainer: NativeClassifierTrainer): Promise<TrainState | undefined> {
    const [newest] = await checkpointNames(this.path);
    if (!newest) return undefined;
    const folder = checkpointFolder(this.path, newest);
    const state = (await readJson(join(folder, STATE_FILE))) as TrainState;
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
    const name = stepName(state.step);
    await writeFolderAtomic(checkpointFolder(this.path, name), async (folder) => {
      await cnn.save(join(folder, NETWORK));
      const tensors: Record<string, Tensor> = await trainer.stateDict();
      try {
        await writeSafetensors(join(folder, OPTIMIZER), tensors);
      } finally {
        disposeAll(tensors);
      }
      await writeFileAtomic(join(folder, STATE_FILE), `${JSON.stringify(state)}\n`);
    });
    for (const old of await checkpointNames(this.path)) {
      if (old !== name) await rm(checkpointFolder(this.path, old), { recursive: true, force: true });
    }
  }

  /** Makes metrics.jsonl hold just these epochs. */
  async writeMetrics(epochs: readonly EpochMetrics[]): Promise<void> {
    await writeFileAtomic(
      join(this.path, 'metrics.jsonl'),
      epochs.map((epoch) => `${JSON.stringify(epoch)}\n`).join(''),
    );
  }
}
