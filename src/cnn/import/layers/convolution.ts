/** Convolutions and dense layers. Keras keeps kernels as [height, width, in, out] and matrices as [in, out]. */
import { z } from 'zod';

import type { ImportedTensor } from '../contract.js';
import { activate, activateFused, activation } from './activations.js';
import {
  dataFormat,
  kind,
  pair,
  pictureShape,
  type LayerKind,
  type NodeWeights,
  type Translation,
} from './contract.js';
import { toDepthwise, toOihw, transpose } from './weights.js';

const size = z.number().int().positive();

const shared = {
  kernel_size: pair,
  strides: pair.prefault(1),
  padding: z.enum(['valid', 'same']).default('valid'),
  data_format: dataFormat,
  dilation_rate: pair.prefault(1),
  use_bias: z.boolean().default(true),
  activation,
};
const convConfig = z.object({ ...shared, filters: size, groups: size.default(1) });
const depthwiseConfig = z.object({ ...shared, depth_multiplier: size.default(1) });
const separableConfig = z.object({ ...shared, filters: size, depth_multiplier: size.default(1) });
const denseConfig = z.object({ units: size, use_bias: z.boolean().default(true), activation });

interface Shared {
  kernel_size: [number, number];
  strides: [number, number];
  padding: 'valid' | 'same';
  dilation_rate: [number, number];
}

const window = ({ kernel_size: kernel, strides: stride, padding, dilation_rate: dilation }: Shared) => ({
  kernel,
  stride,
  padding,
  dilation,
});

const withBias = (weight: ImportedTensor, use: boolean, count: number, t: Translation): NodeWeights =>
  use ? { weight, bias: t.variable('bias', [count]) } : { weight };

const bias = (use: boolean) => (use ? [{ name: 'bias' }] : []);

const conv2d = kind(
  convConfig,
  (config, t) => {
    const input = t.input();
    const { filters, groups, use_bias } = config;
    const [channels] = pictureShape(input, t);
    const shape = [...config.kernel_size, channels / groups, filters];
    const attrs = { filters, groups, bias: use_bias, ...window(config) };
    const conv = t.addWeighted('conv2d', [input], attrs, () =>
      withBias(toOihw(t.variable('kernel', shape)), use_bias, filters, t),
    );
    return activateFused(config.activation, conv, t);
  },
  ({ use_bias }) => [{ name: 'kernel' }, ...bias(use_bias)],
);

const depthwise = kind(
  depthwiseConfig,
  (config, t) => {
    const input = t.input();
    const [channels] = pictureShape(input, t);
    const { depth_multiplier: multiplier, use_bias } = config;
    const filters = channels * multiplier;
    const attrs = { filters, groups: channels, bias: use_bias, ...window(config) };
    const conv = t.addWeighted('conv2d', [input], attrs, () => {
      const kernel = t.variable('kernel', [...config.kernel_size, channels, multiplier]);
      return withBias(toDepthwise(kernel), use_bias, filters, t);
    });
    return activateFused(config.activation, conv, t);
  },
  ({ use_bias }) => [{ name: 'kernel', aliases: ['depthwise_kernel'] }, ...bias(use_bias)],
);

/** Two convolutions, and so two taps: a depthwise one, and one by one that the layer's activation belongs to. */
const separable = kind(
  separableConfig,
  (config, t) => {
    const input = t.input();
    const [channels] = pictureShape(input, t);
    const { depth_multiplier: multiplier, filters, use_bias } = config;
    const between = channels * multiplier;
    const deep = t.addWeighted(
      'conv2d',
      [input],
      { filters: between, groups: channels, bias: false, ...window(config) },
      () => ({ weight: toDepthwise(t.variable('depthwise_kernel', [...config.kernel_size, channels, multiplier])) }),
      'depthwise',
    );
    const point = t.addWeighted('conv2d', [deep], { filters, kernel: 1, bias: use_bias }, () =>
      withBias(toOihw(t.variable('pointwise_kernel', [1, 1, between, filters])), use_bias, filters, t),
    );
    return activateFused(config.activation, point, t);
  },
  ({ use_bias }) => [{ name: 'depthwise_kernel' }, { name: 'pointwise_kernel' }, ...bias(use_bias)],
);

/** Of a vector; of a picture, over the channels of each pixel, which come last. */
const dense = kind(
  denseConfig,
  ({ units, use_bias, activation: value }, t) => {
    const input = t.input();
    const [features = 0] = input.shape;
    if (input.shape.length > 1 && t.layout === 'channels_first') {
      t.refuse('works along the width of a channels_first picture, expected a vector or channels_last');
    }
    const linear = t.addWeighted('linear', [input], { units, bias: use_bias }, () =>
      withBias(transpose(t.variable('kernel', [features, units])), use_bias, units, t),
    );
    return activate(value, linear, t);
  },
  ({ use_bias }) => [{ name: 'kernel' }, ...bias(use_bias)],
);

export const WEIGHTED_LAYERS: Record<string, LayerKind> = {
  Conv2D: conv2d,
  DepthwiseConv2D: depthwise,
  SeparableConv2D: separable,
  Dense: dense,
  // Other names of the same classes.
  Convolution2D: conv2d,
  SeparableConvolution2D: separable,
};
