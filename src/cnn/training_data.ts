/** The splits of a dataset directory, as the classifier's trainer takes them. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { CumulensError } from '../errors.js';
import type { NativeStateDict, NativeTensor } from '../native.js';
import { parseOptions } from '../options.js';
import { readSafetensors } from '../safetensors.js';
import { Tensor } from '../tensor.js';

const count = z.number().int().nonnegative();
const splitSchema = z.object({ shards: z.array(z.object({ file: z.string(), count })), count });
const datasetSchema = z.object({
  format: z.literal('cumulens-dataset'),
  version: z.literal(1),
  kind: z.literal('images'),
  classes: z.array(z.string()).min(2),
  size: z.tuple([count, count]),
  splits: z.record(z.string(), splitSchema),
});

/** Samples of a split: its shards, mapped, and which of their rows. */
export interface TrainingSplit {
  shards: NativeStateDict[];
  /** int64 [n] */
  samples: NativeTensor;
  count: number;
}

export interface TrainingData {
  classes: string[];
  size: [number, number];
  train: TrainingSplit;
  /** The dataset's own, or a part of `train` held out. */
  validation: TrainingSplit;
  test?: TrainingSplit;
  /** Changes with the dataset's description. */
  fingerprint: string;
  dispose(): void;
}

function indices(values: readonly number[]): NativeTensor {
  return Tensor.from(BigInt64Array.from(values, BigInt), [values.length]) as unknown as NativeTensor;
}

/** A number in [0, 1) that depends on the sample's id and the seed alone (FNV-1a, then murmur3's finaliser). */
function share(id: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

interface OpenSplit {
  shards: Record<string, Tensor>[];
  ids: string[];
}

async function openSplit(folder: string, split: z.output<typeof splitSchema>): Promise<OpenSplit> {
  const shards: Record<string, Tensor>[] = [];
  const ids: string[] = [];
  for (const { file, count: rows } of split.shards) {
    const path = join(folder, file);
    const { tensors, metadata } = await readSafetensors(path);
    const { image, label } = tensors;
    if (!image || !label) throw new CumulensError('ERR_FORMAT', `${path}: a shard of images needs 'image' and 'label'`);
    const own = metadata['ids'] ? (JSON.parse(metadata['ids']) as string[]) : [];
    for (let i = 0; i < rows; i++) ids.push(own[i] ?? `${ids.length}`);
    shards.push(tensors);
  }
  return { shards, ids };
}

function toSplit({ shards }: OpenSplit, rows: readonly number[]): TrainingSplit {
  return { shards: shards as unknown as NativeStateDict[], samples: indices(rows), count: rows.length };
}

/** The training and validation samples: the dataset's own splits, or `fraction` of the training samples held out by id. */
function divide(
  train: OpenSplit,
  validation: OpenSplit | undefined,
  fraction: number,
  seed: number,
): { train: TrainingSplit; validation: TrainingSplit } {
  const all = (split: OpenSplit): number[] => split.ids.map((_, i) => i);
  if (validation && validation.ids.length > 0)
    return { train: toSplit(train, all(train)), validation: toSplit(validation, all(validation)) };
  const held = train.ids.map((id) => share(id, seed) < fraction);
  const rows = (want: boolean): number[] => all(train).filter((i) => held[i] === want);
  return { train: toSplit(train, rows(false)), validation: toSplit(train, rows(true)) };
}

/**
 * Maps a dataset directory of images.
 * @param fraction of the training samples to hold out where the dataset has no `validation` split
 * @throws CumulensError ERR_IO, ERR_FORMAT naming the file
 */
export async function openTrainingData(folder: string, fraction: number, seed: number): Promise<TrainingData> {
  const path = join(folder, 'dataset.json');
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot read: ${(cause as Error).message}`, { cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CumulensError('ERR_FORMAT', `${path}: not JSON`, { cause });
  }
  const dataset = parseOptions(datasetSchema, json, path, 'ERR_FORMAT');
  const { train: trainSplit, validation: validationSplit, test: testSplit } = dataset.splits;
  if (!trainSplit || trainSplit.count === 0)
    throw new CumulensError('ERR_FORMAT', `${path}: there are no training images`);
  const train = await openSplit(folder, trainSplit);
  const validation = validationSplit && (await openSplit(folder, validationSplit));
  const test = testSplit && testSplit.count > 0 ? await openSplit(folder, testSplit) : undefined;
  const divided = divide(train, validation, fraction, seed);
  if (divided.validation.count === 0 || divided.train.count < 2) {
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: ${train.ids.length} training images are too few to hold out a validation part`,
    );
  }
  const opened = [train, validation, test].flatMap((split) => split?.shards ?? []);
  return {
    classes: dataset.classes,
    size: dataset.size,
    ...divided,
    ...(test
      ? {
          test: toSplit(
            test,
            test.ids.map((_, i) => i),
          ),
        }
      : {}),
    fingerprint: createHash('sha256').update(text).digest('hex'),
    dispose: () => opened.forEach((shard) => Object.values(shard).forEach((tensor) => tensor.dispose())),
  };
}
