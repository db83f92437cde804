/** A generator against everything simpler: each condition, their best linear combination, luminance, the mean target, noise. */
import { z } from 'zod';

import { Dataset, type DatasetSplit, type Samples } from '../data/dataset.js';
import { CumulensError } from '../errors.js';
import { Generator } from '../gan/generator.js';
import { native, withSignal } from '../native.js';
import { parseOptions } from '../options.js';
import { disposeAll, type Tensor } from '../tensor.js';
import { checkPreparedFor } from './prepared_for.js';
import { ScoreTable, type ScoreSummary } from './score_table.js';
import { scoreAgainstMask, scoreAgainstTarget, SCORES, TARGET_SCORES, type ScoreName } from './scores/scores.js';
import type { Interval } from './statistics.js';

const schema = z.strictObject({
  generator: z.custom<Generator>((value) => value instanceof Generator, 'expected a Generator'),
  /** A prepared dataset. */
  data: z.instanceof(Dataset),
  split: z.string().default('test'),
  /** Where the baselines `linear` and `meanTarget` are fitted. */
  fitSplit: z.string().default('train'),
  batchSize: z.number().int().min(1).max(4096).default(64),
  /** Of the random map and the bootstrap. */
  seed: z.number().int().nonnegative().default(0),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z.custom<(done: number, total: number) => void>((value) => typeof value === 'function').optional(),
});

export type CompareOptions = z.input<typeof schema>;
type Parsed = z.output<typeof schema>;

/** One score of one method. */
export interface ScoreResult extends ScoreSummary {
  /** The generator's minus this method's, sample by sample; absent for the generator. */
  difference?: Interval;
  /** Whether that difference's interval excludes 0 and lies on the generator's side. */
  generatorBetter?: boolean;
}

export interface MethodResult {
  name: string;
  label: string;
  kind: 'generator' | 'cnn' | 'baseline';
  scores: Partial<Record<ScoreName, ScoreResult>>;
}

export interface Comparison {
  samples: number;
  settings: { split: string; fitSplit: string; seed: number; excludeTarget: boolean; scores: Record<string, string> };
  /** Against the target map: the generator first. */
  target: MethodResult[];
  /** Against the masks, where the data has them. */
  mask: MethodResult[];
}

/** What is compared, against the target map and within the masks. */
export const COMPARED_SCORES = { target: TARGET_SCORES, mask: ['energyInMask', 'pointingGame'] } as const;

/** The method that the others are compared with. */
const GENERATOR = 'generator';

const LABELS: Readonly<Record<string, string>> = {
  [GENERATOR]: 'GAN',
  target: 'Grad-CAM, last tap',
  cumulative: 'Cumulative average',
  linear: 'Linear combination',
  luminance: 'Image luminance',
  sobel: 'Sobel edges',
  meanTarget: 'Mean target',
  random: 'Random',
};

function describe(method: string): { label: string; kind: MethodResult['kind'] } {
  const [, index, normalised] = /^condition\.(\d+)(\.normalised)?$/.exec(method) ?? [];
  if (index !== undefined) {
    return { label: `Condition ${Number(index) + 1}${normalised ? ', min–max' : ''}`, kind: 'baseline' };
  }
  const kind = method === GENERATOR ? 'generator' : ['target', 'cumulative'].includes(method) ? 'cnn' : 'baseline';
  return { label: LABELS[method] ?? method, kind };
}

/** Means, intervals and paired differences to the generator. */
async function resultsOf(table: ScoreTable, names: readonly ScoreName[], seed: number): Promise<MethodResult[]> {
  const results: MethodResult[] = [];
  for (const method of table.methods) {
    const scores: MethodResult['scores'] = {};
    for (const name of names) {
      const summary = await table.summarise(method, name, seed);
      if (method === GENERATOR) scores[name] = summary;
      else {
        const { verdict, ...difference } = await table.compare(GENERATOR, method, name, seed);
        scores[name] = { ...summary, difference, generatorBetter: verdict === 'better' };
      }
    }
    results.push({ name: method, ...describe(method), scores });
  }
  return results;
}

type Baselines = Awaited<ReturnType<typeof fitBaselines>>;

/** What the baselines learn, from every training sample, batch by batch. */
async function fitBaselines(split: DatasetSplit, options: Parsed, onBatch: (n: number) => void) {
  const fit = new native.BaselineFit(options.generator.config.conditions);
  await eachBatch(split, options, ['conditions', 'target'], async (samples, _first, n) => {
    const { conditions, target } = samples as Record<'conditions' | 'target', Tensor>;
    await withSignal(options.signal, (call) => fit.add(conditions, target, call));
    onBatch(n);
  });
  return { weights: await fit.linearWeights(), mean: await fit.meanTarget() };
}

async function eachBatch(
  split: DatasetSplit,
  { batchSize, signal }: Parsed,
  names: readonly string[],
  work: (samples: Samples, first: number, n: number) => Promise<void>,
): Promise<void> {
  for (let first = 0; first < split.count; first += batchSize) {
    const indices = Array.from({ length: Math.min(batchSize, split.count - first) }, (_, i) => first + i);
    const samples = await split.batch(indices, { names, ...(signal ? { signal } : {}) });
    try {
      await work(samples, first, indices.length);
    } finally {
      disposeAll(samples);
    }
  }
}

/** Scores batches of held-out samples for every method. */
class BatchScorer {
  readonly target = new ScoreTable();
  readonly mask = new ScoreTable();

  constructor(
    readonly options: Parsed,
    readonly fit: Baselines,
  ) {}

  async add(samples: Samples, first: number): Promise<void> {
    const { generator, seed, signal } = this.options;
    const {
      image: images,
      conditions,
      target,
      mask,
    } = samples as Record<'image' | 'conditions' | 'target', Tensor> & {
      mask?: Tensor;
    };
    const drawn = await generator.explain(images, conditions, signal ? { signal } : {});
    const baselines = await withSignal(signal, (call) =>
      native.baselineMaps({ images, conditions, ...this.fit }, { seed, first }, call),
    );
    try {
      for (const [method, maps] of Object.entries({ [GENERATOR]: drawn, ...baselines })) {
        this.target.add(method, await scoreAgainstTarget(maps, target, signal));
      }
      if (mask) await this.#addMasks(mask, drawn, target, baselines);
    } finally {
      drawn.dispose();
      disposeAll(baselines);
    }
  }

  async #addMasks(mask: Tensor, drawn: Tensor, target: Tensor, baselines: Record<string, Tensor>): Promise<void> {
    const { linear, luminance, sobel, random } = baselines;
    const cumulative = baselines[`condition.${this.options.generator.config.conditions - 1}`];
    const methods = { [GENERATOR]: drawn, target, cumulative, linear, luminance, sobel, random };
    for (const [method, maps] of Object.entries(methods)) {
      if (maps) this.mask.add(method, await scoreAgainstMask(maps, mask, this.options.signal));
    }
  }
}

/** @throws CumulensError unless the data was prepared as the generator takes it */
function checkData({ data, generator }: Parsed): void {
  checkPreparedFor(generator, data);
  const { targetChannels } = data.manifest;
  if (targetChannels !== undefined && targetChannels !== 1) {
    throw new CumulensError('ERR_FORMAT', `${data.folder}: its targets are coloured, which no score is defined for`);
  }
}

/**
 * Scores a generator and every simpler answer on held-out prepared samples, one pass over each split, a batch in memory at a time.
 * With masks, also where the maps' energy lies: of the generator, of the target, of the deepest average kept, and of the baselines.
 * @throws CumulensError ERR_OPTION, ERR_FORMAT when the data does not fit the generator, ERR_ABORTED
 */
export async function compareWithBaselines(options: CompareOptions): Promise<Comparison> {
  const parsed = parseOptions(schema, options, 'compareWithBaselines');
  checkData(parsed);
  const { data, split, fitSplit, seed, onProgress } = parsed;
  const [train, test] = [data.split(fitSplit), data.split(split)];
  let done = 0;
  const advance = (n: number): void => onProgress?.((done += n), train.count + test.count);
  const fit = await fitBaselines(train, parsed, advance);
  try {
    const scorer = new BatchScorer(parsed, fit);
    const names = ['image', 'conditions', 'target', ...(test.names.includes('mask') ? ['mask'] : [])];
    await eachBatch(test, parsed, names, async (samples, first, n) => {
      await scorer.add(samples, first);
      advance(n);
    });
    const compared = [...COMPARED_SCORES.target, ...COMPARED_SCORES.mask];
    const scores = Object.fromEntries(compared.map((name) => [name, SCORES[name].settings]));
    const excludeTarget = data.manifest.settings.excludeTarget === true;
    return {
      samples: test.count,
      settings: { split, fitSplit, seed, excludeTarget, scores },
      target: await resultsOf(scorer.target, COMPARED_SCORES.target, seed),
      mask: await resultsOf(scorer.mask, COMPARED_SCORES.mask, seed),
    };
  } finally {
    fit.weights.dispose();
    fit.mean.dispose();
  }
}
