/** METHOD §8: how much each condition matters to a trained generator, by replacing it and by gradient. */
import { z } from 'zod';

import { Dataset, openDataset, type DatasetSplit, type Samples } from '../data/dataset.js';
import { CumulensError } from '../errors.js';
import { Generator } from '../gan/generator.js';
import { native, withSignal } from '../native.js';
import { parseOptions } from '../options.js';
import { disposeAll, Tensor } from '../tensor.js';
import { conditionDepths, type ConditionDepth } from './depths.js';
import { checkPreparedFor } from './prepared_for.js';
import {
  firstAndLastAnswer,
  RELEVANCE_KINDS,
  summarise,
  type KindResult,
  type RelevanceKind,
  type SampleRelevance,
} from './relevance_summary.js';

const schema = z.strictObject({
  generator: z.union([z.custom<Generator>((value) => value instanceof Generator), z.string().min(1)], {
    error: "expected a Generator or its file's path",
  }),
  data: z.union([z.instanceof(Dataset), z.string().min(1)], {
    error: "expected a prepared dataset or its folder's path",
  }),
  split: z.string().default('test'),
  meanSplit: z.string().default('train'),
  kinds: z
    .array(z.enum(RELEVANCE_KINDS))
    .min(1)
    .default([...RELEVANCE_KINDS]),
  limit: z.number().int().positive().optional(),
  batchSize: z.number().int().min(1).max(4096).default(32),
  seed: z.number().int().nonnegative().default(0),
  device: z.string().default('auto'),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z
    .custom<(progress: { done: number; total: number }) => void>((value) => typeof value === 'function')
    .optional(),
  done: z.array(z.custom<SampleRelevance>()).default([]),
  onSamples: z.custom<(samples: SampleRelevance[]) => Promise<void>>((value) => typeof value === 'function').optional(),
});

/**
 * - `data`: a prepared dataset; `split`: the samples looked at (test); `limit`: only the first so many of them
 * - `kinds`: see RELEVANCE_KINDS; all of them by default
 * - `meanSplit`: where the mean conditions of kind `mean` are taken (train)
 * - `batchSize`: samples read at once; a pass of the generator takes as many
 * - `seed`: of the bootstrap, and of who is swapped with whom
 * - `onSamples`: gets each batch's results; `done`: what it got before, in order, of work that was interrupted and goes on
 */
export type RelevanceOptions = z.input<typeof schema>;
type Parsed = z.output<typeof schema>;

export interface Relevance {
  variant: 'lsft' | 'gsft';
  conditions: number;
  /** How deep in the CNN each condition reaches. */
  depths: ConditionDepth[];
  settings: { split: string; meanSplit: string; swappedBy: number; seed: number; size: number };
  kinds: Partial<Record<RelevanceKind, KindResult>>;
  /** Whether the first and the last condition matter equally, by all kinds together, in words. */
  answer: string;
  samples: SampleRelevance[];
}

type Prepared = Record<'image' | 'conditions', Tensor>;

const followed = <T>(options: Parsed, run: Parameters<typeof withSignal<T>>[1]): Promise<T> =>
  withSignal(options.signal, run);

function* batches(begin: number, count: number, size: number): Iterable<number[]> {
  for (let first = begin; first < count; first += size)
    yield Array.from({ length: Math.min(size, count - first) }, (_, i) => first + i);
}

async function withSamples<T>(
  split: DatasetSplit,
  indices: readonly number[],
  names: readonly string[],
  { signal }: Parsed,
  work: (samples: Samples) => Promise<T>,
): Promise<T> {
  const samples = await split.batch(indices, { names, ...(signal ? { signal } : {}) });
  try {
    return await work(samples);
  } finally {
    disposeAll(samples);
  }
}

/** float64 [1, P, S, S] over a split, batch by batch. */
async function meanConditions(split: DatasetSplit, options: Parsed): Promise<Tensor> {
  let mean: Tensor | undefined;
  for (const indices of batches(0, split.count, 4 * options.batchSize)) {
    const before = mean;
    mean = await withSamples(split, indices, ['conditions'], options, ({ conditions }) =>
      followed(options, (call) => native.runningMean(before, indices[0] as number, conditions as Tensor, call)),
    );
    before?.dispose();
  }
  return mean as Tensor;
}

/** What stands in the conditions' place, for each kind that replaces them. */
class Replacements {
  readonly #split: DatasetSplit;
  readonly #options: Parsed;
  readonly #mean: Tensor | undefined;
  /** Sample i is swapped with the one so many places further on. */
  readonly swappedBy: number;

  private constructor(split: DatasetSplit, options: Parsed, mean: Tensor | undefined) {
    this.#split = split;
    this.#options = options;
    this.#mean = mean;
    // Anything from 1 to count − 1, far from its neighbours, who may be of its class.
    this.swappedBy = 1 + ((Math.floor(split.count / 2) + options.seed) % Math.max(1, split.count - 1));
  }

  static async make(split: DatasetSplit, dataset: Dataset, options: Parsed): Promise<Replacements> {
    if (options.kinds.includes('swap') && split.count < 2)
      throw new CumulensError(
        'ERR_OPTION',
        `relevance: kind 'swap' needs two samples, '${split.name}' has ${split.count}`,
      );
    const mean = options.kinds.includes('mean')
      ? await meanConditions(dataset.split(options.meanSplit), options)
      : undefined;
    return new Replacements(split, options, mean);
  }

  async with<T>(
    kind: RelevanceKind,
    indices: readonly number[],
    shape: readonly number[],
    use: (tensor: Tensor) => Promise<T>,
  ): Promise<T> {
    if (kind === 'mean') return use(this.#mean as Tensor);
    if (kind === 'swap') {
      const partners = indices.map((index) => (index + this.swappedBy) % this.#split.count);
      return withSamples(this.#split, partners, ['conditions'], this.#options, (samples) =>
        use(samples.conditions as Tensor),
      );
    }
    const sizes = [1, ...shape.slice(1)];
    const zeros = Tensor.from(new Float32Array(sizes.reduce((a, b) => a * b)), sizes);
    try {
      return await use(zeros);
    } finally {
      zeros.dispose();
    }
  }

  dispose(): void {
    this.#mean?.dispose();
  }
}

/** Rows [n][P] of one kind for a batch. */
async function relevanceOf(
  kind: RelevanceKind,
  { image, conditions }: Prepared,
  indices: readonly number[],
  replacements: Replacements,
  generator: Generator,
  options: Parsed,
): Promise<number[][]> {
  const { batchSize } = options;
  const result =
    kind === 'gradient'
      ? await followed(options, (call) => generator.native.gradientRelevance(image, conditions, { batchSize }, call))
      : await replacements.with(kind, indices, conditions.shape, (replaced) =>
          followed(options, (call) =>
            generator.native.replacementRelevance(image, conditions, replaced, { batchSize }, call),
          ),
        );
  const values = Array.from((await result.data()) as Float64Array);
  result.dispose();
  const P = generator.config.conditions;
  return indices.map((_, row) => values.slice(row * P, (row + 1) * P));
}

/**
 * Relevance of every condition: per sample, over the data set and by class with 95 % bootstrap intervals, and whether the first and the last
 * matter equally. One batch is in memory at a time, beside P numbers a sample and kind.
 * @throws CumulensError ERR_OPTION, ERR_FORMAT when the data does not fit the generator, ERR_IO, ERR_ABORTED
 */
export async function relevance(options: RelevanceOptions): Promise<Relevance> {
  const parsed = parseOptions(schema, options, 'relevance');
  const { generator: given, data, device } = parsed;
  const generator = typeof given === 'string' ? await Generator.load(given, { device }) : given;
  let dataset: Dataset | undefined;
  try {
    dataset = typeof data === 'string' ? await openDataset(data) : data;
    checkPreparedFor(generator, dataset);
    return await measure(generator, dataset, parsed);
  } finally {
    if (typeof data === 'string') dataset?.dispose();
    if (typeof given === 'string') generator.dispose();
  }
}

/** @throws CumulensError ERR_OPTION unless the samples are the first ones, with all that is asked for */
function checkDone({ done, kinds }: Parsed, ids: readonly string[], total: number): void {
  const fits = ({ id, relevance: known }: SampleRelevance, i: number): boolean =>
    i < total && id === ids[i] && kinds.every((kind) => known[kind]);
  if (!done.every(fits))
    throw new CumulensError('ERR_OPTION', 'relevance: done: these are not the first samples of this work');
}

async function measure(generator: Generator, dataset: Dataset, options: Parsed): Promise<Relevance> {
  const { seed, kinds, limit, batchSize, onProgress, onSamples } = options;
  const split = dataset.split(options.split);
  const total = Math.min(split.count, limit ?? split.count);
  if (total === 0) throw new CumulensError('ERR_OPTION', `relevance: the split '${split.name}' is empty`);
  checkDone(options, split.ids, total);
  const samples = [...options.done];
  const replacements = await Replacements.make(split, dataset, options);
  try {
    for (const indices of batches(samples.length, total, batchSize)) {
      const rows = await measureBatch(split, indices, generator, replacements, options);
      samples.push(...rows);
      await onSamples?.(rows);
      onProgress?.({ done: samples.length, total });
    }
  } finally {
    replacements.dispose();
  }
  const results: Relevance['kinds'] = {};
  for (const kind of kinds) results[kind] = await summarise(kind, samples, dataset.classes, seed);
  const { variant, conditions } = generator.config;
  return {
    variant,
    conditions,
    depths: conditionDepths(dataset.manifest),
    settings: {
      split: options.split,
      meanSplit: options.meanSplit,
      swappedBy: replacements.swappedBy,
      seed,
      size: dataset.size[0],
    },
    kinds: results,
    answer: firstAndLastAnswer(results),
    samples,
  };
}

function measureBatch(
  split: DatasetSplit,
  indices: readonly number[],
  generator: Generator,
  replacements: Replacements,
  options: Parsed,
): Promise<SampleRelevance[]> {
  return withSamples(split, indices, ['image', 'conditions', 'label'], options, async (tensors) => {
    const labels = Array.from((await tensors.label?.data()) as BigInt64Array, Number);
    const rows = indices.map((index, i): SampleRelevance => ({
      id: split.ids[index] as string,
      label: labels[i] as number,
      relevance: {},
    }));
    for (const kind of options.kinds) {
      const values = await relevanceOf(kind, tensors as Prepared, indices, replacements, generator, options);
      rows.forEach((row, i) => (row.relevance[kind] = values[i] as number[]));
    }
    return rows;
  });
}
