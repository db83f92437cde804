/** The shard files of a dataset directory. */
import { join } from 'node:path';

import { CumulensError } from '../errors.js';
import { readSafetensors, writeSafetensors } from '../safetensors.js';
import { disposeAll, type Tensor } from '../tensor.js';
import type { Manifest, ManifestSplit } from './manifest.js';

export interface Shard {
  tensors: Record<string, Tensor>;
  /** The samples' ids, in order. */
  ids: string[];
}

export function shardFile(split: string, index: number): string {
  return `shard-${split}-${String(index).padStart(5, '0')}.safetensors`;
}

/** Writes a shard and gives its tensors' memory back. @throws CumulensError ERR_IO */
export async function writeShard(path: string, { tensors, ids }: Shard): Promise<void> {
  await writeSafetensors(path, tensors, { ids: JSON.stringify(ids) });
  disposeAll(tensors);
}

/** Maps a shard. @throws CumulensError ERR_IO, ERR_FORMAT */
export async function readShard(path: string): Promise<Shard> {
  const { tensors, metadata } = await readSafetensors(path);
  const rows = Object.values(tensors)[0]?.shape[0] ?? 0;
  let ids: unknown;
  try {
    ids = JSON.parse(metadata.ids ?? 'null');
  } catch {
    ids = null;
  }
  if (!Array.isArray(ids) || ids.length !== rows || !ids.every((id) => typeof id === 'string')) {
    throw new CumulensError('ERR_FORMAT', `${path}: its metadata 'ids' must be a JSON list of ${rows} strings`);
  }
  return { tensors, ids };
}

/** Names, dtypes and row shapes that a dataset's shards have. */
export function shardLayout(manifest: Manifest): Record<string, { dtype: string; row: number[]; optional?: boolean }> {
  const { kind, size, conditions = 0, targetChannels = 1 } = manifest;
  const layout = {
    image: { dtype: 'uint8', row: [3, ...size] },
    label: { dtype: 'int64', row: [] },
    mask: { dtype: 'uint8', row: [1, ...size], optional: true },
  };
  if (kind === 'images') return layout;
  return {
    ...layout,
    conditions: { dtype: 'uint8', row: [conditions, ...size] },
    target: { dtype: 'uint8', row: [targetChannels, ...size] },
    predicted: { dtype: 'int64', row: [] },
    targetClass: { dtype: 'int64', row: [] },
  };
}

/** @throws CumulensError ERR_FORMAT naming the file and tensor that do not fit the description */
export function checkShard(path: string, { tensors }: Shard, manifest: Manifest, count: number): void {
  for (const [name, { dtype, row, optional }] of Object.entries(shardLayout(manifest))) {
    const tensor = tensors[name];
    if (!tensor) {
      if (optional) continue;
      throw new CumulensError('ERR_FORMAT', `${path}: has no '${name}'`);
    }
    const expected = [count, ...row];
    if (tensor.dtype !== dtype || tensor.shape.join() !== expected.join()) {
      throw new CumulensError(
        'ERR_FORMAT',
        `${path}: '${name}' is ${tensor.dtype} [${tensor.shape.join(', ')}], expected ${dtype} [${expected.join(', ')}]`,
      );
    }
  }
}

/** Writes a dataset's shards one after another and keeps count. */
export class ShardWriter {
  readonly #folder: string;
  readonly splits: Record<string, ManifestSplit> = {};

  constructor(folder: string, splits: readonly string[]) {
    this.#folder = folder;
    for (const split of splits) this.splits[split] = { shards: [], count: 0 };
  }

  async write(split: string, shard: Shard): Promise<void> {
    const to = (this.splits[split] ??= { shards: [], count: 0 });
    const file = shardFile(split, to.shards.length);
    const count = shard.ids.length;
    await writeShard(join(this.#folder, file), shard);
    to.shards.push({ file, count });
    to.count += count;
  }
}
