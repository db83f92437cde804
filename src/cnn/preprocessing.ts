/** How a picture becomes a network's input: decoding and resizing first, then arithmetic. It travels with the CNN. */
import { z } from 'zod';

import { resizeFields, resizeSchema } from '../data/resize.js';
import { optionalFields, parseOptions } from '../options.js';

/** The modes of Keras' `preprocess_input` by its names; `torch` is torchvision's too. `none` leaves [0, 1] as it is. */
export const PREPROCESSING_MODES = {
  none: {},
  tf: { range: [-1, 1] },
  torch: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  caffe: { range: [0, 255], mean: [103.939, 116.779, 123.68], channelOrder: 'bgr' },
  bytes: { range: [0, 255] },
} as const;
export type PreprocessingMode = keyof typeof PREPROCESSING_MODES;

export const preprocessingSchema = z.strictObject({
  resize: resizeSchema.prefault({}).describe('how a picture is brought to the input’s size'),
  range: z
    .tuple([z.number(), z.number()])
    .default([0, 1])
    .describe('what [0, 1] is stretched to first, such as [0, 255] or [-1, 1]'),
  mean: z.array(z.number()).default([]).describe("then subtracted, one a channel in the network's order; empty: 0"),
  std: z.array(z.number().positive()).default([]).describe('then divided by; empty: 1'),
  channelOrder: z.enum(['rgb', 'bgr']).default('rgb'),
});
export type PreprocessingInput = z.input<typeof preprocessingSchema>;
export type Preprocessing = z.output<typeof preprocessingSchema>;

const modes = Object.keys(PREPROCESSING_MODES) as [PreprocessingMode, ...PreprocessingMode[]];

const settingsSchema = z.strictObject({
  ...optionalFields(preprocessingSchema.shape),
  resize: z.strictObject(optionalFields(resizeFields)).optional(),
});

/** For options: a mode by name, or some of the settings themselves. */
export const preprocessingOption = z.union([z.enum(modes), settingsSchema], {
  error: `expected ${modes.map((mode) => `'${mode}'`).join(', ')} or settings { resize, range, mean, std, channelOrder }`,
});
export type PreprocessingOption = z.input<typeof preprocessingOption>;

/** All of a mode's arithmetic. */
export function arithmeticOf(mode: PreprocessingMode): Omit<Preprocessing, 'resize'> {
  const { resize: _resize, ...arithmetic } = preprocessingSchema.parse(PREPROCESSING_MODES[mode]);
  return arithmetic;
}

/** What was asked for, laid over what the source said. A mode replaces all arithmetic, and leaves the resizing as it is. */
export function mergePreprocessing(
  source: PreprocessingInput | undefined,
  asked: z.output<typeof preprocessingOption> | undefined,
): PreprocessingInput | undefined {
  if (asked === undefined) return source;
  const { resize, ...arithmetic } = typeof asked === 'string' ? { ...arithmeticOf(asked), resize: undefined } : asked;
  const merged = { ...source, ...arithmetic, resize: { ...source?.resize, ...resize } };
  return parseOptions(preprocessingSchema, merged, 'preprocessing');
}
