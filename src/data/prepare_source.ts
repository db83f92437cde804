/** Where `prepare` takes its images from: a dataset directory, or a folder of image files that is read as it goes. */
import { createHash } from 'node:crypto';

import { native, type NativeTensor } from '../native.js';
import { Tensor } from '../tensor.js';
import { openDataset } from './dataset.js';
import { decodeImage, FITS, readImageFile, type DecodeOptions, type Fit } from './decode.js';
import { DuplicateFinder, listImageFolder, type ImageFile } from './folder.js';
import { DECODES_AT_ONCE } from './ingest.js';
import { mapOrdered } from './parallel.js';
import type { Problems } from './problems.js';
import { contentHash, splitOf, SPLITS, type SplitFractions } from './split.js';

/** Samples to prepare. */
export interface SourceChunk {
  /** uint8 [N, 3, H, W] */
  image: Tensor;
  /** uint8 [N, 1, H, W], where there are masks */
  mask?: Tensor;
  /** int64 [N]; −1 where there are no classes */
  label: Tensor;
  ids: string[];
}

export interface PrepareSource {
  classes: readonly string[];
  /** Candidates in each split; some may turn out to be unreadable. */
  splits: Readonly<Record<string, number>>;
  /** Changes with the samples. */
  fingerprint: string;
  /** How the pictures were brought to their size, where they came from files. */
  fit?: Fit;
  /** Candidates first … first + count − 1; nothing when none of them can be read. */
  read(split: string, first: number, count: number): Promise<SourceChunk | undefined>;
  dispose(): void;
}

/** The images of a dataset directory, with its splits. */
export async function datasetSource(folder: string): Promise<PrepareSource> {
  const dataset = await openDataset(folder);
  const fit = FITS.find((name) => name === dataset.manifest.settings.fit);
  return {
    classes: dataset.classes,
    splits: Object.fromEntries(Object.entries(dataset.splits).map(([name, { count }]) => [name, count])),
    fingerprint: dataset.fingerprint,
    ...(fit ? { fit } : {}),
    async read(name, first, count) {
      const split = dataset.split(name);
      const names = split.names.filter((tensor) => ['image', 'label', 'mask'].includes(tensor));
      const rows = Array.from({ length: count }, (_, i) => first + i);
      const samples = await split.batch(rows, { names });
      return { ...(samples as Omit<SourceChunk, 'ids'>), ids: split.ids.slice(first, first + count) };
    },
    dispose: () => dataset.dispose(),
  };
}

function reportUnreadable({ path }: ImageFile, error: Error, problems: Problems): void {
  problems.add({ kind: 'unreadable', path, message: `${error.message}; skipped` }, error);
}

/** Which split each file is in; those that cannot be read are reported and left out. Reads every file once, a few at a time. */
async function divideFiles(files: readonly ImageFile[], fractions: SplitFractions, problems: Problems) {
  const splits: Record<string, ImageFile[]> = Object.fromEntries(SPLITS.map((name) => [name, []]));
  const fingerprint = createHash('sha256');
  const duplicates = new DuplicateFinder(problems);
  type Hashed = { file: ImageFile } & ({ hash: string } | { error: Error });
  const hashOf = async (file: ImageFile): Promise<Hashed> => {
    try {
      return { file, hash: contentHash(await readImageFile(file.path)) };
    } catch (error) {
      return { file, error: error as Error };
    }
  };
  for await (const hashed of mapOrdered(files, DECODES_AT_ONCE, hashOf)) {
    const { file } = hashed;
    if ('error' in hashed) {
      reportUnreadable(file, hashed.error, problems);
      continue;
    }
    const { hash } = hashed;
    duplicates.add(file, hash);
    splits[splitOf(hash, fractions)]?.push(file);
    fingerprint.update(`${file.id}\0${hash}\n`);
  }
  return { splits, fingerprint: fingerprint.digest('hex') };
}

async function packPictures(
  pictures: readonly { file: ImageFile; pixels: Uint8Array }[],
  { height, width }: DecodeOptions,
): Promise<SourceChunk> {
  const image = await native.packImages(
    pictures.map(({ pixels }) => pixels),
    { height, width, layout: 'hwc', size: [height, width] },
  );
  const labels = BigInt64Array.from(pictures, ({ file }) => BigInt(file.label));
  return {
    image: image,
    label: Tensor.from(labels, [labels.length]),
    ids: pictures.map(({ file }) => file.id),
  };
}

/**
 * The images of a folder, with or without class folders, decoded at the CNN's input size.
 * @param problems hears of what cannot be read: files that cannot be opened at once, others when their turn comes
 */
export async function folderSource(
  folder: string,
  { fractions, decode, problems }: { fractions: SplitFractions; decode: DecodeOptions; problems: Problems },
): Promise<PrepareSource> {
  const { classes, files } = await listImageFolder(folder, false, problems);
  const { splits, fingerprint } = await divideFiles(files, fractions, problems);
  type Loaded = { file: ImageFile } & ({ pixels: Uint8Array } | { error: Error });
  const load = async (file: ImageFile): Promise<Loaded> => {
    try {
      return { file, pixels: await decodeImage(await readImageFile(file.path), decode, file.path) };
    } catch (error) {
      return { file, error: error as Error };
    }
  };
  return {
    classes,
    splits: Object.fromEntries(Object.entries(splits).map(([name, { length }]) => [name, length])),
    fingerprint,
    fit: decode.fit,
    async read(split, first, count) {
      const pictures: { file: ImageFile; pixels: Uint8Array }[] = [];
      for await (const result of mapOrdered(splits[split]?.slice(first, first + count) ?? [], DECODES_AT_ONCE, load)) {
        if ('pixels' in result) pictures.push(result);
        else reportUnreadable(result.file, result.error, problems);
      }
      return pictures.length > 0 ? packPictures(pictures, decode) : undefined;
    },
    dispose: () => undefined,
  };
}

/** int64 [N] of one class. */
export function sameClass(label: number, count: number): NativeTensor {
  return Tensor.from(new BigInt64Array(count).fill(BigInt(label)), [count]);
}
