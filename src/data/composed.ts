/** Images with a known answer: garments of Fashion-MNIST on photographs, and the masks that say where they are (assets/composed). */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import sharp from 'sharp';
import { z } from 'zod';

import { native, withSignal, type NativeComposeSources, type NativeTensor } from '../native.js';
import { parseOptions } from '../options.js';
import { Tensor } from '../tensor.js';
import { readIdx } from './idx.js';
import { buildDataset, outFields, reportOf, type DatasetReport } from './output.js';
import { ShardWriter } from './shards.js';
import { SPLITS, type SplitName } from './split.js';

const ASSETS = new URL('../../assets/composed/', import.meta.url);

interface AssetManifest {
  classes: string[];
  photographSize: number;
  splits: Record<SplitName, { images: string; labels: string; photographs: string[] }>;
}

interface Sources {
  classes: string[];
  photographs: string[];
  native: NativeComposeSources;
}

const count = z.number().int().nonnegative();
const drawFields = {
  size: z.number().int().min(8).max(1024).default(64),
  seed: count.default(0),
  device: z.string().default('auto'),
};
const drawSchema = z.strictObject({
  split: z.enum(SPLITS).default('train'),
  first: count.default(0),
  count,
  ...drawFields,
  signal: z.instanceof(AbortSignal).optional(),
});
const createSchema = z.strictObject({
  train: count.default(4000),
  validation: count.default(400),
  test: count.default(1000),
  ...drawFields,
  ...outFields,
});

export type ComposeOptions = z.input<typeof drawSchema>;
export type ComposedDatasetOptions = z.input<typeof createSchema>;

export interface ComposedImages {
  /** uint8 [N, 3, S, S] */
  images: Tensor;
  /** uint8 [N, 1, S, S]: 255 × the part of each pixel that the garment covers. */
  masks: Tensor;
  /** int64 [N] */
  labels: Tensor;
  classes: string[];
  /** Split, index, garment and photograph of each. */
  ids: string[];
}

const loaded = new Map<SplitName, Promise<Sources>>();

async function loadPhotographs(names: readonly string[], size: number): Promise<NativeTensor> {
  const pictures = await Promise.all(
    names.map((name) =>
      sharp(fileURLToPath(new URL(name, ASSETS)))
        .toColourspace('srgb')
        .removeAlpha()
        .raw()
        .toBuffer(),
    ),
  );
  return native.packImages(pictures, { height: size, width: size, layout: 'hwc', size: [size, size] });
}

async function loadSources(split: SplitName): Promise<Sources> {
  const { classes, photographSize, splits } = JSON.parse(
    await readFile(new URL('manifest.json', ASSETS), 'utf8'),
  ) as AssetManifest;
  const names = splits[split];
  const [garments, labels, photographs] = await Promise.all([
    readIdx(fileURLToPath(new URL(names.images, ASSETS))),
    readIdx(fileURLToPath(new URL(names.labels, ASSETS))),
    loadPhotographs(names.photographs, photographSize),
  ]);
  return {
    classes,
    photographs: names.photographs.map((name) => name.replace(/^.*\/|\.png$/g, '')),
    native: {
      garments: Tensor.from(garments.data, garments.shape),
      labels: Tensor.from(BigInt64Array.from(labels.data, BigInt), labels.shape),
      photographs,
    },
  };
}

/** A split's sources, read once a process (about 6 MB). */
function sourcesOf(split: SplitName): Promise<Sources> {
  const found = loaded.get(split);
  if (found) return found;
  const sources = loadSources(split);
  loaded.set(split, sources);
  sources.catch(() => loaded.delete(split));
  return sources;
}

/**
 * Draws images `first` … `first + count − 1` of a split. An image depends on (seed, split, index) alone; its class is index mod classes.
 * Splits share no garment, and test shares no photograph with the others.
 * @throws CumulensError ERR_OPTION, ERR_ABORTED
 */
export async function composeImages(options: ComposeOptions): Promise<ComposedImages> {
  const { split, size, seed, device, first, count: n, signal } = parseOptions(drawSchema, options, 'composeImages');
  const { classes, photographs, native: sources } = await sourcesOf(split);
  const stream = SPLITS.indexOf(split);
  const drawn = await withSignal(signal, (call) =>
    native.composeImages(sources, { device: native.resolveDevice(device), size, seed, stream, first, count: n }, call),
  );
  const [garment, photograph] = await Promise.all([drawn.garment.data(), drawn.photograph.data()]);
  drawn.garment.dispose();
  drawn.photograph.dispose();
  const ids = Array.from(
    { length: n },
    (_, i) => `${split}/${first + i}/garment-${garment[i] ?? ''}/${photographs[Number(photograph[i])] ?? ''}`,
  );
  const [images, masks, labels] = [drawn.image, drawn.mask, drawn.label];
  return { images, masks, labels, classes, ids };
}

/**
 * Makes a dataset directory of composed images with masks.
 * @param options `train`, `validation`, `test`: images in each; `size`, `seed`, `device`; `out`, `shardSize`, `onProgress`, `signal`
 * @throws CumulensError ERR_OPTION, ERR_IO, ERR_ABORTED
 */
export async function createComposedDataset(options: ComposedDatasetOptions): Promise<DatasetReport> {
  const parsed = parseOptions(createSchema, options, 'createComposedDataset');
  const { size, seed, device, shardSize, signal, onProgress } = parsed;
  const total = parsed.train + parsed.validation + parsed.test;
  const { classes } = await sourcesOf('train');
  const manifest = await buildDataset(parsed, async (folder) => {
    const writer = new ShardWriter(folder, SPLITS);
    let done = 0;
    for (const split of SPLITS) {
      for (let first = 0; first < parsed[split]; first += shardSize) {
        const n = Math.min(shardSize, parsed[split] - first);
        const { images, masks, labels, ids } = await composeImages({
          split,
          first,
          count: n,
          size,
          seed,
          device,
          ...(signal ? { signal } : {}),
        });
        await writer.write(split, { tensors: { image: images, mask: masks, label: labels }, ids });
        onProgress?.({ done: (done += n), total });
      }
    }
    return { classes, size: [size, size], settings: { source: 'composed', seed }, splits: writer.splits };
  });
  return reportOf(parsed.out, manifest, []);
}
