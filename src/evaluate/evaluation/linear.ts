/** The baseline `linear` (METHOD §3): fitted to the training split, once for each way in which conditions are made. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import type { Cnn } from '../../cnn/cnn.js';
import type { Dataset } from '../../data/dataset.js';
import { fingerprintCnn } from '../../data/prepare_options.js';
import { sameClass } from '../../data/prepare_source.js';
import { CumulensError } from '../../errors.js';
import { readJson, writeFileAtomic } from '../../files.js';
import { conditioningSchema, type Generator } from '../../gan/generator.js';
import { toNativeMapOptions } from '../../maps/options.js';
import { native, withSignal, type NativeBaselineFit } from '../../native.js';
import { parseOptions } from '../../options.js';
import { disposeAll, Tensor } from '../../tensor.js';
import type { ExplanationMethod } from '../contract.js';
import { linearMethod, type ConditioningOption } from '../methods/methods.js';
import { spread, type EvaluationData } from './data.js';
import type { ParsedEvaluateOptions } from './options.js';

/** A pixel is a sample of a fit with P + 1 weights: this many images are plenty, and take seconds. */
const FIT_IMAGES = 1000;

/** How conditions are made. */
export interface Recipe {
  /** P */
  conditions: number;
  size: number;
  conditioning: ConditioningOption;
}

const fileSchema = z.array(z.strictObject({ weights: z.array(z.number()), images: z.number(), from: z.string() }));
/** What the methods fitted here are called. */
export const LINEAR_NAME = /^linear(-\d+)?$/;

/** What was fitted, as linear.json keeps it. */
type Fit = z.output<typeof fileSchema>[number];

/** The recipe of a generator, for this CNN. */
export function recipeOf({ config, origin }: Generator, cnn: Cnn, laidOver: ConditioningOption): Recipe {
  return {
    conditions: config.conditions,
    size: origin.size ?? cnn.spec.input.height,
    conditioning: { ...origin.conditioning, ...laidOver },
  };
}

/** Where there is no generator: as the prepared data has it, else as `prepare` makes it by default. */
export function defaultRecipe(data: EvaluationData): Recipe {
  const { manifest } = data.prepared ?? {};
  const settings = conditioningSchema.safeParse(manifest?.settings);
  return {
    conditions: manifest?.conditions ?? 8,
    size: manifest?.size[0] ?? 64,
    conditioning: settings.success ? settings.data : {},
  };
}

const keyOf = ({ conditions, size, conditioning }: Recipe): string => {
  const { method, order, excludeTarget, targetTap, targetMethod } = conditioning;
  return JSON.stringify([conditions, size, method, order, excludeTarget, targetTap, targetMethod]);
};

/** Recipes that differ, each once. */
export function distinct(recipes: readonly Recipe[]): Recipe[] {
  return [...new Map(recipes.map((recipe) => [keyOf(recipe), recipe])).values()];
}

interface Fitting {
  cnn: Cnn;
  data: EvaluationData;
  options: ParsedEvaluateOptions;
}

/**
 * Methods for the recipes, in their order; fitted, or read from `linear.json` where they were fitted before.
 * @returns nothing, with the reason, where there is nothing to fit to
 */
export async function linearMethods(
  recipes: readonly Recipe[],
  fitting: Fitting,
): Promise<{ methods: ExplanationMethod[]; weights: Tensor[]; reason?: string }> {
  const reason = whyNot(fitting.data);
  if (reason) return { methods: [], weights: [], reason };
  const path = join(fitting.options.out, 'linear.json');
  const fits = existsSync(path)
    ? parseOptions(fileSchema, await readJson(path), path, 'ERR_FORMAT')
    : await fitAll(recipes, fitting);
  if (!existsSync(path)) await writeFileAtomic(path, `${JSON.stringify(fits, null, 2)}\n`);
  const weights = fits.map((fit) => Tensor.from(Float64Array.from(fit.weights), [fit.weights.length]));
  const methods = recipes.map((recipe, i): ExplanationMethod => {
    const { images, from } = fits[i] as Fit;
    const name = i === 0 ? 'linear' : `linear-${i + 1}`;
    const label = i === 0 ? 'Linear' : `Linear ${i + 1}`;
    const method = linearMethod(weights[i] as Tensor, recipe.conditioning, { name, label, size: recipe.size });
    return { ...method, settings: { ...method.settings, fittedTo: `${images} images of the training split, ${from}` } };
  });
  return { methods, weights };
}

/** In words, for a note. */
function whyNot({ prepared, trainingCount }: EvaluationData): string | undefined {
  if (trainingCount === 0) return 'the data has no training split to fit it to';
  if (prepared?.manifest.targetChannels === 3)
    return 'the prepared targets are coloured pictures, which it cannot draw';
  return undefined;
}

async function fitAll(recipes: readonly Recipe[], fitting: Fitting): Promise<Fit[]> {
  const fits: Fit[] = [];
  for (const recipe of recipes) fits.push(await fitOne(recipe, fitting));
  return fits;
}

async function fitOne(recipe: Recipe, fitting: Fitting): Promise<Fit> {
  const fit = new native.BaselineFit(recipe.conditions);
  const stored = await storedConditions(recipe, fitting);
  const images = stored ? await addStored(fit, stored, fitting) : await addMade(fit, recipe, fitting);
  const weights = await fit.linearWeights();
  const values = Array.from((await weights.data()) as Float64Array);
  weights.dispose();
  return { weights: values, images, from: stored ? 'as it was prepared' : 'conditions made anew' };
}

/** The prepared data, where its conditions are those that the recipe would make with this CNN. */
async function storedConditions(recipe: Recipe, { cnn, data, options }: Fitting): Promise<Dataset | undefined> {
  const settings = data.prepared?.manifest.settings;
  if (!data.prepared || !settings || keyOf(defaultRecipe(data)) !== keyOf(recipe)) return undefined;
  if (settings.target !== options.target || settings.cnn !== (await fingerprintCnn(cnn))) return undefined;
  return data.prepared;
}

async function addStored(fit: NativeBaselineFit, dataset: Dataset, { options, data }: Fitting): Promise<number> {
  const train = dataset.split('train');
  const { chunkSize, signal, onProgress } = options;
  for (let first = 0; first < train.count; first += chunkSize) {
    const rows = Array.from({ length: Math.min(chunkSize, train.count - first) }, (_, i) => first + i);
    const samples = await train.batch(rows, { names: ['conditions', 'target'], ...(signal ? { signal } : {}) });
    await addSamples(fit, samples, signal);
    onProgress?.({ stage: 'fit', done: first + rows.length, total: data.trainingCount, note: 'linear' });
  }
  return train.count;
}

async function addMade(fit: NativeBaselineFit, recipe: Recipe, { cnn, data, options }: Fitting): Promise<number> {
  const { chunkSize, signal, target, onProgress } = options;
  const { height, width } = cnn.spec.input;
  const { method, order, excludeTarget, targetTap, targetMethod } = recipe.conditioning;
  const settings = {
    ...toNativeMapOptions(
      {
        method: method ?? 'gradcam',
        order: order ?? 'forward',
        excludeTarget: excludeTarget ?? true,
        targetTap: targetTap ?? -1,
        targetMethod: targetMethod ?? 'gradcam',
        conditions: recipe.conditions,
        size: recipe.size,
        batchSize: chunkSize,
      },
      { taps: cnn.taps, input: cnn.spec.input },
      { maps: false, normalise: true },
      'evaluate',
    ),
    input: [height, width] as const,
    jetTarget: false,
  };
  const rows = spread(data.trainingCount, FIT_IMAGES);
  let used = 0;
  for (let first = 0; first < rows.length; first += chunkSize) {
    const chunk = await data.read('train', rows.slice(first, first + chunkSize));
    if (!chunk) continue;
    const { images, masks, labels } = chunk;
    const classes = target === 'predicted' ? undefined : targetsOf(target, labels);
    try {
      const samples = await withSignal(signal, (call) =>
        native.prepareSamples(cnn.native, images, undefined, classes, settings, call),
      );
      await addSamples(fit, samples, signal);
    } finally {
      disposeAll({ images, ...(masks ? { masks } : {}), ...(classes ? { classes } : {}) });
    }
    used += labels.length;
    onProgress?.({ stage: 'fit', done: Math.min(first + chunkSize, rows.length), total: rows.length, note: 'linear' });
  }
  return used;
}

async function addSamples(
  fit: NativeBaselineFit,
  samples: Readonly<Record<string, Tensor>>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { conditions, target } = samples as Record<'conditions' | 'target', Tensor>;
  try {
    await withSignal(signal, (call) => fit.add(conditions, target, call));
  } finally {
    disposeAll(samples);
  }
}

/** int64 [n]: one class for all, or each image's own. @throws CumulensError ERR_OPTION where an image has no class that the CNN knows */
export function targetsOf(target: 'label' | number, labels: readonly number[]): Tensor {
  if (typeof target === 'number') return sameClass(target, labels.length);
  if (labels.some((label) => label < 0)) {
    throw new CumulensError(
      'ERR_OPTION',
      "evaluate: target 'label' needs a label of every image, of a class that the CNN knows",
    );
  }
  return Tensor.from(BigInt64Array.from(labels, BigInt), [labels.length]);
}
