/** The settings of a classifier's training, checked and filled in. */
import { z } from 'zod';

import type { Cnn } from './cnn.js';
import { preprocessingOption } from './preprocessing.js';
import type { CnnSpec } from './spec.js';
import { ARCHITECTURE_NAMES } from './zoo/architectures.js';
import { HEADS } from './zoo/options.js';

const count = z.number().int().positive();
const fraction = z.number().min(0).lt(1);

/** What decides the result, and so is kept in the run's config.json. */
export const recipeFields = {
  epochs: count.default(10),
  batchSize: count.default(64),
  optimizer: z.enum(['sgd', 'adam']).default('sgd'),
  /** The peak, after the warm-up; default 0.1 for SGD, 0.01 where no batch norm bears such steps (VGG16), 0.001 for Adam. */
  learningRate: z.number().positive().optional(),
  momentum: fraction.default(0.9),
  nesterov: z.boolean().default(true),
  beta1: fraction.default(0.9),
  beta2: fraction.default(0.999),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(5e-4),
  labelSmoothing: fraction.default(0.05),
  warmupEpochs: z.number().min(0).default(0.5),
  flip: z.boolean().default(true),
  cropPadding: z.number().int().min(0).default(4),
  validation: z.number().positive().lt(1).default(0.1),
  patience: z.number().int().min(0).default(0),
  seed: z.number().int().nonnegative().default(0),
};

export const trainSchema = z.strictObject({
  ...recipeFields,
  data: z.string().min(1),
  out: z.string().min(1),
  /** Default: that of `init`, or `small`. */
  arch: z.enum(['small', ...ARCHITECTURE_NAMES]).optional(),
  /** Of a published architecture, as ZooOptions says. */
  head: z.enum(HEADS).optional(),
  width: z.number().positive().optional(),
  preprocessing: preprocessingOption.optional(),
  /** Weights to begin with, in safetensors: of torchvision or timm by their own names, or a CNN's file. */
  init: z.string().min(1).optional(),
  /** Layers that stay as they are: names, modules they lie in, or patterns. */
  freeze: z
    .union(
      [
        z
          .string()
          .min(1)
          .transform((one) => [one]),
        z.array(z.string().min(1)),
      ],
      {
        error: 'expected names or patterns of layers',
      },
    )
    .default([]),
  /** A network of one's own, in place of `arch`. */
  spec: z.custom<CnnSpec>((value) => typeof value === 'object' && value !== null, 'expected a spec').optional(),
  device: z.string().default('auto'),
  resume: z.boolean().default(false),
  signal: z.instanceof(AbortSignal).optional(),
});

export type TrainCnnOptions = z.input<typeof trainSchema>;
export type ParsedTrainOptions = z.output<typeof trainSchema>;
export type Recipe = { [Name in keyof typeof recipeFields]: z.output<(typeof recipeFields)[Name]> } & {
  learningRate: number;
};

/** The part of the options that decides the result, with the learning rate chosen for the network. */
export function recipeOf(options: ParsedTrainOptions, network: Cnn['spec']): Recipe {
  const entries = Object.keys(recipeFields).map((name) => [name, options[name as keyof ParsedTrainOptions]]);
  const normed = 'nodes' in network && network.nodes.some(({ op }) => op === 'batchNorm');
  const sgd = normed ? 0.1 : 0.01;
  const learningRate = options.learningRate ?? (options.optimizer === 'sgd' ? sgd : 0.001);
  return { ...(Object.fromEntries(entries) as Recipe), learningRate };
}
