/** What a study can be told. */
import { z } from 'zod';

import type { TrainCnnOptions } from '../cnn/train_options.js';
import { CumulensError } from '../errors.js';
import type { TrainSettings } from '../gan/config.js';
import { parseOptions } from '../options.js';
import { SCOPES, TARGETS, type Target } from './plan.js';

const count = z.number().int().positive();
const name = z.string().regex(/^[A-Za-z0-9_.]+$/, { error: 'expected letters, digits, _ and .' });

/** An architecture by name, with its options; `name` tells two of one architecture apart. */
const cnnSchema = z.strictObject({
  name: name.optional(),
  arch: z.string().min(1),
  options: z.record(z.string(), z.unknown()).default({}),
});
/** A source of images by name. */
const dataSchema = z.strictObject({
  name: name.optional(),
  source: z.enum(['composed', 'fashion-mnist', 'cifar10', 'folder']),
  /** Where it lies; 'composed' is embedded. */
  from: z.string().min(1).optional(),
});

const settings = <T extends object>() =>
  z.custom<Partial<T>>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: 'expected an object of settings',
  });

export const studySchema = z.strictObject({
  out: z.string().min(1),
  preset: z.enum(['small', 'paper']).default('small'),
  cnns: z.array(cnnSchema).min(1).optional(),
  data: z.array(dataSchema).min(1).optional(),
  variants: z
    .array(z.enum(['lsft', 'gsft']))
    .min(1)
    .default(['lsft', 'gsft']),
  targets: z
    .array(z.enum(TARGETS))
    .min(1)
    .default([...TARGETS]),
  scopes: z
    .array(z.enum(SCOPES))
    .min(1)
    .default([...SCOPES]),
  seeds: z
    .array(z.number().int().nonnegative())
    .min(1)
    .refine((seeds) => new Set(seeds).size === seeds.length, 'expected different seeds')
    .default([0, 1, 2]),
  /** Of each data set. */
  images: z.strictObject({ train: count, validation: count, test: count }).partial().default({}),
  /** Height and width of the images, and so of the CNNs' input. */
  imageSize: count.optional(),
  /** Height and width of maps: at least SSIM's window. */
  size: count.min(11).optional(),
  conditions: count.default(8),
  /** Over every CNN's training. */
  cnnTraining: settings<TrainCnnOptions>().optional(),
  /** Over every generator's training, over those of one variant, and over those of it with the target's map among the averages. */
  gan: settings<TrainSettings>().optional(),
  lsft: settings<TrainSettings>().optional(),
  gsft: settings<TrainSettings>().optional(),
  lsftIncluded: settings<TrainSettings>().optional(),
  gsftIncluded: settings<TrainSettings>().optional(),
  /** Times that a generator whose validation error has not come to rest is trained anew, for twice the steps. */
  lengthen: z.number().int().min(0).max(8).optional(),
  /** Held-out images that relevance and the scores on the CNN are taken on; all of them by default. */
  limit: count.optional(),
  /** Steps of the deletion and insertion curves. */
  curveSteps: count.default(20),
  /** Stop, whole, after so many minutes; a later call goes on. */
  minutes: z.number().positive().optional(),
  device: z.string().default('auto'),
  signal: z.instanceof(AbortSignal).optional(),
  onStep: z
    .custom<(step: string, done: number, total: number) => (part: number, of: number, note?: string) => void>(
      (value) => typeof value === 'function',
    )
    .optional(),
});

/**
 * - `out`: the study's folder; a study in it is gone on with, and refused if its settings differ
 * - `preset`: 'small' (narrow networks that two CPU cores train) or 'paper' (the paper's CNNs and sizes, for a GPU)
 * - `cnns`, `data`, `variants`, `targets`, `scopes`, `seeds`: the cells (see planStudy)
 */
export type StudyOptions = z.input<typeof studySchema>;
type Parsed = z.output<typeof studySchema>;

/** Generators that are trained alike: a variant, with the target's map left out of the averages or among them. */
type Trained = 'lsft' | 'gsft' | 'lsftIncluded' | 'gsftIncluded';

/** Sizes that a preset stands for. */
type Sizes = Required<
  Pick<Parsed, 'cnns' | 'data' | 'imageSize' | 'size' | 'cnnTraining' | 'gan' | Trained | 'lengthen'>
> & {
  images: Required<Parsed['images']>;
};

const DATA: Sizes['data'] = [{ source: 'composed' }, { source: 'fashion-mnist' }];
const cnn = (arch: string, options: Record<string, unknown> = {}) => ({ arch, options });

export const STUDY_PRESETS: Readonly<Record<Parsed['preset'], Sizes>> = {
  small: {
    cnns: [cnn('small', { width: 12 }), cnn('resnet18', { width: 0.25 }), cnn('vgg16', { width: 0.125, head: 'paper' })],
    data: DATA,
    images: { train: 2000, validation: 200, test: 300 },
    imageSize: 64,
    size: 16,
    // VGG16, which has no batch norms, learns little by SGD in so few steps.
    cnnTraining: { epochs: 12, optimizer: 'adam' },
    // Generators of 45 000 weights each: what two cores train on such small maps until the validation error is at rest (docs/study.md).
    gan: { preset: 'small', conditionFeatures: 8, discriminatorWidth: 8, batchSize: 8, warmup: 40, schedule: 'cosine', decayShare: 0.6, finalRate: 0.05, emaDecay: 0.995, validateEvery: 100, checkpointEvery: 500, sampleEvery: 1500, keepCheckpoints: 1 },
    lsft: { width: 8, conditionWidth: 8, steps: 7200, generatorAdam: { learningRate: 3e-3, beta1: 0.9, beta2: 0.98 } },
    gsft: { width: 16, conditionWidth: 16, blocks: 6, steps: 4000, generatorAdam: { learningRate: 4e-3, beta1: 0.9, beta2: 0.98 } },
    // The target is nearly a combination of its conditions: GSFT's error comes near 0, slowly.
    lsftIncluded: {},
    gsftIncluded: { steps: 14400, finalRate: 0.02 },
    lengthen: 2,
  },
  paper: {
    cnns: [cnn('vgg16', { head: 'paper' }), cnn('resnet50', { head: 'paper' }), cnn('inceptionv3', { head: 'paper' })],
    data: DATA,
    images: { train: 10000, validation: 500, test: 1000 },
    imageSize: 224,
    size: 64,
    cnnTraining: { epochs: 20 },
    gan: { preset: 'paper', epochs: 25 },
    lsft: {},
    gsft: {},
    lsftIncluded: {},
    gsftIncluded: {},
    lengthen: 0,
  },
}; // prettier-ignore

export interface StudyCnn {
  name: string;
  arch: string;
  options: Readonly<Record<string, unknown>>;
}
export interface StudyData {
  name: string;
  source: NonNullable<Parsed['data']>[number]['source'];
  from?: string;
}
/** A study with nothing left open. */
export interface StudyConfig extends Omit<Parsed, keyof Sizes>, Omit<Sizes, 'cnns' | 'data' | 'gan'> {
  cnns: StudyCnn[];
  data: StudyData[];
}

/** Names are given once, so that files and tables can go by them. */
function checkNames(names: readonly string[], what: string): void {
  const twice = names.find((one, i) => names.indexOf(one) !== i);
  if (twice !== undefined)
    throw new CumulensError('ERR_OPTION', `study.${what}: two are called '${twice}'; give each its own name`);
}

/** 'resnet18' with { width: 0.25 } is resnet18w0.25 unless it has a name. */
function cnnName(arch: string, options: Readonly<Record<string, unknown>>): string {
  return options.width === undefined ? arch : `${arch}w${JSON.stringify(options.width)}`;
}

/** Settings of which later ones outweigh earlier ones. `steps` and `epochs` say one thing: how long; a constant rate has no end to fall to. */
function layered(...layers: readonly (Partial<TrainSettings> | undefined)[]): Partial<TrainSettings> {
  return layers.reduce<Partial<TrainSettings>>((below, layer = {}) => {
    const both = { ...below, ...layer };
    for (const name of ['generatorAdam', 'discriminatorAdam'] as const) {
      if (below[name] && layer[name]) both[name] = { ...below[name], ...layer[name] };
    }
    if (layer.steps !== undefined && layer.epochs === undefined) delete both.epochs;
    if (layer.epochs !== undefined && layer.steps === undefined) delete both.steps;
    if (layer.schedule === 'constant') {
      if (layer.decayShare === undefined) delete both.decayShare;
      if (layer.finalRate === undefined) delete both.finalRate;
    }
    return both;
  }, {});
}

/** @throws CumulensError ERR_OPTION naming what is wrong */
export function parseStudyOptions(value: StudyOptions): StudyConfig {
  const parsed = parseOptions(studySchema, value, 'study');
  const sizes = STUDY_PRESETS[parsed.preset];
  const { gan, ...given } = parsed;
  // What is said of every generator outweighs what the preset says of some.
  const trainingOf = (...names: readonly Trained[]) =>
    layered(sizes.gan, ...names.map((name) => sizes[name]), gan, ...names.map((name) => parsed[name]));
  const cnns = (parsed.cnns ?? sizes.cnns).map(({ name: given, arch, options }) => ({
    name: given ?? cnnName(arch, options),
    arch,
    options,
  }));
  const data = (parsed.data ?? sizes.data).map(({ name: given, source, from }) => {
    if (from === undefined && (source === 'cifar10' || source === 'folder')) {
      throw new CumulensError('ERR_OPTION', `study.data: ${source} needs 'from', where it lies`);
    }
    return { name: given ?? source.replace('-', ''), source, ...(from === undefined ? {} : { from }) };
  });
  checkNames(
    cnns.map((one) => one.name),
    'cnns',
  );
  checkNames(
    data.map((one) => one.name),
    'data',
  );
  return {
    ...given,
    cnns,
    data,
    images: { ...sizes.images, ...parsed.images },
    imageSize: parsed.imageSize ?? sizes.imageSize,
    size: parsed.size ?? sizes.size,
    cnnTraining: { ...sizes.cnnTraining, ...parsed.cnnTraining },
    lsft: trainingOf('lsft'),
    gsft: trainingOf('gsft'),
    lsftIncluded: trainingOf('lsft', 'lsftIncluded'),
    gsftIncluded: trainingOf('gsft', 'gsftIncluded'),
    lengthen: parsed.lengthen ?? sizes.lengthen,
  };
}

/** The name of the settings that a generator is trained by. */
export function trainedBy(variant: 'lsft' | 'gsft', target: Target): Trained {
  return target === 'included' ? `${variant}Included` : variant;
}

/** What the results depend on, as study.json keeps it, in one order. */
export function recordedSettings(config: StudyConfig): Record<string, unknown> {
  const { out: _out, minutes: _minutes, device: _device, signal: _signal, onStep: _onStep, ...rest } = config;
  const names = Object.keys(studySchema.shape).filter((name) => name in rest);
  return Object.fromEntries(names.map((name) => [name, rest[name as keyof typeof rest]]));
}
