/** The long part of an evaluation: every method's maps and scores of every image, a chunk in memory at a time. */
import type { Cnn } from '../../cnn/cnn.js';
import { CumulensError } from '../../errors.js';
import { abortError } from '../../native.js';
import { disposeAll, Tensor } from '../../tensor.js';
import type { ExplainRequest, ExplanationMethod } from '../contract.js';
import type { SampleScores, Scorer } from '../scores/scores.js';
import type { Chunk, ChunkImages, EvaluationData } from './data.js';
import { targetsOf } from './linear.js';
import type { ParsedEvaluateOptions } from './options.js';
import type { Part, PartFolder, PartImages } from './parts.js';

export interface Measurement {
  cnn: Cnn;
  data: EvaluationData;
  methods: readonly ExplanationMethod[];
  scorer: Scorer;
  /** Draws what agreement is measured with; absent when no score needs it. */
  target: ExplanationMethod | undefined;
  options: ParsedEvaluateOptions;
}

/** What the CNN says of images, and the class that is explained. The tensor is the caller's. */
export async function classify(
  cnn: Cnn,
  { images, labels }: Pick<ChunkImages, 'images' | 'labels'>,
  { target, chunkSize, signal }: ParsedEvaluateOptions,
): Promise<Pick<PartImages, 'predicted' | 'targets' | 'probabilities'> & { target: Tensor }> {
  const { logits, probabilities, predicted } = await cnn.predict(images, {
    batchSize: chunkSize,
    ...(signal ? { signal } : {}),
  });
  try {
    const tensor =
      target === 'predicted'
        ? Tensor.from(BigInt64Array.from(predicted, BigInt), [predicted.length])
        : targetsOf(target, labels);
    const targets = Array.from((await tensor.data()) as BigInt64Array, Number);
    const table = (await probabilities.data()) as Float32Array;
    const classes = table.length / predicted.length;
    const ofTarget = targets.map((index, i) => table[i * classes + index] as number);
    return { predicted, targets, probabilities: ofTarget, target: tensor };
  } finally {
    disposeAll({ logits, probabilities });
  }
}

/** Scores every chunk that has no part yet; the next one's images are read while one is computed. */
export async function measureAll(measurement: Measurement, parts: PartFolder): Promise<void> {
  const { data, options, methods } = measurement;
  const { signal, onProgress } = options;
  const missing = data.chunks.filter(({ index }) => !parts.has(index));
  let done = data.count - missing.reduce((sum, { rows }) => sum + rows.length, 0);
  const report = (part: number, note?: string): void =>
    onProgress?.({ stage: 'score', done: done + part, total: data.count, ...(note ? { note } : {}) });
  report(0);
  let next = startRead(data, missing[0]);
  for (const [i, chunk] of missing.entries()) {
    const images = await next;
    if (signal?.aborted) throw abortError(signal);
    next = startRead(data, missing[i + 1]);
    const part = images
      ? await measureChunk(chunk, images, measurement, (method) =>
          report((chunk.rows.length * method) / methods.length, methods[method]?.label),
        )
      : emptyPart(chunk, methods.length);
    await parts.write(chunk.index, part);
    done += chunk.rows.length;
    report(0);
  }
}

function startRead(data: EvaluationData, chunk: Chunk | undefined): Promise<ChunkImages | undefined> {
  const images = chunk ? data.read(chunk.split, chunk.rows) : Promise.resolve(undefined);
  images.catch(() => undefined); // heard when it is awaited
  return images;
}

function emptyPart({ split, first }: Chunk, methods: number): Part {
  const none = { rows: [], ids: [], labels: [], predicted: [], targets: [], probabilities: [] };
  const seconds = Array.from({ length: methods }, () => ({ explain: 0, score: 0 }));
  return { split, first, ...none, scores: [], seconds };
}

async function measureChunk(
  { split, first }: Chunk,
  chunk: ChunkImages,
  { cnn, methods, scorer, target: targetMethod, options }: Measurement,
  onMethod: (index: number) => void,
): Promise<Part> {
  const { images, masks, labels, ids, rows } = chunk;
  const { seed, signal } = options;
  const { target, ...classes } = await classify(cnn, chunk, options);
  const request: ExplainRequest = { cnn, images, target, seed, first, signal };
  const targets = await targetMethod?.explain(request);
  try {
    const scores: SampleScores[] = [];
    const seconds: Part['seconds'] = [];
    for (const [index, method] of methods.entries()) {
      onMethod(index);
      const begun = performance.now();
      const maps = await method.explain(request);
      const explained = performance.now();
      try {
        scores.push(
          await scorer.score({
            ...request,
            method,
            maps,
            ...(masks ? { masks } : {}),
            ...(targets ? { targets } : {}),
          }),
        );
      } finally {
        maps.dispose();
      }
      seconds.push({ explain: (explained - begun) / 1000, score: (performance.now() - explained) / 1000 });
    }
    return { split, first, rows, ids, labels, ...classes, scores, seconds };
  } finally {
    disposeAll({ images, target, ...(masks ? { masks } : {}), ...(targets ? { targets } : {}) });
  }
}

/** Why methods cannot explain this CNN, by their names: each is tried on one image. */
export async function tryMethods(
  methods: readonly ExplanationMethod[],
  { cnn, data, options }: Pick<Measurement, 'cnn' | 'data' | 'options'>,
): Promise<Record<string, string>> {
  const reasons: Record<string, string> = {};
  const one = await firstImage(data);
  const { target } = await classify(cnn, one, options);
  try {
    const { seed, signal } = options;
    for (const method of methods) {
      try {
        (await method.explain({ cnn, images: one.images, target, seed, first: 0, signal })).dispose();
      } catch (error) {
        if (!(error instanceof CumulensError) || error.code === 'ERR_ABORTED') throw error;
        reasons[method.name] = error.message;
      }
    }
    return reasons;
  } finally {
    disposeAll({ images: one.images, target, ...(one.masks ? { masks: one.masks } : {}) });
  }
}

async function firstImage(data: EvaluationData): Promise<ChunkImages> {
  for (const { split, rows } of data.chunks)
    for (const row of rows) {
      const image = await data.read(split, [row]);
      if (image) return image;
    }
  throw new CumulensError('ERR_FORMAT', 'evaluate: none of the images can be read');
}
