/** Picture files to RGB bytes of one size, whatever they hold. */
import { readFile } from 'node:fs/promises';

import sharp from 'sharp';
import { CumulensError } from '../errors.js';
import type { Interpolation, Resize } from './resize.js';

/** The files that a folder of images may hold. */
export const IMAGE_EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tiff', '.tif', '.avif'] as const;

export interface DecodeOptions extends Resize {
  height: number;
  width: number;
}

const KERNELS: Readonly<Record<Interpolation, 'nearest' | 'linear' | 'cubic' | 'lanczos3'>> = {
  nearest: 'nearest',
  bilinear: 'linear',
  bicubic: 'cubic',
  lanczos: 'lanczos3',
};

/** The bytes of a file. @throws CumulensError ERR_IO */
export async function readImageFile(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot read: ${(cause as Error).message}`, { cause });
  });
}

/**
 * Decodes one picture (the first of an animation) as sRGB, 8 bits: turned upright as its EXIF orientation says, 16-bit, gray, palette and
 * CMYK converted, transparency laid on white,
 * resized (a filter is widened when it shrinks) and, for a `scale` above 1, cut down to the centre.
 * @param what names the picture in the error
 * @returns height × width × 3 bytes, row by row
 * @throws CumulensError ERR_FORMAT when the bytes are no picture, or one that is cut off
 */
export async function decodeImage(
  bytes: Uint8Array,
  { height, width, fit, scale, interpolation }: DecodeOptions,
  what: string,
): Promise<Buffer> {
  const cropped = fit === 'crop' && scale > 1;
  const [tall, wide] = cropped ? [Math.round(height * scale), Math.round(width * scale)] : [height, width];
  try {
    const resized = sharp(bytes, { failOn: 'warning' })
      .autoOrient()
      .toColourspace('srgb')
      .flatten({ background: '#ffffff' })
      .resize(wide, tall, {
        fit: fit === 'crop' ? 'cover' : 'fill',
        kernel: KERNELS[interpolation],
        fastShrinkOnLoad: false,
      });
    const [top, left] = [Math.round((tall - height) / 2), Math.round((wide - width) / 2)];
    const { data, info } = await (cropped ? resized.extract({ left, top, width, height }) : resized)
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels after conversion to sRGB`);
    return data;
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0] ?? '';
    throw new CumulensError('ERR_FORMAT', `${what}: not a readable image: ${reason}`, { cause });
  }
}
