/** Pictures of the samples that a page of relevance shows. */
import { join } from 'node:path';

import sharp from 'sharp';

import type { DatasetSplit } from '../data/dataset.js';
import { writeFileAtomic } from '../files.js';
import type { Generator } from '../gan/generator.js';
import { native, withSignal } from '../native.js';
import { disposeAll, type Tensor } from '../tensor.js';
import { encodePictures } from './pictures.js';
import type { ShownSample } from './relevance_results.js';

/** Pixels of an image, and the most of a strip of conditions. */
const SIDE = 160;
const STRIP = 800;
/** Samples drawn at once. */
const BATCH = 16;

interface PictureOptions {
  out: string;
  /** How many were measured: the first of the split. */
  samples: number;
  shown: number;
  signal?: AbortSignal | undefined;
}

const narrowed = (strips: readonly Buffer[]): Promise<Buffer[]> =>
  Promise.all(
    strips.map((strip) =>
      sharp(strip).resize({ width: STRIP, withoutEnlargement: true }).webp({ quality: 82 }).toBuffer(),
    ),
  );

/** Encoded pictures of a batch by name; map0, map1 … by generator. */
async function drawBatch(
  tensors: Record<string, Tensor>,
  generators: readonly Generator[],
  signal: AbortSignal | undefined,
): Promise<Record<string, Buffer[]>> {
  const { image, conditions, target, mask } = tensors as Record<'image' | 'conditions' | 'target', Tensor> & {
    mask?: Tensor;
  };
  const size = [SIDE, SIDE] as const;
  const encode = async (pixels: Tensor): Promise<Buffer[]> => encodePictures(pixels, 'webp');
  const maps: Record<string, Buffer[]> = {};
  for (const [i, generator] of generators.entries()) {
    const drawn = await generator.explain(image, conditions, signal ? { signal } : {});
    try {
      maps[`map${i}`] = await encode(await native.drawMaps(drawn, { size }));
    } finally {
      drawn.dispose();
    }
  }
  // A coloured target is a picture already.
  const draw =
    target.shape[1] === 1 ? native.drawMaps(target, { size }) : native.drawImages(target, undefined, { size });
  return {
    image: await withSignal(signal, (call) => native.drawImages(image, mask, { size }, call)).then(encode),
    target: await draw.then(encode),
    conditions: await native.drawStrips(conditions).then(encode).then(narrowed),
    ...maps,
  };
}

/** Writes pictures of samples spread evenly over those measured. @throws CumulensError ERR_IO, ERR_ABORTED */
export async function writeSamplePictures(
  split: DatasetSplit,
  generators: readonly Generator[],
  { out, samples, shown, signal }: PictureOptions,
): Promise<ShownSample[]> {
  const count = Math.min(shown, samples);
  const chosen = Array.from({ length: count }, (_, i) => Math.floor((i * samples) / count));
  const names = ['image', 'conditions', 'target', ...(split.names.includes('mask') ? ['mask'] : [])];
  const all: ShownSample[] = [];
  for (let begin = 0; begin < count; begin += BATCH) {
    const indices = chosen.slice(begin, begin + BATCH);
    const tensors = await split.batch(indices, { names, ...(signal ? { signal } : {}) });
    const drawn = await drawBatch(tensors, generators, signal).finally(() => disposeAll(tensors));
    for (const [i, index] of indices.entries()) {
      const files: Record<string, string> = {};
      for (const [name, pictures] of Object.entries(drawn)) {
        const file = join('pictures', `${String(index).padStart(6, '0')}-${name}.webp`);
        await writeFileAtomic(join(out, file), pictures[i] as Buffer);
        files[name] = file;
      }
      const { image, target, conditions, ...maps } = files as Record<'image' | 'target' | 'conditions', string>;
      all.push({ index, pictures: { image, target, conditions, maps: Object.values(maps) } });
    }
  }
  return all;
}
