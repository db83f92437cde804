/** Tries a study's generators, and what they are compared with, on held-out images. Every score is kept image by image. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

import { openDataset, type Dataset, type DatasetSplit, type Samples } from '../data/dataset.js';
import { merge } from '../evaluate/scores/families.js';
import { scoreAgainstMask, scoreAgainstTarget, type SampleScores, type ScoreName } from '../evaluate/scores/scores.js';
import { makeFolder } from '../files.js';
import { Generator } from '../gan/generator.js';
import { native, withSignal } from '../native.js';
import { readSafetensors, writeSafetensors } from '../safetensors.js';
import { disposeAll, type Tensor } from '../tensor.js';
import type { Artifacts, Report } from './artifacts.js';
import { pairName, type Pair, type Training } from './plan.js';

/** One value an image, by score; null where the score is undefined, which counts as 0. */
export type Rows = Partial<Record<ScoreName, (number | null)[]>>;
/** By method. */
export type MethodRows = Record<string, Rows>;

const BATCH = 64;

/** What a set of sources is called: trainings on the same ones share their baselines. */
export function sourceName({
  scope,
  left,
  sources,
  target,
}: Pick<Training, 'scope' | 'left' | 'sources' | 'target'>): string {
  const what = scope === 'one' ? pairName(sources[0] as Pair) : left;
  return [target, scope, ...(what === undefined ? [] : [what])].join('-');
}

export const triedOn = (name: string, pair: Pair): string => `${name}--${pairName(pair)}`;

async function eachBatch(
  split: DatasetSplit,
  names: readonly string[],
  signal: AbortSignal,
  work: (samples: Samples, first: number) => Promise<void>,
): Promise<void> {
  for (let first = 0; first < split.count; first += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, split.count - first) }, (_, i) => first + i);
    const samples = await split.batch(rows, { names, signal });
    try {
      await work(samples, first);
    } finally {
      disposeAll(samples);
    }
  }
}

/** Adds the scores of further images to a method's. */
export function addScores(rows: MethodRows, method: string, { values, undefined: flags }: SampleScores): void {
  const own = (rows[method] ??= {});
  for (const [name, added] of Object.entries(values) as [ScoreName, number[]][]) {
    (own[name] ??= []).push(...added.map((value, i) => (flags[name]?.[i] ? null : value)));
  }
}

/** Against the target, and within the mask where there is one. */
async function scoreMaps(maps: Tensor, { target, mask }: Samples, signal: AbortSignal): Promise<SampleScores> {
  const against = await scoreAgainstTarget(maps, target as Tensor, signal);
  return mask ? merge(against, await scoreAgainstMask(maps, mask, signal)) : against;
}

async function withTest<T>(folder: string, use: (data: Dataset, names: string[]) => Promise<T>): Promise<T> {
  const data = await openDataset(folder);
  try {
    const masked = data.split('test').names.includes('mask');
    return await use(data, ['image', 'conditions', 'target', ...(masked ? ['mask'] : [])]);
  } finally {
    data.dispose();
  }
}

/** Scores a trained generator on the held-out images of a pair. */
export async function scoreGenerator(
  file: string,
  training: Training,
  pair: Pair,
  artifacts: Artifacts,
  report: Report,
): Promise<void> {
  const { folder, signal, config } = artifacts;
  const name = triedOn(training.id, pair);
  if (folder.has('scores', name)) return;
  const prepared = await artifacts.prepared(pair, training.target, report);
  const generator = await Generator.load(file, { device: config.device });
  const rows: MethodRows = {};
  try {
    await withTest(prepared, async (data, names) => {
      const split = data.split('test');
      await eachBatch(split, names, signal, async (samples, first) => {
        const drawn = await generator.explain(samples.image as Tensor, samples.conditions as Tensor, { signal });
        addScores(rows, 'generator', await scoreMaps(drawn, samples, signal));
        drawn.dispose();
        report(Math.min(first + BATCH, split.count), split.count, pairName(pair));
      });
    });
  } finally {
    generator.dispose();
  }
  await folder.write('scores', name, rows);
}

/** The linear baseline and the mean target of a training's sources, as float64 [P + 1] and [1, 1, S, S]; fitted once. */
async function fitted(
  training: Training,
  artifacts: Artifacts,
  report: Report,
): Promise<Record<'weights' | 'mean', Tensor>> {
  const { folder, signal, config } = artifacts;
  const path = folder.fit(sourceName(training));
  await artifacts.once(
    `fit-${sourceName(training)}`,
    () => existsSync(path),
    async () => {
      const fit = new native.BaselineFit(config.conditions);
      for (const pair of training.sources) {
        const data = await openDataset(await artifacts.prepared(pair, training.target, report));
        try {
          await eachBatch(data.split('train'), ['conditions', 'target'], signal, ({ conditions, target }) =>
            withSignal(signal, (call) => fit.add(conditions as Tensor, target as Tensor, call)),
          );
        } finally {
          data.dispose();
        }
      }
      const tensors = { weights: await fit.linearWeights(), mean: await fit.meanTarget() };
      await makeFolder(dirname(path));
      await writeSafetensors(path, tensors, {});
      disposeAll(tensors);
    },
  );
  return (await readSafetensors(path)).tensors;
}

/** Scores what needs no generator, fitted on the training's sources, on the held-out images of a pair. */
export async function scoreBaselines(
  training: Training,
  pair: Pair,
  artifacts: Artifacts,
  report: Report,
): Promise<void> {
  const { folder } = artifacts;
  const name = triedOn(sourceName(training), pair);
  await artifacts.once(
    `baselines-${name}`,
    () => folder.has('baselines', name),
    () => makeBaselines(name, training, pair, artifacts, report),
  );
}

async function makeBaselines(
  name: string,
  training: Training,
  pair: Pair,
  artifacts: Artifacts,
  report: Report,
): Promise<void> {
  const { folder, signal, config } = artifacts;
  const fit = await fitted(training, artifacts, report);
  const rows: MethodRows = {};
  try {
    await withTest(await artifacts.prepared(pair, training.target, report), async (data, names) => {
      await eachBatch(data.split('test'), names, signal, async (samples, first) => {
        const { image, conditions, target, mask } = samples as Record<string, Tensor>;
        const all = await withSignal(signal, (call) =>
          native.baselineMaps(
            { images: image as Tensor, conditions: conditions as Tensor, ...fit },
            { seed: 0, first },
            call,
          ),
        );
        const kept = { linear: all.linear, cumulative: all[`condition.${config.conditions - 1}.normalised`], meanTarget: all.meanTarget, luminance: all.luminance, sobel: all.sobel, random: all.random }; // prettier-ignore
        for (const [method, maps] of Object.entries(kept))
          addScores(rows, method, await scoreMaps(maps as Tensor, samples, signal));
        if (mask) addScores(rows, 'gradcam', await scoreAgainstMask(target as Tensor, mask, signal));
        disposeAll(all);
      });
    });
  } finally {
    disposeAll(fit);
  }
  await folder.write('baselines', name, rows);
}

/** The linear baseline's weights for a training's sources. */
export async function linearWeights(training: Training, artifacts: Artifacts, report: Report): Promise<Tensor> {
  const { weights, mean } = await fitted(training, artifacts, report);
  mean.dispose();
  return weights;
}
