/** Picture files to RGB bytes of one size, whatever they hold. */
import { readFile } from 'node:fs/promises';

import sharp from 'sharp';
import { z } from 'zod';

import { CumulensError } from '../errors.js';

/** The files that a folder of images may hold. */
export const IMAGE_EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tiff', '.tif', '.avif'] as const;

/** crop: the centre, at the output's aspect ratio; stretch: all of it, at any. */
export const FITS = ['crop', 'stretch'] as const;
export type Fit = (typeof FITS)[number];

export const decodeFields = {
  fit: z.enum(FITS).default('crop'),
};

export interface DecodeOptions {
  height: number;
  width: number;
  fit: Fit;
}

/** The bytes of a file. @throws CumulensError ERR_IO */
export async function readImageFile(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot read: ${(cause as Error).message}`, { cause });
  });
}

/**
 * Decodes one picture (the first of an animation) as sRGB, 8 bits: turned upright as its EXIF orientation says, 16-bit, gray, palette and
 * CMYK converted, transparency laid on white, resized with a triangle filter (bilinear, widened when it shrinks).
 * @param what names the picture in the error
 * @returns height × width × 3 bytes, row by row
 * @throws CumulensError ERR_FORMAT when the bytes are no picture, or one that is cut off
 */
export async function decodeImage(
  bytes: Uint8Array,
  { height, width, fit }: DecodeOptions,
  what: string,
): Promise<Buffer> {
  try {
    const { data, info } = await sharp(bytes, { failOn: 'warning' })
      .autoOrient()
      .toColourspace('srgb')
      .flatten({ background: '#ffffff' })
      .resize(width, height, { fit: fit === 'crop' ? 'cover' : 'fill', kernel: 'linear', fastShrinkOnLoad: false })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels after conversion to sRGB`);
    return data;
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0] ?? '';
    throw new CumulensError('ERR_FORMAT', `${what}: not a readable image: ${reason}`, { cause });
  }
}
