/** The images of an evaluation, wherever they come from: the CNN's size, its classes, a chunk at a time. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { Cnn } from '../../cnn/cnn.js';
import { Dataset, openDataset } from '../../data/dataset.js';
import { MANIFEST_FILE } from '../../data/manifest.js';
import { datasetSource, folderSource, type PrepareSource, type SourceChunk } from '../../data/prepare_source.js';
import { Problems } from '../../data/problems.js';
import { CumulensError } from '../../errors.js';
import { native, withSignal } from '../../native.js';
import { didYouMean } from '../../options.js';
import type { Tensor } from '../../tensor.js';
import type { ParsedEvaluateOptions } from './options.js';

/** Images that are evaluated together. */
export interface Chunk {
  index: number;
  split: string;
  /** Their indices in the split. */
  rows: number[];
  /** Position of the first among all that are evaluated. */
  first: number;
}

/** A chunk's images, of the CNN's input size; those that cannot be read are left out. */
export interface ChunkImages {
  /** uint8 [n, 3, H, W] */
  images: Tensor;
  /** uint8 [n, 1, H, W] */
  masks?: Tensor;
  /** The CNN's index of each image's class; −1 where it has none, or the CNN does not know it. */
  labels: number[];
  ids: string[];
  /** Their indices in the split. */
  rows: number[];
}

/** `count` indices, evenly spread over 0 … total − 1: files of a folder lie class by class. */
export function spread(total: number, count = total): number[] {
  const chosen = Math.min(count, total);
  return Array.from({ length: chosen }, (_, i) => Math.floor((i * total) / chosen));
}

/** Which of the CNN's classes each of the data's is, by name where both have names; −1 for those that it has not. */
export function matchClasses(
  classes: readonly string[],
  cnn: { names: readonly string[] | undefined; count: number },
): { indices: number[]; note?: string } {
  const { names, count } = cnn;
  const byName = classes.map((name) => names?.indexOf(name) ?? -1);
  if (byName.some((index) => index >= 0) || classes.length === 0) {
    const lost = classes.filter((_, i) => (byName[i] as number) < 0);
    return {
      indices: byName,
      ...(lost.length > 0
        ? { note: `the CNN has no class '${lost.join("', '")}': labels of it count as unknown` }
        : {}),
    };
  }
  if (classes.length !== count) {
    const note = `the data's ${classes.length} classes are not the CNN's ${count}: labels count as unknown`;
    return { indices: byName, note };
  }
  const note = names
    ? "the data's classes have other names than the CNN's, and are taken to be the same in order"
    : undefined;
  return { indices: classes.map((_, i) => i), ...(note ? { note } : {}) };
}

export class EvaluationData {
  readonly kind: 'images' | 'prepared' | 'files';
  /** Names of the CNN's classes, or of the data's where they are the same. */
  readonly classes: readonly string[];
  readonly fingerprint: string;
  readonly hasMasks: boolean;
  /** What a reader must know of how the images were taken. */
  readonly notes: readonly string[];
  /** All that are evaluated, in order. */
  readonly chunks: readonly Chunk[];
  /** Images that are evaluated, if all can be read. */
  readonly count: number;
  /** Prepared data: its folder's description and conditions. */
  readonly prepared: Dataset | undefined;
  readonly #source: PrepareSource;
  readonly #close: () => void;
  readonly #size: readonly [number, number];
  readonly #labels: readonly number[];
  readonly #signal: AbortSignal | undefined;

  private constructor(
    source: PrepareSource,
    dataset: Dataset | undefined,
    close: () => void,
    cnn: Cnn,
    options: ParsedEvaluateOptions,
  ) {
    const { height, width } = cnn.spec.input;
    const { indices, note } = matchClasses(source.classes, { names: cnn.spec.classes, count: cnn.classes });
    this.kind = dataset ? dataset.kind : 'files';
    this.prepared = dataset?.kind === 'prepared' ? dataset : undefined;
    this.classes = cnn.spec.classes ?? (source.classes.length === cnn.classes ? source.classes : []);
    this.fingerprint = source.fingerprint;
    this.#source = source;
    this.#close = close;
    this.#size = [height, width];
    this.#labels = indices;
    this.#signal = options.signal;
    this.chunks = planChunks(chosenSplits(source, options), options);
    this.count = this.chunks.reduce((sum, { rows }) => sum + rows.length, 0);
    this.hasMasks = this.chunks.every(({ split }) => source.hasMasks(split));
    this.notes = [...(note ? [note] : []), ...sizeNote(dataset, this.#size)];
  }

  /** @throws CumulensError ERR_IO, ERR_FORMAT, or ERR_OPTION for a split that there is not, or is empty */
  static async open(options: ParsedEvaluateOptions, cnn: Cnn): Promise<EvaluationData> {
    const { data, test, validation, onProblem } = options;
    const own = typeof data === 'string' && existsSync(join(data, MANIFEST_FILE)) ? await openDataset(data) : undefined;
    const dataset = own ?? (data instanceof Dataset ? data : undefined);
    const { height, width } = cnn.spec.input;
    try {
      const source = dataset
        ? await datasetSource(dataset)
        : await folderSource(data as string, {
            fractions: { test, validation },
            decode: { height, width, ...cnn.spec.preprocessing.resize },
            problems: new Problems(false, onProblem),
          });
      return new EvaluationData(source, dataset, () => own?.dispose(), cnn, options);
    } catch (error) {
      own?.dispose();
      throw error;
    }
  }

  /** Images in the training split: what `linear` may be fitted to. */
  get trainingCount(): number {
    return this.#source.splits.train ?? 0;
  }

  /** Images of a split by their indices; nothing when none of them can be read. */
  async read(split: string, rows: readonly number[]): Promise<ChunkImages | undefined> {
    const chunk = await this.#source.read(split, rows);
    if (!chunk) return undefined;
    const labels = Array.from(
      (await chunk.label.data()) as BigInt64Array,
      (label) => this.#labels[Number(label)] ?? -1,
    );
    chunk.label.dispose();
    const resized = await this.#resize(chunk);
    return { ...resized, labels, ids: chunk.ids, rows: chunk.rows };
  }

  async #resize({ image, mask }: SourceChunk): Promise<{ images: Tensor; masks?: Tensor }> {
    const fit = async (tensor: Tensor): Promise<Tensor> => {
      try {
        return await withSignal(this.#signal, (call) => native.resizeImages(tensor, { size: this.#size }, call));
      } finally {
        tensor.dispose();
      }
    };
    const images = await fit(image);
    return mask ? { images, masks: await fit(mask) } : { images };
  }

  dispose(): void {
    this.#source.dispose();
    this.#close();
  }
}

function chosenSplits({ splits }: PrepareSource, { split, data }: ParsedEvaluateOptions): [string, number][] {
  const where = typeof data === 'string' ? data : data.folder;
  const filled = Object.entries(splits).filter(([, count]) => count > 0);
  const all = filled.map(([name, count]) => `${name} ${count}`).join(', ');
  if (split === 'all') return filled;
  const count = splits[split];
  if (count === undefined) {
    const known = [...Object.keys(splits), 'all'];
    throw new CumulensError(
      'ERR_OPTION',
      `${where}: there is no split '${split}'${didYouMean(split, known) || `, only ${known.join(', ')}`}`,
    );
  }
  if (count === 0)
    throw new CumulensError(
      'ERR_OPTION',
      `${where}: the split '${split}' is empty (${all || 'no images'}); 'all' takes every image`,
    );
  return [[split, count]];
}

/** No chunk spans two splits. */
function planChunks(splits: readonly [string, number][], { limit, chunkSize }: ParsedEvaluateOptions): Chunk[] {
  const total = splits.reduce((sum, [, count]) => sum + count, 0);
  const chunks: Chunk[] = [];
  let [before, position] = [0, 0];
  const chosen = spread(total, limit);
  for (const [split, count] of splits) {
    const rows = chosen.filter((index) => index >= before && index < before + count).map((index) => index - before);
    for (let i = 0; i < rows.length; i += chunkSize) {
      const part = rows.slice(i, i + chunkSize);
      chunks.push({ index: chunks.length, split, rows: part, first: position });
      position += part.length;
    }
    before += count;
  }
  return chunks;
}

function sizeNote(dataset: Dataset | undefined, [height, width]: readonly [number, number]): string[] {
  const [tall, wide] = dataset?.size ?? [height, width];
  if (dataset?.kind !== 'prepared' || (tall >= height && wide >= width)) return [];
  return [
    `the prepared images are ${tall}×${wide} and are enlarged to the CNN's ${height}×${width}, which may change what it sees: evaluate on the original images where you have them`,
  ];
}
