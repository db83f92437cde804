/** Where `prepare` takes its images from: a dataset directory, or a folder of image files that is read as it goes. */
import { createHash } from 'node:crypto';

import { native, type NativeTensor } from '../native.js';
import { Tensor } from '../tensor.js';
import { openDataset, type Dataset } from './dataset.js';
import { decodeImage, readImageFile, type DecodeOptions } from './decode.js';
import { resizeSchema, type Resize } from './resize.js';
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
  /** The candidates that could be read. */
  rows: number[];
}

export interface PrepareSource {
  classes: readonly string[];
  /** Candidates in each split; some may turn out to be unreadable. */
  splits: Readonly<Record<string, number>>;
  /** Changes with the samples. */
  fingerprint: string;
  /** How the pictures were brought to their size, where they came from files. */
  resize?: Resize;
  /** Whether a split's samples have masks. */
  hasMasks(split: string): boolean;
  /** Candidates by index; those that cannot be read are left out, and nothing is left when none can. */
  read(split: string, rows: readonly number[]): Promise<SourceChunk | undefined>;
  dispose(): void;
}

/** The images of a dataset directory, with its splits; one that is open stays open. */
export async function datasetSource(data: string | Dataset): Promise<PrepareSource> {
  const dataset = typeof data === 'string' ? await openDataset(data) : data;
  const { fit, scale, interpolation } = dataset.manifest.settings;
  const resize = resizeSchema.safeParse({ fit, scale, interpolation });
  return {
    classes: dataset.classes,
    splits: Object.fromEntries(Object.entries(dataset.splits).map(([name, { count }]) => [name, count])),
    fingerprint: dataset.fingerprint,
    ...(fit !== undefined && resize.success ? { resize: resize.data } : {}),
    hasMasks: (name) => dataset.split(name).names.includes('mask'),
    async read(name, rows) {
      const split = dataset.split(name);
      const names = split.names.filter((tensor) => ['image', 'label', 'mask'].includes(tensor));
      const samples = await split.batch(rows, { names });
      const ids = rows.map((row) => split.ids[row] as string);
      return { ...(samples as Pick<SourceChunk, 'image' | 'mask' | 'label'>), ids, rows: [...rows] };
    },
    dispose: () => (typeof data === 'string' ? dataset.dispose() : undefined),
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
): Promise<Omit<SourceChunk, 'rows'>> {
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
    resize: { fit: decode.fit, scale: decode.scale, interpolation: decode.interpolation },
    hasMasks: () => false,
    async read(split, rows) {
      const pictures: { file: ImageFile; pixels: Uint8Array; row: number }[] = [];
      const chosen = rows.map((row) => splits[split]?.[row] as ImageFile);
      const read = rows.values();
      for await (const result of mapOrdered(chosen, DECODES_AT_ONCE, load)) {
        const row = read.next().value as number;
        if ('pixels' in result) pictures.push({ ...result, row });
        else reportUnreadable(result.file, result.error, problems);
      }
      if (pictures.length === 0) return undefined;
      return { ...(await packPictures(pictures, decode)), rows: pictures.map(({ row }) => row) };
    },
    dispose: () => undefined,
  };
}

/** int64 [N] of one class. */
export function sameClass(label: number, count: number): NativeTensor {
  return Tensor.from(new BigInt64Array(count).fill(BigInt(label)), [count]);
}
