/** The attributes of every op, with their defaults: what a spec may say, and what the native side is given. */
import { z } from 'zod';

const count = z.number().int().positive();
const pixels = z.number().int().nonnegative();

const pairError = 'expected a positive whole number or [height, width]';
const pair = z.union([count, z.tuple([count, count])], { error: pairError });
const four = z.tuple([pixels, pixels, pixels, pixels]);
const padding = z.union([z.enum(['valid', 'same']), four], {
  error: "expected 'valid', 'same' or [top, right, bottom, left] in pixels",
});
const perChannel = z.union([z.number(), z.array(z.number()).min(1)], {
  error: 'expected a number, or a list with one for each channel',
});
const fraction = z.number().min(0).max(1);

const none = z.strictObject({});
const pool = {
  kernel: pair.describe('height and width of the window'),
  stride: pair.optional().describe('rows and columns between windows; the kernel if not given'),
  padding: padding
    .default('valid')
    .describe("'same' is TensorFlow's rule: an odd row or column of padding goes to the bottom or right"),
  ceilMode: z.boolean().default(false).describe('keep a last window that lies partly outside'),
};
const globalPool = z.strictObject({
  keepDims: z.boolean().default(false).describe('give [C, 1, 1] instead of [C]'),
});

/** Every op by its name in a spec. */
export const opAttrs = {
  conv2d: z.strictObject({
    filters: count.describe('output channels'),
    kernel: pair,
    stride: pair.default(1),
    padding: padding.default('valid'),
    dilation: pair.default(1),
    groups: count.default(1).describe('the number of input channels makes it depthwise'),
    bias: z.boolean().default(true),
  }),
  batchNorm: z.strictObject({
    epsilon: z.number().positive().default(1e-5),
    momentum: fraction
      .default(0.1)
      .describe('share of a batch in the running statistics (Keras calls 1 − this momentum)'),
    scale: z.boolean().default(true).describe('has a weight'),
    center: z.boolean().default(true).describe('has a bias'),
  }),
  relu: none,
  relu6: none,
  leakyRelu: z.strictObject({ slope: z.number().default(0.01) }),
  silu: none,
  sigmoid: none,
  hardSigmoid: z
    .strictObject({ alpha: z.number().default(1 / 6), beta: z.number().default(0.5) })
    .describe('clamp(alpha·x + beta, 0, 1)'),
  hardSwish: none,
  gelu: z.strictObject({ approximate: z.enum(['none', 'tanh']).default('none') }),
  tanh: none,
  elu: z.strictObject({ alpha: z.number().default(1) }),
  selu: none,
  mish: none,
  softplus: none,
  erf: none.describe('the error function, of which other frameworks make gelu'),
  prelu: none.describe('leaky relu with a slope for each channel, `weight` [C]'),
  clip: z
    .strictObject({ min: z.number().default(-1), max: z.number().default(1) })
    .refine(({ min, max }) => min < max, 'expected min < max'),
  softmax: none.describe('over the channels'),
  maxPool2d: z.strictObject(pool),
  avgPool2d: z.strictObject({
    ...pool,
    countIncludePad: z
      .boolean()
      .optional()
      .describe("padding counts as zeros; default true, and false for 'same' as in TensorFlow"),
  }),
  globalMaxPool2d: globalPool,
  globalAvgPool2d: globalPool,
  adaptiveMaxPool2d: z.strictObject({ size: pair }),
  adaptiveAvgPool2d: z
    .strictObject({ size: pair.describe('height and width of the output, whatever the input') })
    .describe('windows floor(i·in/out) … ceil((i + 1)·in/out), as in PyTorch'),
  linear: z
    .strictObject({ units: count, bias: z.boolean().default(true) })
    .describe('of [F]; of [C, H, W], over the channels of each pixel'),
  layerNorm: z
    .strictObject({
      epsilon: z.number().positive().default(1e-5),
      scale: z.boolean().default(true),
      center: z.boolean().default(true),
    })
    .describe('over the features of [F]; of [C, H, W], over the channels of each pixel'),
  groupNorm: z
    .strictObject({
      groups: count.describe('as many as channels: instance norm'),
      epsilon: z.number().positive().default(1e-5),
      scale: z.boolean().default(true),
      center: z.boolean().default(true),
    })
    .describe('over each group of channels and all pixels'),
  localResponseNorm: z
    .strictObject({
      size: count.default(5),
      alpha: z.number().default(1e-4),
      beta: z.number().default(0.75),
      k: z.number().default(1),
    })
    .describe('x / (k + alpha/size · Σ x²)^beta over `size` neighbouring channels, as in PyTorch'),
  flatten: z.strictObject({
    order: z
      .enum(['chw', 'hwc'])
      .default('chw')
      .describe("which index varies slowest first: 'chw' as in PyTorch, 'hwc' as in TensorFlow"),
  }),
  add: none,
  subtract: none.describe('the first input minus the second'),
  multiply: none,
  divide: none.describe('the first input by the second'),
  average: none,
  maximum: none,
  minimum: none,
  concat: none.describe('along the channels'),
  slice: z
    .strictObject({ begin: pixels, end: count })
    .refine(({ begin, end }) => begin < end, 'expected begin < end')
    .describe('channels begin … end − 1'),
  channelShuffle: z
    .strictObject({ groups: count })
    .describe('[groups, C/groups] to [C/groups, groups], as ShuffleNet does'),
  reshape: z.strictObject({
    shape: z.union([z.tuple([count]), z.tuple([count, count, count])], { error: 'expected [F] or [C, H, W]' }),
    order: z
      .enum(['chw', 'hwc'])
      .default('chw')
      .describe("the order in which values are read and written: 'chw' as in PyTorch, 'hwc' as in TensorFlow"),
  }),
  upsample2d: z.strictObject({
    scale: pair,
    mode: z
      .enum(['nearest', 'bilinear', 'bilinearFromCorners'])
      .default('nearest')
      .describe("'bilinear' counts from pixels' centres, as PyTorch and Keras; 'bilinearFromCorners' as tfjs"),
  }),
  dropout: z.strictObject({
    rate: z.number().min(0).lt(1).default(0.5),
    per: z
      .enum(['value', 'sample'])
      .default('value')
      .describe("what is dropped at a time: 'sample' is stochastic depth"),
  }),
  zeroPad2d: z.strictObject({ padding: four }),
  crop2d: z.strictObject({ padding: four.describe('taken away at [top, right, bottom, left]') }),
  rescale: z.strictObject({ scale: perChannel.default(1), offset: perChannel.default(0) }).describe('x·scale + offset'),
} as const;

export type OpName = keyof typeof opAttrs;
/** An op's attributes as a person writes them. */
export type OpAttrs<Op extends OpName> = z.input<(typeof opAttrs)[Op]>;

/** Fills the defaults that depend on other attributes. */
export function completeAttrs(attrs: Record<string, unknown>): Record<string, unknown> {
  const complete = { ...attrs };
  if ('ceilMode' in attrs) complete.stride ??= attrs.kernel;
  return complete;
}
