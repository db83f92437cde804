/** The images that the page shows: the best and the worst cases of every method, and some at random, drawn again from the same seeds. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { CumulensError } from '../../errors.js';
import { makeFolder, writeFileAtomic } from '../../files.js';
import { abortError, native } from '../../native.js';
import { encodePictures } from '../../report/pictures.js';
import { disposeAll, type Tensor } from '../../tensor.js';
import type { ExplainRequest, ExplanationMethod } from '../contract.js';
import { spread } from './data.js';
import { classify, type Measurement } from './measure.js';
import type { ImagePlace, PartFolder } from './parts.js';
import type { GalleryCase } from './results.js';

/** A quarter of the images are chosen at random: the best and the worst alone would not show what is usual. */
const RANDOM_SHARE = 4;
/** All pictures of a page together: about 10 MB. */
const MOST_PICTURES = 1200;
/** Longest side of a picture. */
const SIDE = 160;

type Case = GalleryCase['cases'][number];

export interface Choice {
  /** Among the images that were read, in order. */
  index: number;
  cases: Case[];
}

export interface ChoiceContext {
  /** By method, in the order in which they have a claim: a value an image. */
  values: ReadonlyMap<string, Float64Array>;
  better: 'lower' | 'higher';
  /** Of the gallery; a page has at most MOST_PICTURES pictures. */
  count: number;
  /** All methods that will be drawn. */
  methods: number;
}

/** Indices from the best to the worst; equal ones as they come. */
function fromBest(values: Float64Array, better: 'lower' | 'higher'): number[] {
  const sign = better === 'lower' ? 1 : -1;
  return Array.from(values.keys()).sort((a, b) => sign * ((values[a] as number) - (values[b] as number)) || a - b);
}

/**
 * Which images to show. Methods choose in turn their best, their worst, their second best …; an image that two choose is shown once, with
 * both cases. The rest is spread evenly.
 */
export function chooseCases({ values, better, count, methods }: ChoiceContext): Choice[] {
  const images = [...values.values()][0]?.length ?? 0;
  const total = Math.min(images, count, Math.floor(MOST_PICTURES / (methods + 1)));
  const chosen = new Map<number, Case[]>();
  const extremes = total - Math.ceil(total / RANDOM_SHARE);
  const orders = [...values].map(([method, column]) => ({ method, column, order: fromBest(column, better) }));
  for (let turn = 0; turn < images && chosen.size < extremes; turn++) {
    for (const { method, column, order } of orders) {
      for (const kind of ['best', 'worst'] as const) {
        const index = (kind === 'best' ? order[turn] : order[images - 1 - turn]) as number;
        if (chosen.size >= extremes && !chosen.has(index)) continue;
        chosen.set(index, [...(chosen.get(index) ?? []), { method, kind, value: column[index] as number }]);
      }
    }
  }
  // Evenly spread, and shifted where an image is there already.
  for (let shift = 0; chosen.size < total; shift++) {
    for (const index of spread(images, total - extremes)) {
      const shifted = (index + shift) % images;
      if (chosen.size < total && !chosen.has(shifted)) chosen.set(shifted, []);
    }
  }
  return [...chosen].map(([index, cases]) => ({ index, cases })).sort((a, b) => a.index - b.index);
}

/** Longest side SIDE, the shape kept. */
function pictureSize({ height, width }: { height: number; width: number }): [number, number] {
  const scale = SIDE / Math.max(height, width);
  return [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))];
}

/** Where the picture of a method is; of the image itself without one. */
export function pictureFile(files: string, method?: number): string {
  return `${files}-${method === undefined ? 'image' : String(method).padStart(2, '0')}.webp`;
}

/**
 * Draws what is not there yet into `gallery/`, an image at a time, each with its own seed as in the measurement.
 * @param headline values of the headline score by method
 */
export async function drawGallery(
  choices: readonly Choice[],
  parts: PartFolder,
  measurement: Measurement,
  headline: ReadonlyMap<string, Float64Array>,
): Promise<GalleryCase[]> {
  const { out, signal, onProgress } = measurement.options;
  await makeFolder(join(out, 'gallery'));
  const places = await parts.locate(choices.map(({ index }) => index));
  const drawn: GalleryCase[] = [];
  for (const { index, cases } of choices) {
    if (signal?.aborted) throw abortError(signal);
    onProgress?.({ stage: 'gallery', done: drawn.length, total: choices.length });
    const values = Object.fromEntries([...headline].map(([method, column]) => [method, column[index] as number]));
    drawn.push({ ...(await drawCase(places.get(index) as ImagePlace, measurement)), cases, values });
  }
  onProgress?.({ stage: 'gallery', done: drawn.length, total: choices.length });
  return drawn;
}

async function drawCase(
  { split, row, position }: ImagePlace,
  { cnn, data, methods, options }: Measurement,
): Promise<Omit<GalleryCase, 'cases' | 'values'>> {
  const one = await data.read(split, [row]);
  if (!one) throw new CumulensError('ERR_IO', `${split} ${row}: cannot be read any more`);
  const { images, masks, ids, labels } = one;
  const { target, predicted, targets, probabilities } = await classify(cnn, one, options);
  const files = `gallery/${String(position).padStart(6, '0')}`;
  const size = pictureSize(cnn.spec.input);
  try {
    await drawOnce(join(options.out, pictureFile(files)), () => native.drawImages(images, masks, { size }));
    const request = { cnn, images, target, seed: options.seed, first: position, signal: options.signal };
    for (const [m, method] of methods.entries())
      await drawOnce(join(options.out, pictureFile(files, m)), () => drawMap(method, request, size));
  } finally {
    disposeAll({ images, target, ...(masks ? { masks } : {}) });
  }
  return {
    position,
    id: ids[0] as string,
    label: labels[0] as number,
    predicted: predicted[0] as number,
    target: targets[0] as number,
    probability: probabilities[0] as number,
    files,
  };
}

async function drawMap(
  method: ExplanationMethod,
  request: ExplainRequest,
  size: readonly [number, number],
): Promise<Tensor> {
  const maps = await method.explain(request);
  try {
    return await native.drawMaps(maps, { size });
  } finally {
    maps.dispose();
  }
}

async function drawOnce(path: string, draw: () => Promise<Tensor>): Promise<void> {
  if (existsSync(path)) return;
  const [picture] = await encodePictures(await draw(), 'webp');
  await writeFileAtomic(path, picture as Buffer);
}
