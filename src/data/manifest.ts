/** dataset.json, the description of a dataset directory. */
import { join } from 'node:path';

import { z } from 'zod';

import { CumulensError } from '../errors.js';
import { readJson, writeFileAtomic } from '../files.js';
import { parseOptions } from '../options.js';

const count = z.number().int().nonnegative();
const side = z.number().int().positive();
const shard = z.strictObject({
  file: z.string().regex(/^[\w.-]+$/, { error: 'expected the name of a file in this folder' }),
  count,
});
const split = z.strictObject({ shards: z.array(shard), count });

const manifestSchema = z.strictObject({
  format: z.literal('cumulens-dataset'),
  version: z.literal(1),
  /** images: pictures and labels. prepared: with conditions and targets, for training a generator. */
  kind: z.enum(['images', 'prepared']),
  classes: z.array(z.string()),
  /** [height, width] */
  size: z.tuple([side, side]),
  channels: z.literal(3),
  /** P, where prepared. */
  conditions: side.optional(),
  /** Of the target map: 1, or 3 for a coloured one. */
  targetChannels: z.union([z.literal(1), z.literal(3)]).optional(),
  /** How it was made. */
  settings: z.record(z.string(), z.json()),
  splits: z.record(z.string(), split),
});

export type Manifest = z.output<typeof manifestSchema>;
export type ManifestSplit = z.output<typeof split>;
export const MANIFEST_FILE = 'dataset.json';

/** @throws CumulensError ERR_IO, or ERR_FORMAT naming the file and what is wrong in it */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST_FILE);
  const manifest = parseOptions(manifestSchema, await readJson(path), path, 'ERR_FORMAT');
  for (const [name, { shards, count: total }] of Object.entries(manifest.splits)) {
    const sum = shards.reduce((rows, { count: rowsOfShard }) => rows + rowsOfShard, 0);
    if (sum !== total)
      throw new CumulensError('ERR_FORMAT', `${path}: splits.${name}.count is ${total}, its shards hold ${sum}`);
  }
  if (manifest.kind === 'prepared' && manifest.conditions === undefined) {
    throw new CumulensError('ERR_FORMAT', `${path}: conditions: missing, expected their number in prepared data`);
  }
  return manifest;
}

/** Written last: a folder that has it is complete. @throws CumulensError ERR_IO */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeFileAtomic(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
}
