/** Pixels into picture files. */
import sharp from 'sharp';

import type { Tensor } from '../tensor.js';

/** Lossless for pages whose pictures lie beside them; WebP where a page carries them all. */
export type PictureFormat = 'png' | 'webp';

/** One file's bytes for each of [n, height, width, 3], which is disposed of. */
export async function encodePictures(pixels: Tensor, format: PictureFormat): Promise<Buffer[]> {
  const [n = 0, height = 0, width = 0] = pixels.shape;
  const bytes = (await pixels.data()) as Uint8Array;
  pixels.dispose();
  const stride = height * width * 3;
  return Promise.all(
    Array.from({ length: n }, (_, i) => {
      const picture = sharp(bytes.subarray(i * stride, (i + 1) * stride), { raw: { width, height, channels: 3 } });
      return (format === 'png' ? picture.png() : picture.webp({ quality: 82 })).toBuffer();
    }),
  );
}
