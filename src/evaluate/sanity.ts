/** METHOD §9's sanity checks (Adebayo et al. 2018): a map that explains the CNN changes with its weights, and with the class. */
import { createHash } from 'node:crypto';

import { z } from 'zod';

import { Cnn } from '../cnn/cnn.js';
import { CumulensError } from '../errors.js';
import { abortError, native, withSignal } from '../native.js';
import { parseOptions } from '../options.js';
import { disposeAll, Tensor } from '../tensor.js';
import type { ExplanationMethod, MethodKind } from './contract.js';
import { RandomisedCnns } from './sanity_stages.js';
import { sanityVerdict } from './sanity_verdict.js';
import { meansWithIntervals, type Interval } from './statistics.js';

/** The mean Pearson correlation with the map as it was must fall below these. */
export const SANITY_THRESHOLDS = { modelRandomisation: 0.3, randomLogit: 0.7 } as const;

const schema = z.strictObject({
  cnn: z.custom<Cnn>((value) => value instanceof Cnn, 'expected a Cnn'),
  methods: z
    .array(
      z.custom<ExplanationMethod>(
        (value) => typeof (value as Partial<ExplanationMethod> | null)?.explain === 'function',
        'expected methods as createMethod makes them',
      ),
    )
    .min(1),
  images: z.custom<Tensor>((value) => Tensor.isTensor(value), 'expected a Tensor [n, C, H, W]'),
  target: z.custom<Tensor>((value) => Tensor.isTensor(value), 'expected an int64 Tensor [n]').optional(),
  seed: z.number().int().nonnegative().default(0),
  first: z.number().int().nonnegative().default(0),
  stages: z.number().int().min(1).default(8),
  batchSize: z.number().int().min(1).max(4096).default(32),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z
    .custom<(progress: { done: number; total: number }) => void>((value) => typeof value === 'function')
    .optional(),
});

/**
 * - `images`: [n, C, H, W] as `cnn.predict` takes them; `target`: int64 [n], the predicted classes if not given
 * - `stages`: at most so many steps from the logits' layer to all weights (8), evenly chosen
 * - `seed`: of the new weights, the other classes, the bootstrap, and all that methods draw; `first`: the first image's index in its data
 *   set, so that results do not depend on how a data set is cut
 * - `batchSize`: images at once; `onProgress`: counts maps
 */
export type SanityOptions = z.input<typeof schema>;
type Parsed = z.output<typeof schema>;

/** How like its former self a map is: 1 the same, 0 not at all. */
export interface Similarity {
  /** What was changed: the lowest layer whose weights are new, or the class. */
  label: string;
  /** Correlation over pixels, image by image; 0 where a map is constant. */
  pearson: Interval;
  /** Structural similarity, image by image; 0 where a map is constant. */
  ssim: Interval;
  /** Images for which a map is constant. */
  undefined: number;
}

/**
 * unclear: the interval holds the threshold; inverted: the correlation is as far below 0 as it must not be above it, so what stays of the map
 * is its shape; undefined: a map is constant for more than half of the images, which counts as dissimilar.
 */
export type SanityFlag = 'unclear' | 'inverted' | 'undefined';

export interface SanityCheck {
  /** Whether the mean Pearson correlation lies below the check's threshold. */
  passed: boolean;
  flags: SanityFlag[];
}

export interface MethodSanity {
  name: string;
  label: string;
  kind: MethodKind;
  /** From the logits' layer alone to all weights; `share` of the layers are new. It passes by its last stage. */
  modelRandomisation: SanityCheck & { stages: (Similarity & { share: number })[] };
  /** Absent where the CNN has one logit: there is no other class. */
  randomLogit?: SanityCheck & Similarity;
  /** Both in words. */
  verdict: string;
}

export interface Sanity {
  settings: {
    images: number;
    seed: number;
    thresholds: typeof SANITY_THRESHOLDS;
    /** What passing is decided by. */
    decidedBy: 'pearson';
    /** How weights begin anew. */
    weights: string;
  };
  methods: MethodSanity[];
}

const WEIGHTS =
  "kernels as the network's own initialiser draws them (He normal for a TorchScript model), biases 0; norms scale by 1, shift by 0 and forget " +
  'their running statistics (mean 0, variance 1), which were learned too';

/** Similarities of one method to its own maps, for one change. */
class Similarities {
  readonly pearson: number[] = [];
  readonly ssim: number[] = [];
  undefined = 0;

  async add(maps: Tensor, reference: Tensor, signal: AbortSignal | undefined): Promise<void> {
    const scores = await withSignal(signal, (call) => native.scoreMaps(maps, reference, call));
    const [pearson, ssim] = [await scores.pearson.data(), await scores.ssim.data()] as [Float64Array, Float64Array];
    const constant = (await scores.pearsonUndefined.data()) as Uint8Array;
    disposeAll(scores);
    for (const [i, r] of pearson.entries()) {
      const defined = !constant[i] && Number.isFinite(r) && Number.isFinite(ssim[i]);
      this.pearson.push(defined ? r : 0);
      this.ssim.push(defined ? (ssim[i] as number) : 0);
      if (!defined) this.undefined++;
    }
  }
}

function check({ pearson, undefined: count }: Similarity, threshold: number, images: number): SanityCheck {
  const flags: SanityFlag[] = [];
  if (pearson.low < threshold && pearson.high >= threshold) flags.push('unclear');
  if (pearson.mean <= -SANITY_THRESHOLDS.modelRandomisation) flags.push('inverted');
  if (2 * count > images) flags.push('undefined');
  return { passed: pearson.mean < threshold, flags };
}

/** Classes other than the targets, each drawn for its image alone. */
function otherClasses(targets: BigInt64Array, classes: number, seed: number, first: number): BigInt64Array {
  return targets.map((target, i) => {
    const digest = createHash('sha256')
      .update(`randomLogit ${seed} ${first + i}`)
      .digest();
    return (target + 1n + (digest.readBigUInt64LE() % BigInt(classes - 1))) % BigInt(classes);
  });
}

interface Batch {
  images: Tensor;
  target: Tensor;
  first: number;
}

/** One method under every change. */
class MethodRecord {
  readonly stages: Similarities[];
  readonly otherClass = new Similarities();

  constructor(
    readonly method: ExplanationMethod,
    stages: number,
  ) {
    this.stages = Array.from({ length: stages }, () => new Similarities());
  }

  async result(randomised: RandomisedCnns, seed: number): Promise<MethodSanity> {
    const { name, label, kind } = this.method;
    const images = this.stages[0]?.pearson.length ?? 0;
    const changes = [...this.stages, ...(this.otherClass.pearson.length > 0 ? [this.otherClass] : [])];
    const rows = await meansWithIntervals(
      changes.flatMap(({ pearson, ssim }) => [pearson, ssim]),
      seed,
    );
    const similarity = (index: number, label: string): Similarity => ({
      label,
      pearson: rows[2 * index] as Interval,
      ssim: rows[2 * index + 1] as Interval,
      undefined: changes[index]?.undefined ?? 0,
    });
    const stages = randomised.stages.map(({ label, share }, i) => ({ ...similarity(i, label), share }));
    const last = stages.at(-1) as Similarity;
    const checks = {
      modelRandomisation: { stages, ...check(last, SANITY_THRESHOLDS.modelRandomisation, images) },
      ...(changes.length > stages.length
        ? { randomLogit: this.#randomLogit(similarity(stages.length, 'another class'), images) }
        : {}),
    };
    return { name, label, kind, ...checks, verdict: sanityVerdict(kind, checks) };
  }

  #randomLogit(similarity: Similarity, images: number): SanityCheck & Similarity {
    return { ...similarity, ...check(similarity, SANITY_THRESHOLDS.randomLogit, images) };
  }
}

/** Runs every method over batches: on the CNN itself, on each of its randomised copies, and for another class. */
class SanityRun {
  readonly records: MethodRecord[];
  #done = 0;

  constructor(
    readonly options: Parsed,
    readonly randomised: RandomisedCnns,
    readonly classes: number,
  ) {
    this.records = options.methods.map((method) => new MethodRecord(method, randomised.cnns.length));
  }

  async add(batch: Batch, target: BigInt64Array): Promise<void> {
    const { cnn, seed } = this.options;
    const references: Tensor[] = [];
    try {
      for (const { method } of this.records) references.push(await this.#explain(method, cnn, batch));
      for (const [stage, copy] of this.randomised.cnns.entries())
        await this.#compare(copy, batch, references, ({ stages }) => stages[stage] as Similarities);
      if (this.classes < 2) return;
      const other = Tensor.from(otherClasses(target, this.classes, seed, batch.first), [target.length]);
      try {
        await this.#compare(cnn, { ...batch, target: other }, references, ({ otherClass }) => otherClass);
      } finally {
        other.dispose();
      }
    } finally {
      for (const reference of references) reference.dispose();
    }
  }

  async #compare(
    cnn: Cnn,
    batch: Batch,
    references: readonly Tensor[],
    into: (record: MethodRecord) => Similarities,
  ): Promise<void> {
    for (const [i, record] of this.records.entries()) {
      const maps = await this.#explain(record.method, cnn, batch);
      try {
        await into(record).add(maps, references[i] as Tensor, this.options.signal);
      } finally {
        maps.dispose();
      }
    }
  }

  /** All that a method draws at random is the same for every CNN, so that chance alone never makes two maps differ. */
  async #explain(method: ExplanationMethod, cnn: Cnn, batch: Batch): Promise<Tensor> {
    const { seed, signal, images, methods, onProgress } = this.options;
    if (signal?.aborted) throw abortError(signal);
    const maps = await method.explain({ cnn, ...batch, seed, ...(signal ? { signal } : {}) });
    const changes = 1 + this.randomised.cnns.length + Number(this.classes > 1);
    this.#done += batch.images.shape[0] ?? 0;
    onProgress?.({ done: this.#done, total: (images.shape[0] ?? 0) * methods.length * changes });
    return maps;
  }
}

async function predictedClasses({ cnn, images, batchSize, signal }: Parsed): Promise<BigInt64Array> {
  const { logits, probabilities, predicted } = await cnn.predict(images, { batchSize, ...(signal ? { signal } : {}) });
  logits.dispose();
  probabilities.dispose();
  return BigInt64Array.from(predicted, BigInt);
}

async function targetClasses(options: Parsed): Promise<BigInt64Array> {
  const { target, images } = options;
  if (!target) return predictedClasses(options);
  const [n = 0] = images.shape;
  if (target.dtype !== 'int64' || target.shape.length !== 1 || target.shape[0] !== n)
    throw new CumulensError(
      'ERR_SHAPE',
      `sanity: target must be int64 [${n}], one class for each image, got ${target.dtype} [${target.shape.join(', ')}]`,
    );
  return (await target.data()) as BigInt64Array;
}

/**
 * Does a map depend on the CNN, and on the class? Every method's maps are compared with what they were
 * - `modelRandomisation`: as the CNN's weights begin anew from the logits' layer down to all; must fall below 0.3 in the end
 * - `randomLogit`: for another class, drawn for each image; must fall below 0.7
 *
 * by Pearson correlation, which decides, and SSIM, which maps that are mostly 0 share whatever they show. Memory is bounded by a batch of maps a
 * method, and one more copy of the weights.
 * @throws CumulensError ERR_OPTION, ERR_SHAPE, ERR_FORMAT for a TorchScript model whose weights are constants, ERR_ABORTED
 */
export async function sanityChecks(options: SanityOptions): Promise<Sanity> {
  const parsed = parseOptions(schema, options, 'sanityChecks');
  const { cnn, images, seed, first, stages, batchSize } = parsed;
  const [n = 0] = images.shape;
  if (images.shape.length !== 4 || n === 0)
    throw new CumulensError(
      'ERR_SHAPE',
      `sanity: images must be [n, C, H, W], n ≥ 1, got [${images.shape.join(', ')}]`,
    );
  const targets = await targetClasses(parsed);
  const randomised = await RandomisedCnns.make(cnn, stages, seed);
  try {
    const run = new SanityRun(parsed, randomised, cnn.classes);
    for (let begin = 0; begin < n; begin += batchSize) {
      const end = Math.min(begin + batchSize, n);
      const target = targets.slice(begin, end);
      const batch = { images: native.rows(images, begin, end), target: Tensor.from(target, [target.length]) };
      try {
        await run.add({ ...batch, first: first + begin }, target);
      } finally {
        disposeAll(batch);
      }
    }
    const methods: MethodSanity[] = [];
    for (const record of run.records) methods.push(await record.result(randomised, seed));
    return {
      settings: { images: n, seed, thresholds: SANITY_THRESHOLDS, decidedBy: 'pearson', weights: WEIGHTS },
      methods,
    };
  } finally {
    randomised.dispose();
  }
}
