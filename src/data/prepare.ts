/** Turns images into what a generator is trained on: METHOD §1–3, streamed into shards. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { Cnn } from '../cnn/cnn.js';
import { abortError, native, withSignal, type NativePrepareSettings } from '../native.js';
import { beginOrContinue } from '../run_folder.js';
import { disposeAll, type Tensor } from '../tensor.js';
import { openDataset, type Dataset } from './dataset.js';
import { MANIFEST_FILE, writeManifest, type ManifestSplit } from './manifest.js';
import {
  averagedTaps,
  chosenResize,
  describeSettings,
  nativeSettings,
  parsePrepareOptions,
  type ParsedPrepareOptions,
  type PrepareOptions,
} from './prepare_options.js';
import { datasetSource, folderSource, sameClass, type PrepareSource, type SourceChunk } from './prepare_source.js';
import { Problems } from './problems.js';
import { readShard, shardFile, writeShard } from './shards.js';

/** Written first: what the folder's shards were made with. */
const SETTINGS_FILE = 'prepare.json';

/** The chunk as the tensors of a shard. */
async function prepareChunk(
  chunk: SourceChunk,
  cnn: Cnn,
  settings: NativePrepareSettings,
  options: ParsedPrepareOptions,
  onDone: (done: number) => void,
): Promise<Record<string, Tensor>> {
  const { target, signal } = options;
  const given =
    typeof target === 'number' ? sameClass(target, chunk.ids.length) : target === 'label' ? chunk.label : undefined;
  const prepared = await withSignal(signal, (call) =>
    native.prepareSamples(cnn.native, chunk.image, chunk.mask, given, settings, {
      ...call,
      onProgress: ({ done }) => onDone(done ?? 0),
    }),
  );
  chunk.image.dispose();
  chunk.mask?.dispose();
  if (typeof target === 'number') given?.dispose();
  return { ...prepared, label: chunk.label };
}

interface Work {
  source: PrepareSource;
  cnn: Cnn;
  settings: NativePrepareSettings;
  options: ParsedPrepareOptions;
}

/** Candidates of one shard file. */
interface Slot {
  split: string;
  file: string;
  first: number;
  count: number;
}

const rowsOf = ({ first, count }: Slot): number[] => Array.from({ length: count }, (_, i) => first + i);

function slotsOf(splits: Readonly<Record<string, number>>, shardSize: number): Slot[] {
  return Object.entries(splits).flatMap(([split, total]) =>
    Array.from({ length: Math.ceil(total / shardSize) }, (_, i) => {
      const first = i * shardSize;
      return { split, file: shardFile(split, i), first, count: Math.min(shardSize, total - first) };
    }),
  );
}

/** Makes every shard that is not there yet; the next one's images are read while one is computed. */
async function prepareShards({ source, cnn, settings, options }: Work): Promise<Record<string, ManifestSplit>> {
  const { out, signal, onProgress } = options;
  const slots = slotsOf(source.splits, options.shardSize);
  const total = slots.reduce((sum, { count }) => sum + count, 0);
  const missing = slots.filter(({ file }) => !existsSync(join(out, file)));
  const splits: Record<string, ManifestSplit> = Object.fromEntries(
    Object.keys(source.splits).map((name) => [name, { shards: [], count: 0 }]),
  );
  let done = total - missing.reduce((sum, { count }) => sum + count, 0);
  onProgress?.({ done, total });
  const read = (slot: Slot | undefined): Promise<SourceChunk | undefined> => {
    const chunk = slot ? source.read(slot.split, rowsOf(slot)) : Promise.resolve(undefined);
    chunk.catch(() => undefined); // heard when it is awaited
    return chunk;
  };
  let next = read(missing[0]);
  for (const [i, slot] of missing.entries()) {
    const chunk = await next;
    if (signal?.aborted) throw abortError(signal);
    next = read(missing[i + 1]);
    if (chunk) {
      const tensors = await prepareChunk(chunk, cnn, settings, options, (part) =>
        onProgress?.({ done: done + part, total }),
      );
      await writeShard(join(out, slot.file), { tensors, ids: chunk.ids });
    }
    onProgress?.({ done: (done += slot.count), total });
  }
  for (const { split, file } of slots) {
    if (!existsSync(join(out, file))) continue; // none of its images could be read
    const { tensors, ids } = await readShard(join(out, file));
    disposeAll(tensors);
    splits[split]?.shards.push({ file, count: ids.length });
    (splits[split] as ManifestSplit).count += ids.length;
  }
  return splits;
}

async function openSource(options: ParsedPrepareOptions, cnn: Cnn): Promise<PrepareSource> {
  if (options.data !== undefined) return datasetSource(options.data);
  const { height, width } = cnn.spec.input;
  const { test, validation, strict, onProblem } = options;
  const resize = { ...cnn.spec.preprocessing.resize, ...chosenResize(options) };
  return folderSource(options.images as string, {
    fractions: { test, validation },
    decode: { height, width, ...resize },
    problems: new Problems(strict, onProblem),
  });
}

/**
 * Makes prepared data at `out`: for each image its conditions (kept cumulative averages), target map, classes, and mask where there is
 * one, as 8-bit values, by one forward and one backward pass a batch. Memory is bounded by two shards. A run that was killed or aborted
 * continues where it was when called again, with the same bytes as if it had never stopped; a finished one is opened.
 * @param options as METHOD §1–3; `data` or `images` says where the images are
 * @throws CumulensError ERR_OPTION (also when `out` was begun with other settings), ERR_FORMAT, ERR_IO, ERR_SHAPE, ERR_ABORTED
 */
export async function prepare(options: PrepareOptions): Promise<Dataset> {
  const parsed = parsePrepareOptions(options);
  const cnn = parsed.cnn instanceof Cnn ? parsed.cnn : await Cnn.load(parsed.cnn, { device: parsed.device });
  try {
    const settings = nativeSettings(parsed, cnn);
    const source = await openSource(parsed, cnn);
    try {
      const described = await describeSettings(parsed, cnn, source);
      const isDone = (): boolean => existsSync(join(parsed.out, MANIFEST_FILE));
      using _held = await beginOrContinue(parsed.out, SETTINGS_FILE, described, {
        by: 'prepare',
        opaque: { cnn: 'CNN (its weights differ)', source: 'set of images' },
        shared: isDone(), // then it is only opened
      });
      if (isDone()) return await openDataset(parsed.out);
      const splits = await prepareShards({ source, cnn, settings, options: parsed });
      await writeManifest(parsed.out, {
        format: 'cumulens-dataset',
        version: 1,
        kind: 'prepared',
        classes: [...source.classes],
        size: [parsed.size, parsed.size],
        channels: 3,
        conditions: parsed.conditions,
        targetChannels: settings.jetTarget ? 3 : 1,
        settings: { ...described, averaged: averagedTaps(settings, cnn) },
        splits,
      });
    } finally {
      source.dispose();
    }
  } finally {
    if (!(parsed.cnn instanceof Cnn)) cnn.dispose();
  }
  return openDataset(parsed.out);
}
