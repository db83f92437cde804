/** Images as people have them: a Tensor, or pictures by path or bytes. */
import { decodeImage, readImageFile, type DecodeOptions } from '../data/decode.js';
import { mapOrdered } from '../data/parallel.js';
import { CumulensError } from '../errors.js';
import { native, type NativeTensor } from '../native.js';
import { Tensor } from '../tensor.js';
import type { CnnSpec } from './spec.js';

/** A picture's path, or the bytes of its file (JPEG, PNG, WebP …). */
export type Picture = string | Uint8Array;
/** [N, C, H, W] of the CNN's input size, uint8 or float in [0, 1], RGB; or pictures, which are brought to it as the preprocessing says. */
export type Images = Tensor | Picture | readonly Picture[];

const DECODES_AT_ONCE = 4;

const isPicture = (value: unknown): value is Picture => typeof value === 'string' || value instanceof Uint8Array;

/**
 * The images as one native tensor, for the length of `use`.
 * @throws CumulensError ERR_OPTION for anything else, ERR_IO or ERR_FORMAT naming the picture that cannot be read
 */
export async function withImages<T>(
  images: Images,
  { input, preprocessing }: Pick<CnnSpec, 'input' | 'preprocessing'>,
  what: string,
  use: (images: NativeTensor) => Promise<T>,
): Promise<T> {
  if (Tensor.isTensor(images)) return use(images);
  const list: readonly unknown[] = Array.isArray(images) ? images : [images];
  if (list.length === 0 || !list.every(isPicture)) {
    throw new CumulensError(
      'ERR_OPTION',
      `${what}: images must be a Tensor [N, C, H, W], or paths or Buffers of pictures`,
    );
  }
  const packed = await decodeAll(list, { height: input.height, width: input.width, ...preprocessing.resize });
  try {
    return await use(packed);
  } finally {
    packed.dispose();
  }
}

async function decodeAll(pictures: readonly Picture[], options: DecodeOptions): Promise<NativeTensor> {
  const decode = async ([index, picture]: [number, Picture]): Promise<Uint8Array> => {
    const path = typeof picture === 'string' ? picture : `image ${index}`;
    const bytes = typeof picture === 'string' ? await readImageFile(picture) : picture;
    return decodeImage(bytes, options, path);
  };
  const { height, width } = options;
  const pixels: Uint8Array[] = [];
  for await (const one of mapOrdered(pictures.entries(), DECODES_AT_ONCE, decode)) pixels.push(one);
  return native.packImages(pixels, { height, width, layout: 'hwc', size: [height, width] });
}
