/** parts/part-*.safetensors: a chunk's scores of every method. Each appears whole or not at all; a run goes on with those that are missing. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { makeFolder } from '../../files.js';
import { readSafetensors, writeSafetensors } from '../../safetensors.js';
import { disposeAll, Tensor } from '../../tensor.js';
import type { SampleScores, ScoreName } from '../scores/scores.js';

export const CURVES = ['deletion', 'insertion'] as const;
export type CurveName = (typeof CURVES)[number];

/** What is known of a chunk's images. */
export interface PartImages {
  ids: string[];
  labels: number[];
  predicted: number[];
  targets: number[];
  /** Of the target class. */
  probabilities: number[];
}

/** Where a part's images are. */
interface Place {
  split: string;
  /** Their indices in the split. */
  rows: number[];
  /** Position of the first; the others follow. */
  first: number;
}

/** Where one image is. */
export interface ImagePlace {
  split: string;
  row: number;
  /** What its random numbers depend on. */
  position: number;
}

export interface Part extends PartImages, Place {
  /** One a method. */
  scores: SampleScores[];
  /** Of each method: making its maps, and scoring them. */
  seconds: { explain: number; score: number }[];
}

/** What a part's metadata holds. */
interface Description extends PartImages, Place {
  seconds: Part['seconds'];
}

const KEY = 'cumulens';

/** A sum and a sum of squares over images: enough for a mean and its error, whatever their number. */
export interface CurveSums {
  sum: Float64Array;
  squares: Float64Array;
}

export class PartFolder {
  readonly #folder: string;
  readonly #count: number;

  /** @param count of all chunks */
  constructor(folder: string, count: number) {
    this.#folder = join(folder, 'parts');
    this.#count = count;
  }

  /** Makes the folder, and removes what a killed run left half-written. */
  async open(): Promise<void> {
    await makeFolder(this.#folder);
    for (const name of await readdir(this.#folder))
      if (!name.endsWith('.safetensors')) await rm(join(this.#folder, name), { force: true });
  }

  #path(index: number): string {
    return join(this.#folder, `part-${String(index).padStart(6, '0')}.safetensors`);
  }

  has(index: number): boolean {
    return existsSync(this.#path(index));
  }

  /** @throws CumulensError ERR_IO */
  async write(index: number, { scores, ...description }: Part): Promise<void> {
    const tensors = tensorsOf(scores, description.ids.length);
    try {
      await writeSafetensors(this.#path(index), tensors, { [KEY]: JSON.stringify(description satisfies Description) });
    } finally {
      disposeAll(tensors);
    }
  }

  /** Parts in order, each with the tensors that `names` asks for as arrays. */
  async *read(
    names: (name: string) => boolean,
  ): AsyncGenerator<Description & { arrays: Record<string, Float64Array | Uint8Array> }> {
    for (let index = 0; index < this.#count; index++) {
      const { tensors, metadata } = await readSafetensors(this.#path(index));
      try {
        const arrays: Record<string, Float64Array | Uint8Array> = {};
        for (const [name, tensor] of Object.entries(tensors))
          if (names(name)) arrays[name] = (await tensor.data()) as Float64Array | Uint8Array;
        yield { ...(JSON.parse(metadata[KEY] ?? '{}') as Description), arrays };
      } finally {
        disposeAll(tensors);
      }
    }
  }

  /** Where some images are. @param indices among those that were read, in order */
  async locate(indices: readonly number[]): Promise<Map<number, ImagePlace>> {
    const wanted = new Set(indices);
    const places = new Map<number, ImagePlace>();
    let done = 0;
    for await (const { split, rows, first } of this.read(() => false)) {
      for (const [i, row] of rows.entries())
        if (wanted.has(done + i)) places.set(done + i, { split, row, position: first + i });
      done += rows.length;
    }
    return places;
  }

  /** One score of every method: a value an image, and how many of them are undefined. */
  async columns(
    name: ScoreName,
    methods: number,
    images: number,
  ): Promise<{ values: Float64Array; undefined: number }[]> {
    const columns = Array.from({ length: methods }, () => ({ values: new Float64Array(images), undefined: 0 }));
    let done = 0;
    for await (const { ids, arrays } of this.read(
      (tensor) => tensor === `scores.${name}` || tensor === `undefined.${name}`,
    )) {
      const n = ids.length;
      const [values, flags] = [arrays[`scores.${name}`], arrays[`undefined.${name}`]];
      columns.forEach((column, m) => {
        if (values) column.values.set(values.subarray(m * n, (m + 1) * n), done);
        for (const flag of flags?.subarray(m * n, (m + 1) * n) ?? []) column.undefined += flag;
      });
      done += n;
    }
    return columns;
  }

  /** Sums of each method's curves over all images; nothing where there are none. */
  async curves(name: CurveName, methods: number): Promise<CurveSums[] | undefined> {
    let sums: CurveSums[] | undefined;
    for await (const { arrays } of this.read((tensor) => tensor === `curves.${name}`)) {
      const table = arrays[`curves.${name}`];
      if (!table) continue;
      const points = table.length / (2 * methods);
      sums ??= Array.from({ length: methods }, () => ({
        sum: new Float64Array(points),
        squares: new Float64Array(points),
      }));
      sums.forEach(({ sum, squares }, m) => {
        for (let i = 0; i < points; i++) {
          sum[i] = (sum[i] as number) + (table[2 * m * points + i] as number);
          squares[i] = (squares[i] as number) + (table[(2 * m + 1) * points + i] as number);
        }
      });
    }
    return sums;
  }
}

/** `scores.NAME` float64 [M, n], `undefined.NAME` uint8 [M, n], `curves.NAME` float64 [M, 2, points]: sums and sums of squares. */
function tensorsOf(scores: readonly SampleScores[], n: number): Record<string, Tensor> {
  const methods = scores.length;
  const tensors: Record<string, Tensor> = {};
  const [first] = scores;
  for (const name of Object.keys(first?.values ?? {}) as ScoreName[]) {
    const values = scores.flatMap((each) => each.values[name] ?? []);
    tensors[`scores.${name}`] = Tensor.from(Float64Array.from(values), [methods, n]);
  }
  for (const name of Object.keys(first?.undefined ?? {}) as ScoreName[]) {
    const flags = scores.flatMap((each) => each.undefined[name] ?? new Array<boolean>(n).fill(false));
    tensors[`undefined.${name}`] = Tensor.from(Uint8Array.from(flags, Number), [methods, n]);
  }
  for (const name of CURVES) {
    const curves = scores.map((each) => each.curves?.[name] ?? []);
    const points = curves[0]?.[0]?.length ?? 0;
    if (points > 0) tensors[`curves.${name}`] = Tensor.from(curveSums(curves, points), [methods, 2, points]);
  }
  return tensors;
}

function curveSums(curves: readonly (readonly (readonly number[])[])[], points: number): Float64Array {
  const sums = new Float64Array(curves.length * 2 * points);
  curves.forEach((rows, m) => {
    for (const row of rows)
      row.forEach((value, i) => {
        const at = 2 * m * points + i;
        sums[at] = (sums[at] as number) + value;
        sums[at + points] = (sums[at + points] as number) + value * value;
      });
  });
  return sums;
}
