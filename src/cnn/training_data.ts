/** The splits of a dataset, as the classifier's trainer takes them. */
import { openDataset, type Dataset, type DatasetSplit } from '../data/dataset.js';
import { resizeSchema, type Resize } from '../data/resize.js';
import { CumulensError } from '../errors.js';
import type { NativeStateDict, NativeTensor } from '../native.js';
import { parseOptions } from '../options.js';
import { Tensor } from '../tensor.js';

/** Samples of a split: its shards, mapped, and which of their rows. */
export interface TrainingSplit {
  shards: readonly NativeStateDict[];
  /** int64 [n] */
  samples: NativeTensor;
  count: number;
}

export interface TrainingData {
  classes: readonly string[];
  size: readonly [number, number];
  train: TrainingSplit;
  /** The dataset's own, or a part of `train` held out. */
  validation: TrainingSplit;
  test?: TrainingSplit;
  /** How its pictures were brought to its size. */
  resize: Resize;
  /** Changes with the dataset. */
  fingerprint: string;
  dispose(): void;
}

/** A number in [0, 1) that depends on the sample's id and the seed alone (FNV-1a, then murmur3's finaliser). */
function share(id: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function toSplit(split: DatasetSplit, keep: (id: string) => boolean = () => true): TrainingSplit {
  const rows = split.ids.flatMap((id, row) => (keep(id) ? [BigInt(row)] : []));
  const samples = Tensor.from(BigInt64Array.from(rows), [rows.length]);
  return { shards: split.shards, samples, count: rows.length };
}

/** What a dataset of a folder says; others are of one size already. */
function resizeOf({ manifest: { settings } }: Dataset): Resize {
  const { fit, scale, interpolation } = settings;
  const said = Object.entries({ fit, scale, interpolation }).filter(([, value]) => value !== undefined);
  return parseOptions(resizeSchema, Object.fromEntries(said), 'dataset.json: settings', 'ERR_FORMAT');
}

/** The dataset's own validation split, or `fraction` of the training samples held out by their ids. */
function divide(dataset: Dataset, fraction: number, seed: number): { train: TrainingSplit; validation: TrainingSplit } {
  const train = dataset.split('train');
  const own = dataset.splits.validation;
  if (own && own.count > 0) return { train: toSplit(train), validation: toSplit(own) };
  const held = (id: string): boolean => share(id, seed) < fraction;
  return { train: toSplit(train, (id) => !held(id)), validation: toSplit(train, held) };
}

/**
 * Maps a dataset directory of images.
 * @param fraction of the training samples to hold out where the dataset has no `validation` split
 * @throws CumulensError ERR_IO or ERR_FORMAT naming the file, ERR_OPTION where there is too little to train on
 */
export async function openTrainingData(folder: string, fraction: number, seed: number): Promise<TrainingData> {
  const dataset = await openDataset(folder);
  try {
    const { train, validation } = divide(dataset, fraction, seed);
    if (train.count < 2 || validation.count === 0) {
      const count = dataset.split('train').count;
      throw new CumulensError(
        'ERR_OPTION',
        `${folder}: ${count} training images are too few to hold out some for validation`,
      );
    }
    const own = dataset.splits.test;
    const test = own && own.count > 0 ? toSplit(own) : undefined;
    return {
      classes: dataset.classes,
      size: dataset.size,
      train,
      validation,
      ...(test ? { test } : {}),
      resize: resizeOf(dataset),
      fingerprint: dataset.fingerprint,
      dispose: () => {
        for (const split of [train, validation, test]) split?.samples.dispose();
        dataset.dispose();
      },
    };
  } catch (error) {
    dataset.dispose();
    throw error;
  }
}
