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
  linear: z.strictObject({ units: count, bias: z.boolean().default(true) }),
  flatten: z.strictObject({
    order: z
      .enum(['chw', 'hwc'])
      .default('chw')
      .describe("which index varies slowest first: 'chw' as in PyTorch, 'hwc' as in TensorFlow"),
  }),
  add: none,
  multiply: none,
  concat: none.describe('along the channels'),
  dropout: z.strictObject({ rate: z.number().min(0).lt(1).default(0.5) }),
  zeroPad2d: z.strictObject({ padding: four }),
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
