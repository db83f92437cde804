/** Layers that shift and scale. */
import { z } from 'zod';

import {
  axes,
  isChannelAxis,
  kind,
  type LayerKind,
  type NodeWeights,
  type Translation,
  type Value,
  type Variable,
} from './contract.js';

const affine = {
  epsilon: z.number().positive().default(1e-3),
  center: z.boolean().default(true),
  scale: z.boolean().default(true),
};
interface Affine {
  center: boolean;
  scale: boolean;
}

const affineVariables = ({ scale, center }: Affine): Variable[] => [
  ...(scale ? [{ name: 'gamma' }] : []),
  ...(center ? [{ name: 'beta' }] : []),
];

const affineWeights = ({ scale, center }: Affine, channels: number, t: Translation): NodeWeights => ({
  ...(scale ? { weight: t.variable('gamma', [channels]) } : {}),
  ...(center ? { bias: t.variable('beta', [channels]) } : {}),
});

/** The input, which is normalised along its channels. */
function alongChannels(axis: readonly number[], t: Translation): Value {
  const input = t.input();
  const [only, ...others] = axis;
  if (only === undefined || others.length > 0 || !isChannelAxis(only, input.shape.length, t.layout)) {
    t.refuse(`has axis [${axis.join(', ')}], expected the channels of ${t.layout}`);
  }
  return input;
}

const batchNormalization = kind(
  z.object({ ...affine, axis: axes.default([-1]), momentum: z.number().min(0).max(1).default(0.99) }),
  (config, t) => {
    const input = alongChannels(config.axis, t);
    const [channels = 0] = input.shape;
    const { epsilon, scale, center, momentum } = config;
    // Keras counts what is kept of the running statistics, we what comes in.
    const attrs = { epsilon, scale, center, momentum: 1 - momentum };
    return t.addWeighted('batchNorm', [input], attrs, () => ({
      ...affineWeights(config, channels, t),
      running_mean: t.variable('moving_mean', [channels]),
      running_var: t.variable('moving_variance', [channels]),
    }));
  },
  (config) => [
    ...affineVariables(config),
    { name: 'moving_mean', statistic: true },
    { name: 'moving_variance', statistic: true },
  ],
);

const layerNormalization = kind(
  z.object({ ...affine, axis: axes.default([-1]), rms_scaling: z.boolean().nullish() }),
  (config, t) => {
    if (config.rms_scaling) t.refuse('has rms_scaling, which is not supported');
    const input = alongChannels(config.axis, t);
    const { epsilon, scale, center } = config;
    return t.addWeighted('layerNorm', [input], { epsilon, scale, center }, () =>
      affineWeights(config, input.shape[0] ?? 0, t),
    );
  },
  affineVariables,
);

const groupNormalization = kind(
  z.object({
    ...affine,
    axis: axes.default([-1]),
    groups: z
      .number()
      .int()
      .refine((groups) => groups > 0 || groups === -1, 'expected 1 or more, or -1')
      .default(32),
  }),
  (config, t) => {
    const input = alongChannels(config.axis, t);
    const [channels = 0] = input.shape;
    const { epsilon, scale, center } = config;
    const groups = config.groups === -1 ? channels : config.groups;
    return t.addWeighted('groupNorm', [input], { groups, epsilon, scale, center }, () =>
      affineWeights(config, channels, t),
    );
  },
  affineVariables,
);

type Nested = number | Nested[];
const nested: z.ZodType<Nested> = z.union([z.number(), z.array(z.lazy(() => nested))]);
const flat = (value: Nested): number[] => (typeof value === 'number' ? [value] : (value.flat(8) as number[]));
const numbers = nested.transform(flat);

const rescaling = kind(z.object({ scale: numbers, offset: numbers.default([0]) }), ({ scale, offset }, t) =>
  t.add('rescale', [t.input()], { scale: perChannel(scale, t), offset: perChannel(offset, t) }),
);

/** One number, or one for each channel, which come last. */
export function perChannel(values: readonly number[], t: Translation): number | number[] {
  const [first = 0] = values;
  if (values.length === 1) return first;
  if (t.layout === 'channels_first') t.refuse('has a number for each column of channels_first, expected one number');
  return [...values];
}

const FLOOR = 1e-7;
const normalizationConfig = z.object({
  axis: axes.nullish(),
  mean: numbers.nullish(),
  variance: numbers.nullish(),
  invert: z.boolean().nullish(),
});

/** (x − mean) / max(√variance, 1e-7), from the config or from what the layer has adapted to. */
const normalization = kind(
  normalizationConfig,
  (config, t) => {
    const { axis, invert } = config;
    const single = !axis || axis.length === 0;
    const input = single ? t.input() : alongChannels(axis, t);
    const shape = single ? [] : [input.shape[0] ?? 0];
    const mean = config.mean ?? [...t.variable('mean', shape).data];
    const variance = config.variance ?? [...t.variable('variance', shape).data];
    if (mean.length !== variance.length) t.refuse(`has ${mean.length} means and ${variance.length} variances`);
    const std = variance.map((value) => Math.max(Math.sqrt(value), FLOOR));
    const scale = std.map((value) => (invert ? value : 1 / value));
    const offset = mean.map((value, i) => (invert ? value : -value / (std[i] as number)));
    const one = (values: number[]) => (values.length === 1 ? (values[0] as number) : values);
    return t.add('rescale', [input], { scale: one(scale), offset: one(offset) });
  },
  ({ mean }) =>
    mean == null ? ['mean', 'variance', 'count'].map((name): Variable => ({ name, statistic: true })) : [],
);

export const NORMALIZATION_LAYERS: Record<string, LayerKind> = {
  BatchNormalization: batchNormalization,
  BatchNormalizationV1: batchNormalization,
  SyncBatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  Rescaling: rescaling,
  Normalization: normalization,
};
