/** How pictures of any size are brought to one. */
import { z } from 'zod';

/** crop: the centre, at the output's aspect ratio; stretch: all of it, at any. */
export const FITS = ['crop', 'stretch'] as const;
export type Fit = (typeof FITS)[number];

/** Resampling filters, widened when they shrink, as Pillow's and torchvision's are; nearest is not. */
export const INTERPOLATIONS = ['nearest', 'bilinear', 'bicubic', 'lanczos'] as const;
export type Interpolation = (typeof INTERPOLATIONS)[number];

const fields = {
  fit: z.enum(FITS).default('crop').describe('crop: the centre, at the output’s aspect ratio; stretch: all of it'),
  scale: z
    .number()
    .min(1)
    .max(4)
    .default(1)
    .describe('crop: the shorter side is made so many times the output, of which the centre is kept (256/224 …)'),
  interpolation: z.enum(INTERPOLATIONS).default('bilinear'),
};

export const resizeSchema = z.strictObject(fields);
export type Resize = z.output<typeof resizeSchema>;
/** The fields, for schemas that have others too. */
export const resizeFields = fields;
