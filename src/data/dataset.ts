/** Dataset directories: dataset.json and the shards beside it. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { CumulensError } from '../errors.js';
import { native, withSignal } from '../native.js';
import { didYouMean } from '../options.js';
import { disposeAll, Tensor } from '../tensor.js';
import { readManifest, type Manifest } from './manifest.js';
import { checkShard, readShard, type Shard } from './shards.js';

/** Samples by the names of their tensors: image, label, mask; conditions, target, predicted, targetClass where prepared. */
export type Samples = Record<string, Tensor>;

export interface BatchOptions {
  /** Which tensors; all of them if not said. */
  names?: readonly string[];
  signal?: AbortSignal;
}

/** One split of a dataset, mapped. */
export class DatasetSplit {
  /** One a shard; the tensors are views of the files. */
  readonly shards: readonly Samples[];
  /** Where each sample came from. */
  readonly ids: readonly string[];

  constructor(
    readonly name: string,
    shards: readonly Shard[],
  ) {
    this.shards = shards.map(({ tensors }) => tensors);
    this.ids = shards.flatMap(({ ids }) => ids);
  }

  /** Number of samples. */
  get count(): number {
    return this.ids.length;
  }

  /** Names of the tensors a sample has. */
  get names(): string[] {
    return Object.keys(this.shards[0] ?? {});
  }

  /**
   * Copies samples into tensors [n, …].
   * @param indices 0 … count − 1, in any order, also more than once
   * @throws CumulensError ERR_SHAPE for an index out of range, ERR_OPTION for a tensor there is not, ERR_ABORTED
   */
  async batch(indices: readonly number[], { names = this.names, signal }: BatchOptions = {}): Promise<Samples> {
    const unknown = names.find((name) => !this.names.includes(name));
    if (unknown !== undefined) {
      throw new CumulensError(
        'ERR_OPTION',
        `split '${this.name}' has no '${unknown}'${didYouMean(unknown, this.names) || `, only ${this.names.join(', ')}`}`,
      );
    }
    const whole = indices.find((index) => !Number.isSafeInteger(index));
    if (whole !== undefined)
      throw new CumulensError('ERR_OPTION', `batch: indices must be whole numbers, got ${String(whole)}`);
    const rows = Tensor.from(BigInt64Array.from(indices, BigInt), [indices.length]);
    try {
      return await withSignal(signal, (call) => native.gatherSamples(this.shards, names, rows, call));
    } finally {
      rows.dispose();
    }
  }
}

export class Dataset {
  /** Changes with the description and the samples' ids. */
  readonly fingerprint: string;

  constructor(
    readonly folder: string,
    /** dataset.json, checked. */
    readonly manifest: Manifest,
    readonly splits: Readonly<Record<string, DatasetSplit>>,
  ) {
    const hash = createHash('sha256').update(JSON.stringify(manifest));
    for (const { ids } of Object.values(splits)) hash.update(JSON.stringify(ids));
    this.fingerprint = hash.digest('hex');
  }

  get kind(): 'images' | 'prepared' {
    return this.manifest.kind;
  }

  get classes(): readonly string[] {
    return this.manifest.classes;
  }

  /** [height, width] */
  get size(): readonly [number, number] {
    return this.manifest.size;
  }

  /** @throws CumulensError ERR_OPTION when there is no such split */
  split(name: string): DatasetSplit {
    const split = this.splits[name];
    if (split) return split;
    const names = Object.keys(this.splits);
    throw new CumulensError(
      'ERR_OPTION',
      `${this.folder}: there is no split '${name}'${didYouMean(name, names) || `, only ${names.join(', ')}`}`,
    );
  }

  /** Unmaps the shards. */
  dispose(): void {
    for (const { shards } of Object.values(this.splits)) shards.forEach(disposeAll);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Maps a dataset directory and checks that its shards are what dataset.json says.
 * @throws CumulensError ERR_IO, or ERR_FORMAT naming the file and what was expected
 */
export async function openDataset(folder: string): Promise<Dataset> {
  const manifest = await readManifest(folder);
  const splits: Record<string, DatasetSplit> = {};
  for (const [name, { shards }] of Object.entries(manifest.splits)) {
    const opened = await Promise.all(
      shards.map(async ({ file, count }) => {
        const path = join(folder, file);
        const shard = await readShard(path);
        checkShard(path, shard, manifest, count);
        return shard;
      }),
    );
    splits[name] = new DatasetSplit(name, opened);
  }
  return new Dataset(folder, manifest, splits);
}
