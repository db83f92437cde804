/** Where a new dataset goes: shards, or folders of PNG files. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import sharp from 'sharp';
import { z } from 'zod';

import { CumulensError } from '../errors.js';
import { writeFolderAtomic } from '../files.js';
import { abortError, native } from '../native.js';
import type { Tensor } from '../tensor.js';
import { openDataset, type DatasetSplit } from './dataset.js';
import { writeManifest, type Manifest } from './manifest.js';
import { drain, mapOrdered } from './parallel.js';
import type { Problem } from './problems.js';

export interface DataProgress {
  done: number;
  total?: number;
}

/** Options of everything that makes a dataset. */
export const outFields = {
  out: z.string().min(1),
  /** shards: a dataset directory. folders: split/class/image.png. */
  format: z.enum(['shards', 'folders']).default('shards'),
  /** Samples a file: what is held in memory at once. */
  shardSize: z.number().int().min(1).max(65536).default(1024),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z.custom<(progress: DataProgress) => void>((value) => typeof value === 'function').optional(),
};

export interface DatasetReport {
  out: string;
  classes: string[];
  /** [height, width] */
  size: readonly [number, number];
  /** Samples in each split. */
  splits: Record<string, number>;
  problems: Problem[];
}

export function reportOf(
  out: string,
  { classes, size, splits }: Pick<Manifest, 'classes' | 'size' | 'splits'>,
  problems: Problem[],
): DatasetReport {
  return {
    out,
    classes,
    size,
    splits: Object.fromEntries(Object.entries(splits).map(([name, { count }]) => [name, count])),
    problems,
  };
}

/** A folder that can be replaced: none, or an empty one. @throws CumulensError ERR_OPTION */
async function checkFree(out: string): Promise<void> {
  if (!existsSync(out)) return;
  const names = await readdir(out).catch((cause: unknown) => {
    throw new CumulensError('ERR_OPTION', `${out}: is no folder`, { cause });
  });
  if (names.length > 0)
    throw new CumulensError('ERR_OPTION', `${out}: exists and is not empty; remove it or name another folder`);
}

const PNGS_AT_ONCE = 8;
const IMAGES_AT_ONCE = 256;

/** Writes some samples as folder/class/number.png. */
async function exportImages(
  split: DatasetSplit,
  rows: readonly number[],
  folder: string,
  classes: readonly string[],
): Promise<void> {
  const samples = await split.batch(rows, { names: ['image', 'label'] });
  const { image, label } = samples as Record<'image' | 'label', Tensor>;
  const interleaved = await native.channelsLast(image);
  const [, height, width] = interleaved.shape as [number, number, number];
  const [pixels, labels] = [(await interleaved.data()) as Uint8Array, await label.data()];
  for (const tensor of [interleaved, image, label]) tensor.dispose();
  const bytes = height * width * 3;
  const write = (i: number): Promise<unknown> =>
    sharp(pixels.subarray(i * bytes, (i + 1) * bytes), { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(folder, classes[Number(labels[i])] as string, `${String(rows[i]).padStart(6, '0')}.png`));
  await drain(mapOrdered(rows.keys(), PNGS_AT_ONCE, write));
}

/** Writes a dataset's images as out/split/class/number.png. */
async function exportFolders(folder: string, out: string, signal: AbortSignal | undefined): Promise<void> {
  const dataset = await openDataset(folder);
  try {
    for (const split of Object.values(dataset.splits)) {
      for (const label of dataset.classes) await mkdir(join(out, split.name, label), { recursive: true });
      for (let first = 0; first < split.count; first += IMAGES_AT_ONCE) {
        if (signal?.aborted) throw abortError(signal);
        const rows = Array.from({ length: Math.min(IMAGES_AT_ONCE, split.count - first) }, (_, i) => first + i);
        await exportImages(split, rows, join(out, split.name), dataset.classes);
      }
    }
  } finally {
    dataset.dispose();
  }
}

/**
 * Makes a dataset of images at `out`, whole or not at all.
 * @param fill writes the shards into a folder and gives what dataset.json says of them
 */
export async function buildDataset(
  { out, format, signal }: { out: string; format: 'shards' | 'folders'; signal?: AbortSignal | undefined },
  fill: (folder: string) => Promise<Pick<Manifest, 'classes' | 'size' | 'settings' | 'splits'>>,
): Promise<Manifest> {
  await checkFree(out);
  await mkdir(dirname(resolve(out)), { recursive: true });
  let manifest: Manifest | undefined;
  await writeFolderAtomic(out, async (folder) => {
    const shards = format === 'shards' ? folder : join(folder, '.shards');
    await mkdir(shards, { recursive: true });
    manifest = { format: 'cumulens-dataset', version: 1, kind: 'images', channels: 3, ...(await fill(shards)) };
    await writeManifest(shards, manifest);
    if (format === 'shards') return;
    await exportFolders(shards, folder, signal);
    await rm(shards, { recursive: true });
  });
  return manifest as Manifest;
}
