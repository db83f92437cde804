/** How a picture becomes a network's input: decoding and resizing first, then arithmetic. It travels with the CNN. */
import { z } from 'zod';

import { resizeSchema } from '../data/resize.js';

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

/** For options: a mode by name, or the settings themselves. */
export const preprocessingOption = z.union([z.enum(modes), preprocessingSchema.partial()], {
  error: `expected ${modes.map((mode) => `'${mode}'`).join(', ')} or settings { resize, range, mean, std, channelOrder }`,
});
export type PreprocessingOption = z.input<typeof preprocessingOption>;

/** What was asked for, laid over what the source said. A mode replaces the arithmetic, and leaves the resizing as it is. */
export function mergePreprocessing(
  source: PreprocessingInput | undefined,
  asked: z.output<typeof preprocessingOption> | undefined,
): PreprocessingInput | undefined {
  if (asked === undefined) return source;
  const resize = source?.resize;
  if (typeof asked !== 'string') return { ...source, ...asked };
  const { ...mode } = PREPROCESSING_MODES[asked] as PreprocessingInput;
  return { ...mode, ...(resize ? { resize } : {}) };
}
