/** Trains a classifier on prepared images: C++ runs the steps, this file orders epochs, files and events. */
import { CumulensError } from '../errors.js';
import { abortError, native, withSignal, type NativeClassifierTrainer } from '../native.js';
import { parseOptions } from '../options.js';
import { Run } from '../run.js';
import { Cnn } from './cnn.js';
import { TrainFolder, type EpochMetrics, type TrainState } from './run_folder.js';
import { startNetwork, type StartingNetwork } from './starting_network.js';
import { openTrainingData, type TrainingData, type TrainingSplit } from './training_data.js';
import { recipeOf, trainSchema, type ParsedTrainOptions, type Recipe, type TrainCnnOptions } from './train_options.js';

/** Steps between two events; the cancel token is looked at each step. */
const CHUNK = 10;
const EVALUATION_BATCH = 128;

export type TrainCnnEvent =
  | { type: 'note'; text: string }
  | { type: 'step'; epoch: number; step: number; totalSteps: number; loss: number; accuracy: number }
  | ({ type: 'epoch'; totalSteps: number; best: boolean } & EpochMetrics);

export interface TrainCnnResult {
  /** With the weights of the best epoch; the caller disposes of it. */
  cnn: Cnn;
  /** Its file. */
  path: string;
  /** What `init` had not for it, a line each. */
  notes: readonly string[];
  epochs: EpochMetrics[];
  best: { epoch: number; accuracy: number };
  /** On the test split, of the best weights; absent where the data has none. */
  test?: { loss: number; accuracy: number; count: number };
}

/**
 * Trains a classifier on a dataset directory of images and keeps the weights with the best validation accuracy. Aborting it saves a
 * checkpoint and rejects with ERR_ABORTED; with `resume: true` the same call goes on to the same bytes.
 * @param options `data` (a dataset directory), `out` (the run's folder), `arch` or `spec`, `init` (weights to begin with), `freeze` (layers that
 *   stay as they are), and the recipe
 * @throws CumulensError through the run's `result`
 */
export function trainCnn(options: TrainCnnOptions): Run<TrainCnnEvent, TrainCnnResult> {
  const parsed = parseOptions(trainSchema, options, 'trainCnn');
  return new Run(async (emit) => {
    const device = native.resolveDevice(parsed.device);
    const data = await openTrainingData(parsed.data, parsed.validation, parsed.seed);
    try {
      return await trainOn(data, { ...parsed, device }, emit);
    } finally {
      data.dispose();
    }
  });
}

/** Claims the run's folder once the network is made: a run that cannot begin leaves nothing behind. */
async function trainOn(
  data: TrainingData,
  options: ParsedTrainOptions,
  emit: (event: TrainCnnEvent) => void,
): Promise<TrainCnnResult> {
  const { out, resume, signal } = options;
  const start = await startNetwork(options, data);
  try {
    const folder = new TrainFolder(out);
    const { spec } = start.cnn;
    const recipe = recipeOf(options, spec);
    const config = { format: 'cumulens.train-cnn/1', spec, data: data.fingerprint, ...start.config, ...recipe };
    using _held = await folder.open(config, resume);
    for (const text of start.notes) emit({ type: 'note', text });
    return await new Training(start, data, recipe, folder, signal, emit).run();
  } finally {
    start.cnn.dispose();
  }
}

class Training {
  readonly #cnn: Cnn;
  readonly #start: StartingNetwork;
  readonly #data: TrainingData;
  readonly #recipe: Recipe;
  readonly #folder: TrainFolder;
  readonly #signal: AbortSignal | undefined;
  readonly #emit: (event: TrainCnnEvent) => void;
  #state: TrainState = { step: 0, epochs: [], best: null, loss: 0, accuracy: 0 };

  constructor(
    start: StartingNetwork,
    data: TrainingData,
    recipe: Recipe,
    folder: TrainFolder,
    signal: AbortSignal | undefined,
    emit: (event: TrainCnnEvent) => void,
  ) {
    this.#cnn = start.cnn;
    this.#start = start;
    this.#data = data;
    this.#recipe = recipe;
    this.#folder = folder;
    this.#signal = signal;
    this.#emit = emit;
  }

  async run(): Promise<TrainCnnResult> {
    const { train } = this.#data;
    const perEpoch = Math.max(1, Math.floor(train.count / Math.min(this.#recipe.batchSize, train.count)));
    const totalSteps = perEpoch * this.#recipe.epochs;
    const trainer = await this.#createTrainer(train, totalSteps, Math.round(perEpoch * this.#recipe.warmupEpochs));
    try {
      this.#state = (await this.#folder.restore(this.#cnn, trainer)) ?? this.#state;
      await this.#folder.writeMetrics(this.#state.epochs);
      while (this.#state.epochs.length < this.#recipe.epochs && !this.#stopsEarly())
        await this.#trainEpoch(trainer, perEpoch, totalSteps);
    } finally {
      trainer.dispose();
    }
    return this.#finish();
  }

  #createTrainer(train: TrainingSplit, totalSteps: number, warmupSteps: number): Promise<NativeClassifierTrainer> {
    const {
      epochs: _epochs,
      warmupEpochs: _warmup,
      validation: _validation,
      patience: _patience,
      ...rest
    } = this.#recipe;
    return native.createClassifierTrainer(this.#cnn.native, train.shards, train.samples, {
      ...rest,
      frozen: this.#start.frozen,
      totalSteps,
      warmupSteps,
    });
  }

  #stopsEarly(): boolean {
    const { best, epochs } = this.#state;
    return this.#recipe.patience > 0 && best !== null && epochs.length - best.epoch >= this.#recipe.patience;
  }

  /** From wherever the state is to the end of its epoch, which may have no step left: its validation was interrupted. */
  async #trainEpoch(trainer: NativeClassifierTrainer, perEpoch: number, totalSteps: number): Promise<void> {
    const epoch = this.#state.epochs.length + 1;
    try {
      while (this.#state.step < epoch * perEpoch)
        await this.#trainChunk(trainer, epoch, Math.min(CHUNK, epoch * perEpoch - this.#state.step), totalSteps);
      await this.#endEpoch(epoch, perEpoch, totalSteps);
    } catch (error) {
      if (error instanceof CumulensError && error.code === 'ERR_ABORTED')
        await this.#folder.save(this.#cnn, trainer, this.#state);
      throw error;
    }
    await this.#folder.save(this.#cnn, trainer, this.#state);
  }

  async #trainChunk(trainer: NativeClassifierTrainer, epoch: number, steps: number, totalSteps: number): Promise<void> {
    const { loss, accuracy } = await withSignal(this.#signal, (call) => trainer.train(steps, call));
    for (const value of loss) this.#state.loss += value;
    for (const value of accuracy) this.#state.accuracy += value;
    this.#state.step += loss.length;
    if (loss.length > 0) {
      this.#emit({
        type: 'step',
        epoch,
        step: this.#state.step,
        totalSteps,
        loss: mean(loss),
        accuracy: mean(accuracy),
      });
    }
    if (this.#signal?.aborted) throw abortError(this.#signal);
  }

  async #endEpoch(epoch: number, perEpoch: number, totalSteps: number): Promise<void> {
    const { loss, accuracy } = await this.#evaluate(this.#cnn, this.#data.validation);
    const metrics: EpochMetrics = {
      epoch,
      step: this.#state.step,
      trainLoss: this.#state.loss / perEpoch,
      trainAccuracy: this.#state.accuracy / perEpoch,
      validationLoss: loss,
      validationAccuracy: accuracy,
    };
    const isBest = this.#state.best === null || accuracy > this.#state.best.accuracy;
    if (isBest) await this.#cnn.save(this.#folder.best);
    const best = isBest ? { epoch, accuracy } : this.#state.best;
    this.#state = { step: this.#state.step, epochs: [...this.#state.epochs, metrics], best, loss: 0, accuracy: 0 };
    await this.#folder.writeMetrics(this.#state.epochs);
    this.#emit({ type: 'epoch', totalSteps, best: isBest, ...metrics });
  }

  #evaluate(cnn: Cnn, split: TrainingSplit): Promise<{ loss: number; accuracy: number; count: number }> {
    return withSignal(this.#signal, (call) =>
      native.evaluateClassifier(cnn.native, split.shards, split.samples, { batchSize: EVALUATION_BATCH }, call),
    );
  }

  async #finish(): Promise<TrainCnnResult> {
    const { epochs, best } = this.#state;
    const cnn = await Cnn.load(this.#folder.best, { device: this.#cnn.device });
    const { test } = this.#data;
    const { notes } = this.#start;
    const result = { cnn, path: this.#folder.best, notes, epochs, best: best as { epoch: number; accuracy: number } };
    try {
      return test ? { ...result, test: await this.#evaluate(cnn, test) } : result;
    } catch (error) {
      cnn.dispose();
      throw error;
    }
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
