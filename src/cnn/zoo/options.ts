/** What every published network may be asked for, and what it is by default. */
import { z } from 'zod';

import type { Interpolation } from '../../data/resize.js';
import { parseOptions } from '../../options.js';
import {
  mergePreprocessing,
  PREPROCESSING_MODES,
  preprocessingOption,
  type PreprocessingInput,
  type PreprocessingOption,
} from '../preprocessing.js';

export const HEADS = ['published', 'paper'] as const;

export interface ZooOptions {
  /** How many there are (default 1000, ImageNet's), or their names. */
  classes?: number | readonly string[];
  /** Height and width of the images, or one number for both; default what the network was published for. */
  size?: number | readonly [number, number];
  /** Of the images: 3 by default. */
  channels?: number;
  /** Every layer's channels times this, to the nearest multiple of 8 as MobileNet's width multiplier goes; default 1. */
  width?: number;
  /**
   * 'published' (default): what the network was published with. 'paper': the maximum over all pixels, 256 relu, 128 relu, classes, with dropout 0.1
   * after both relus (arXiv 2301.08067).
   */
  head?: (typeof HEADS)[number];
  /** How a picture becomes the input; default what torchvision's weights were trained with. */
  preprocessing?: PreprocessingOption;
}

/** What a network was published as. */
export interface Published {
  name: string;
  /** Height and width of the images it was trained on. */
  size: number;
  /** The least that its pooling leaves a pixel of. */
  minimum: number;
  /** A picture's shorter side before its centre is cut out. */
  resize: number;
  interpolation: Interpolation;
  /** Of [0, 1]. */
  mode: 'torch' | 'tf';
}

export interface ParsedZooOptions {
  classes: number;
  classNames?: string[];
  height: number;
  width: number;
  channels: number;
  multiplier: number;
  head: 'published' | 'paper';
  preprocessing: PreprocessingInput;
}

const count = z.number().int().positive('expected 1 or more');

/** @throws CumulensError ERR_OPTION */
export function parseZooOptions(published: Published, options: ZooOptions): ParsedZooOptions {
  const side = z
    .number()
    .int()
    .min(published.minimum, `expected ${published.minimum} pixels or more, since of less nothing would be left`);
  const schema = z.strictObject({
    classes: z
      .union([count, z.array(z.string()).min(1)], { error: 'expected a number of classes, or their names' })
      .default(1000),
    size: z
      .union([side, z.tuple([side, side])], {
        error: `expected a whole number ≥ ${published.minimum} or [height, width]`,
      })
      .default(published.size),
    channels: count.default(3),
    width: z.number().positive().default(1),
    head: z.enum(HEADS).default('published'),
    preprocessing: preprocessingOption.optional(),
  });
  const parsed = parseOptions(schema, options, published.name);
  const { classes, size, channels, width: multiplier, head } = parsed;
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  return {
    classes: typeof classes === 'number' ? classes : classes.length,
    ...(typeof classes === 'number' ? {} : { classNames: classes }),
    height,
    width,
    channels,
    multiplier,
    head,
    preprocessing: mergePreprocessing(publishedPreprocessing(published, channels), parsed.preprocessing) ?? {},
  };
}

/** ImageNet's statistics are of red, green and blue: for other channels they are the mean of the three. */
function publishedPreprocessing(
  { size, resize, interpolation, mode }: Published,
  channels: number,
): PreprocessingInput {
  const resizing = { resize: { scale: resize / size, interpolation } };
  if (mode === 'tf') return { range: [...PREPROCESSING_MODES.tf.range], ...resizing };
  const each = (values: readonly number[]): number[] => {
    if (channels === values.length) return [...values];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return new Array<number>(channels).fill(mean);
  };
  const { mean, std } = PREPROCESSING_MODES.torch;
  return { mean: each(mean), std: each(std), ...resizing };
}
