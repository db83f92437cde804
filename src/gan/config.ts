/** What a generator and its training can be told; every default is METHOD §4–6's unless a preset says otherwise. */
import { z } from 'zod';

import { CumulensError } from '../errors.js';
import { parseOptions, withoutUndefined } from '../options.js';

const count = z.number().int().positive();
const rate = z.number().positive();
const fraction = z.number().min(0).max(1);

/** Sizes of a generator. */
const generatorFields = {
  variant: z.enum(['gsft', 'lsft']).default('lsft'),
  /** P, the condition maps of a sample. */
  conditions: count.default(8),
  /** Residual blocks: 32 for GSFT; LSFT always has 2P − 1. */
  blocks: count.optional(),
  /** Channels of the trunk. */
  width: count.default(64),
  /** Hidden channels of CondNet. */
  conditionWidth: count.default(128),
  /** Channels that CondNet gives to the SFT layers. */
  conditionFeatures: count.default(32),
  /** 1, or 3: the map is then the channels' mean. */
  outputChannels: z.union([z.literal(1), z.literal(3)]).default(1),
};

export const generatorSchema = z.strictObject(generatorFields);
export type GeneratorOptions = z.input<typeof generatorSchema>;
/** A generator's sizes with nothing left open. */
export type GeneratorConfig = z.output<typeof generatorSchema> & { blocks: number };

const GSFT_BLOCKS = 32;

/**
 * Sizes with every default filled in.
 * @throws CumulensError naming the option that is wrong.
 */
export function parseGeneratorConfig(
  value: unknown,
  what: string,
  code: 'ERR_OPTION' | 'ERR_FORMAT' = 'ERR_OPTION',
): GeneratorConfig {
  const parsed = parseOptions(generatorSchema, value, what, code);
  const local = 2 * parsed.conditions - 1;
  const blocks = parsed.blocks ?? (parsed.variant === 'lsft' ? local : GSFT_BLOCKS);
  if (parsed.variant === 'lsft' && blocks !== local) {
    throw new CumulensError(
      code,
      `${what}.blocks: an LSFT generator of ${parsed.conditions} conditions has ${local} blocks, got ${blocks}`,
    );
  }
  return { ...parsed, blocks };
}

const adam = (learningRate: number, beta1: number) => ({
  learningRate: rate.default(learningRate),
  beta1: z.number().min(0).lt(1).default(beta1),
  beta2: z.number().min(0).lt(1).default(0.999),
  epsilon: rate.default(1e-7),
});

const { conditions: _fromData, ...sizeFields } = generatorFields;

export const trainSchema = z.strictObject({
  ...sizeFields,
  preset: z.enum(['paper', 'small', 'reference']).default('paper'),
  /** Passes over the training split; `steps` says it in batches instead. */
  epochs: z.number().positive().optional(),
  steps: count.optional(),
  batchSize: count.default(32),
  generatorAdam: z.strictObject(adam(2e-4, 0.5)).prefault({}),
  discriminatorAdam: z.strictObject(adam(1e-3, 0.9)).prefault({}),
  /** Weight of the mean absolute error beside the adversarial loss. */
  l1Weight: z.number().nonnegative().default(100),
  discriminatorWeight: rate.default(0.3),
  /** Channels of the discriminator's branches. */
  discriminatorWidth: count.multipleOf(2).default(64),
  /** The discriminator learns at every n-th step. */
  discriminatorEvery: count.default(1),
  /** A step of the discriminator on the real batch, then one on the drawn, instead of one on both. */
  separateDiscriminatorSteps: z.boolean().default(false),
  /** Decay of the averaged generator; 0 keeps none. */
  emaDecay: fraction.lt(1).default(0),
  /** Steps of linear rise of the learning rates. */
  warmup: z.number().int().nonnegative().default(0),
  /** Learning rates after it: constant, or half a cosine down. */
  schedule: z.enum(['constant', 'cosine']).default('constant'),
  /** The share of the steps after the warm-up that the cosine takes: all by default. What is left is trained at the rates that it ends at. */
  decayShare: fraction.gt(0).optional(),
  /** The share of the learning rates that the cosine ends at: 0 by default. */
  finalRate: fraction.lt(1).optional(),
  /** Mirror half of the samples: image, conditions and target together. */
  flips: z.boolean().default(false),
  precision: z.enum(['fp32', 'bf16']).default('fp32'),
  seed: z.number().int().nonnegative().default(0),
  /** Steps between two checkpoints, and between two pictures; an epoch by default, at most 500. */
  checkpointEvery: count.optional(),
  sampleEvery: count.optional(),
  /** Steps between two looks at the validation split; 0: never. As `checkpointEvery` by default, where there is such a split. */
  validateEvery: z.number().int().nonnegative().optional(),
  /** Regular checkpoints that are kept, newest first. */
  keepCheckpoints: count.default(2),
  /** Samples in the picture. */
  samples: count.default(6),
});

export type TrainSettings = z.input<typeof trainSchema>;
export type ParsedTrainSettings = z.output<typeof trainSchema>;

/**
 * `reference`: what the authors' code does (METHOD §7), for comparison. `small`: an LSFT-GAN that a two-core CPU trains in three
 * minutes on 64×64 maps.
 */
export const TRAIN_PRESETS: Readonly<Record<'paper' | 'small' | 'reference', Partial<TrainSettings>>> = {
  paper: {},
  reference: { discriminatorEvery: 100, separateDiscriminatorSteps: true, outputChannels: 3 },
  small: {
    variant: 'lsft',
    width: 32,
    conditionWidth: 32,
    conditionFeatures: 16,
    discriminatorWidth: 16,
    batchSize: 4,
    steps: 480,
    // A short second moment: at this rate, one hard batch of a short run would otherwise throw the weights far off.
    generatorAdam: { learningRate: 1e-3, beta1: 0.9, beta2: 0.98 },
    discriminatorAdam: { learningRate: 2e-4 },
    schedule: 'cosine',
    warmup: 10,
    flips: true,
  },
};

const DEFAULT_EPOCHS = 25;
const LONGEST_INTERVAL = 500;

/** A training's settings with nothing left open: what `config.json` holds. */
export type TrainConfig = Required<Omit<ParsedTrainSettings, 'epochs' | keyof Decay>> &
  Decay & { conditions: number; size: number };

/** How the learning rates fall, where that was said. */
type Decay = Pick<ParsedTrainSettings, 'decayShare' | 'finalRate'>;

/** What the settings need to know of the data. */
export interface DataShape {
  /** Training samples. */
  count: number;
  /** Whether there are any. */
  validation: readonly unknown[];
  conditions: number;
  /** Height and width of the maps. */
  size: number;
  targetChannels: 1 | 3;
}

/**
 * Preset, given settings and defaults, in that order of weakness, made whole for this data.
 * @throws CumulensError ERR_OPTION naming what is wrong.
 */
export function parseTrainSettings(
  given: Readonly<Record<string, unknown>>,
  data: DataShape,
  what = 'trainGan',
): TrainConfig {
  const { preset } = parseOptions(trainSchema, given, what);
  const base = TRAIN_PRESETS[preset];
  const length = given.epochs === undefined ? {} : { steps: given.steps };
  const { epochs, steps: asked, ...settings } = parseOptions(trainSchema, { ...overlay(base, given), ...length }, what);
  if (epochs !== undefined && asked !== undefined) {
    throw new CumulensError('ERR_OPTION', `${what}: epochs and steps both say how long to train; give one`);
  }
  if (data.targetChannels > settings.outputChannels) {
    throw new CumulensError(
      'ERR_OPTION',
      `${what}.outputChannels: the data's targets are coloured, expected ${data.targetChannels}`,
    );
  }
  const stepsPerEpoch = data.count / settings.batchSize;
  const steps = asked ?? Math.ceil((epochs ?? DEFAULT_EPOCHS) * stepsPerEpoch);
  const interval = Math.max(1, Math.min(LONGEST_INTERVAL, Math.ceil(stepsPerEpoch)));
  const { conditions, blocks } = parseGeneratorConfig(
    Object.fromEntries(
      Object.keys(generatorFields).map((name) => [name, { ...settings, conditions: data.conditions }[name as 'width']]),
    ),
    what,
  );
  const { checkpointEvery = interval, sampleEvery = interval } = settings;
  const { validateEvery = data.validation.length > 0 ? checkpointEvery : 0 } = settings;
  if (validateEvery > 0 && data.validation.length === 0) {
    throw new CumulensError('ERR_OPTION', `${what}.validateEvery: the data has no validation split; expected 0`);
  }
  checkDecay(settings, what);
  return { ...settings, conditions, blocks, size: data.size, steps, checkpointEvery, sampleEvery, validateEvery };
}

/** @throws CumulensError ERR_OPTION where it is said how the rates fall, and they do not */
function checkDecay({ schedule, decayShare, finalRate }: ParsedTrainSettings, what: string): void {
  const given = Object.entries({ decayShare, finalRate }).find(([, value]) => value !== undefined);
  if (given && schedule === 'constant') {
    throw new CumulensError('ERR_OPTION', `${what}.${given[0]}: the learning rates are constant; it needs schedule: 'cosine'`); // prettier-ignore
  }
}

/** The preset's settings with the given ones over them; an optimiser's field by field. */
function overlay(
  base: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const result = { ...base, ...withoutUndefined(given) };
  for (const name of ['generatorAdam', 'discriminatorAdam']) {
    result[name] = { ...(base[name] ?? {}), ...withoutUndefined((given[name] ?? {}) as Record<string, unknown>) };
  }
  return result;
}

/** Steps of the cosine, at least one; 0 where the rates stay. */
function decaySteps({ schedule, steps, warmup, decayShare = 1 }: TrainConfig): number {
  return schedule === 'cosine' ? Math.max(1, Math.round(decayShare * (steps - warmup))) : 0;
}

/** The settings as the native trainer takes them. */
export function toNativeTrainConfig(config: TrainConfig): object {
  const { variant, conditions, blocks, width, conditionWidth, conditionFeatures, outputChannels } = config;
  return {
    ...config,
    generator: { variant, conditions, blocks, width, conditionWidth, conditionFeatures, outputChannels },
    discriminator: { size: config.size, mapChannels: outputChannels, width: config.discriminatorWidth },
    decaySteps: decaySteps(config),
    finalRate: config.finalRate ?? 0,
    bfloat16: config.precision === 'bf16',
  };
}
