/** Makes datasets of image folders, Fashion-MNIST (or any labelled IDX pair) and CIFAR-10, a shard in memory at a time. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { CumulensError } from '../errors.js';
import { abortError, native, type PixelLayout } from '../native.js';
import { parseOptions } from '../options.js';
import { Tensor } from '../tensor.js';
import { CIFAR10_CLASSES, CIFAR10_SIZE, readCifar10 } from './cifar10.js';
import { decodeImage, readImageFile } from './decode.js';
import { DuplicateFinder, listImageFolder, type ImageFile } from './folder.js';
import { openLabelledIdx } from './idx.js';
import { buildDataset, outFields, reportOf, type DatasetReport } from './output.js';
import { mapOrdered } from './parallel.js';
import { Problems, type Problem } from './problems.js';
import { resizeFields } from './resize.js';
import { ShardWriter } from './shards.js';
import { contentHash, splitFields, splitOf, SPLITS, type SplitName } from './split.js';

/** Files read and decoded at once: enough to keep libvips' threads busy. */
export const DECODES_AT_ONCE = 16;

export const FASHION_MNIST_CLASSES = [
  't-shirt',
  'trouser',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'sneaker',
  'bag',
  'ankle-boot',
];

const from = z.string().min(1);
const size = z.number().int().min(1).max(4096).default(64);
const validation = z.number().min(0).max(1).default(0.1);
const onProblem = z.custom<(problem: Problem) => void>((value) => typeof value === 'function').optional();
const most = z.number().int().nonnegative();
/** At most so many samples of each class in a split: the first that come. Nothing is left out of a split that is not named. */
const perClass = z.strictObject({ train: most, validation: most, test: most }).partial().default({});
/** Sources that come with a test split: a part of their training samples is held out for validation. */
const archiveSchema = z.strictObject({ from, size, validation, perClass, ...outFields });
const folderSchema = z.strictObject({
  from,
  size,
  perClass,
  strict: z.boolean().default(false),
  onProblem,
  ...resizeFields,
  ...splitFields,
  ...outFields,
});

export type ArchiveDatasetOptions = z.input<typeof archiveSchema>;
export type FolderDatasetOptions = z.input<typeof folderSchema>;

/** Counts the samples of each split and class, and says when there are enough. */
class Quota {
  readonly #counts = new Map<string, number>();

  constructor(readonly limits: z.output<typeof perClass>) {}

  /** Whether this one is still wanted; then it counts. */
  take({ split, label }: Pick<Sample, 'split' | 'label'>): boolean {
    const key = `${split} ${label}`;
    const count = this.#counts.get(key) ?? 0;
    if (count >= (this.limits[split] ?? Infinity)) return false;
    this.#counts.set(key, count + 1);
    return true;
  }
}

/** One sample on its way to a shard. */
interface Sample {
  split: SplitName;
  id: string;
  label: number;
  bytes: Uint8Array;
}

interface Pictures {
  classes: string[];
  height: number;
  width: number;
  layout: PixelLayout;
  samples: () => AsyncIterable<Sample>;
  settings: Record<string, string | number | boolean>;
  /** Number of samples, where it is known. */
  total?: number;
}

async function writeShards(
  folder: string,
  pictures: Pictures,
  options: z.output<typeof archiveSchema> | z.output<typeof folderSchema>,
): Promise<ShardWriter> {
  const { shardSize, signal, onProgress } = options;
  const { height, width, layout, total } = pictures;
  const writer = new ShardWriter(folder, SPLITS);
  const waiting: Record<SplitName, Sample[]> = { train: [], validation: [], test: [] };
  const flush = async (split: SplitName): Promise<void> => {
    const samples = waiting[split];
    waiting[split] = [];
    if (samples.length === 0) return;
    const packed = await native.packImages(
      samples.map(({ bytes }) => bytes),
      { height, width, layout, size: [options.size, options.size] },
    );
    const label = Tensor.from(
      BigInt64Array.from(samples, (sample) => BigInt(sample.label)),
      [samples.length],
    );
    await writer.write(split, {
      tensors: { image: packed, label },
      ids: samples.map(({ id }) => id),
    });
  };
  const quota = new Quota(options.perClass);
  let done = 0;
  for await (const sample of pictures.samples()) {
    if (signal?.aborted) throw abortError(signal);
    if (quota.take(sample)) waiting[sample.split].push(sample);
    if (waiting[sample.split].length >= shardSize) await flush(sample.split);
    done += 1;
    if (done % 256 === 0 || done === total) onProgress?.({ done, ...(total === undefined ? {} : { total }) });
  }
  for (const split of SPLITS) await flush(split);
  return writer;
}

async function ingest(
  pictures: Pictures,
  options: z.output<typeof archiveSchema> | z.output<typeof folderSchema>,
  problems: Problem[] = [],
): Promise<DatasetReport> {
  const { perClass: quota } = options;
  const settings = { ...pictures.settings, ...(Object.keys(quota).length > 0 ? { perClass: quota } : {}) };
  const manifest = await buildDataset(options, async (folder) => {
    const { splits } = await writeShards(folder, pictures, options);
    return { classes: pictures.classes, size: [options.size, options.size], settings, splits };
  });
  return reportOf(options.out, manifest, problems);
}

/** 'train' samples whose content says so become validation. */
function heldOut(split: 'train' | 'test', bytes: Uint8Array, fraction: number): SplitName {
  return split === 'test' ? 'test' : splitOf(contentHash(bytes), { test: 0, validation: fraction });
}

function idxPath(folder: string, name: string): string {
  const found = [`${name}.gz`, name].map((file) => join(folder, file)).find((path) => existsSync(path));
  if (found) return found;
  throw new CumulensError(
    'ERR_IO',
    `${folder}: ${name} (or ${name}.gz) is missing; Debian's package dataset-fashion-mnist has it in /usr/share/datasets/fashion-mnist`,
  );
}

/**
 * Fashion-MNIST (or MNIST: the same four IDX files, gzipped or not) as RGB images.
 * @throws CumulensError ERR_IO naming the file that is missing, ERR_FORMAT, ERR_OPTION, ERR_ABORTED
 */
export async function createFashionMnistDataset(options: ArchiveDatasetOptions): Promise<DatasetReport> {
  const parsed = parseOptions(archiveSchema, options, 'createFashionMnistDataset');
  const open = (name: string) =>
    openLabelledIdx(
      idxPath(parsed.from, `${name}-images-idx3-ubyte`),
      idxPath(parsed.from, `${name}-labels-idx1-ubyte`),
    );
  const [train, test] = [await open('train'), await open('t10k')];
  async function* samples(): AsyncGenerator<Sample> {
    for (const [name, file, split] of [
      ['train', train, 'train'],
      ['t10k', test, 'test'],
    ] as const) {
      let index = 0;
      for await (const { bytes, label } of file.samples()) {
        if (label >= FASHION_MNIST_CLASSES.length)
          throw new CumulensError(
            'ERR_FORMAT',
            `${parsed.from}: ${name} sample ${index} has label ${label}, expected 0 to 9`,
          );
        yield { split: heldOut(split, bytes, parsed.validation), id: `${name}/${index++}`, label, bytes };
      }
    }
  }
  const { height, width } = train;
  const settings = { source: 'fashion-mnist', validation: parsed.validation };
  return ingest(
    {
      classes: FASHION_MNIST_CLASSES,
      height,
      width,
      layout: 'gray',
      samples,
      settings,
      total: train.count + test.count,
    },
    parsed,
  );
}

/**
 * CIFAR-10's binary version, from a folder of batches or its archive.
 * @throws CumulensError ERR_IO, ERR_FORMAT naming the batch and record, ERR_OPTION, ERR_ABORTED
 */
export async function createCifar10Dataset(options: ArchiveDatasetOptions): Promise<DatasetReport> {
  const parsed = parseOptions(archiveSchema, options, 'createCifar10Dataset');
  async function* samples(): AsyncGenerator<Sample> {
    for await (const sample of readCifar10(parsed.from))
      yield { ...sample, split: heldOut(sample.split, sample.bytes, parsed.validation) };
  }
  const settings = { source: 'cifar10', validation: parsed.validation };
  return ingest(
    { classes: CIFAR10_CLASSES, height: CIFAR10_SIZE, width: CIFAR10_SIZE, layout: 'chw', samples, settings },
    parsed,
  );
}

/**
 * A folder of images, one sub-folder a class, split by the content of each file.
 * @param options `strict`: the first problem fails the run; `onProblem` hears of each; `fit` 'crop' | 'stretch'; `test`, `validation`: parts held out
 * @throws CumulensError ERR_IO, ERR_FORMAT (nothing usable, or strict), ERR_OPTION, ERR_ABORTED
 */
export async function createFolderDataset(options: FolderDatasetOptions): Promise<DatasetReport> {
  const parsed = parseOptions(folderSchema, options, 'createFolderDataset');
  const { fit, scale, interpolation, test, validation: held } = parsed;
  const resize = { fit, scale, interpolation };
  const problems = new Problems(parsed.strict, parsed.onProblem);
  const { classes, files } = await listImageFolder(parsed.from, true, problems);
  const duplicates = new DuplicateFinder(problems);
  type Loaded = { file: ImageFile } & ({ hash: string; pixels: Uint8Array } | { error: Error });
  const load = async (file: ImageFile): Promise<Loaded> => {
    try {
      const bytes = await readImageFile(file.path);
      return {
        file,
        hash: contentHash(bytes),
        pixels: await decodeImage(bytes, { height: parsed.size, width: parsed.size, ...resize }, file.path),
      };
    } catch (error) {
      return { file, error: error as Error };
    }
  };
  async function* samples(): AsyncGenerator<Sample> {
    for await (const result of mapOrdered(files, DECODES_AT_ONCE, load)) {
      const { file } = result;
      if ('error' in result) {
        problems.add(
          { kind: 'unreadable', path: file.path, message: `${result.error.message}; skipped` },
          result.error,
        );
        continue;
      }
      duplicates.add(file, result.hash);
      yield {
        split: splitOf(result.hash, { test, validation: held }),
        id: file.id,
        label: file.label,
        bytes: result.pixels,
      };
    }
  }
  const settings = { source: 'folder', ...resize, test, validation: held };
  return ingest(
    { classes, height: parsed.size, width: parsed.size, layout: 'hwc', samples, settings, total: files.length },
    parsed,
    problems.all,
  );
}
