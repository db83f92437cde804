/** Layers that move values about: flatten, reshape, pads, crops, sizes. */
import { z } from 'zod';

import { dataFormat, kind, pair, pictureShape, type LayerKind, type Translation, type Value } from './contract.js';

const pixels = z.number().int().nonnegative();
type Four = [number, number, number, number];

/** Keras' forms: n, [rows, columns], [[top, bottom], [left, right]]; ours is [top, right, bottom, left]. */
const edges = z
  .union([
    pixels.transform((n): Four => [n, n, n, n]),
    z.tuple([pixels, pixels]).transform(([rows, columns]): Four => [rows, columns, rows, columns]),
    z
      .tuple([z.tuple([pixels, pixels]), z.tuple([pixels, pixels])])
      .transform(([[top, bottom], [left, right]]): Four => [top, right, bottom, left]),
  ])
  .describe('edges');

const count = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** A vector is one of one pixel to Keras too; nothing to do. */
const flatten = kind(z.object({ data_format: dataFormat }), ({ data_format }, t) => {
  const input = t.input();
  if (input.shape.length === 1) return input;
  // Told of channels_first, Keras brings the channels last before it flattens, so that weights stay the same.
  const order = t.layout === 'channels_last' || data_format === 'channels_first' ? 'hwc' : 'chw';
  return t.add('flatten', [input], { order });
});

/** `target` in Keras' order, [F] or [H, W, C], with its −1 filled in, as [F] or [C, H, W]. */
function targetShape(target: readonly number[], total: number, t: Translation): number[] {
  const known = count(target.filter((n) => n !== -1));
  const filled = target.map((n) => (n === -1 ? total / known : n));
  if (filled.length !== 1 && filled.length !== 3) {
    t.refuse(`makes [${target.join(', ')}], expected a vector or a picture`);
  }
  if (count(filled) !== total || filled.some((n) => !Number.isInteger(n) || n < 1)) {
    t.refuse(`makes [${target.join(', ')}] of ${total} values`);
  }
  const [first = 0, second = 0, third = 0] = filled;
  if (filled.length === 1) return [first];
  return t.layout === 'channels_last' ? [third, first, second] : [first, second, third];
}

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

function reshapeTo(target: readonly number[], t: Translation): Value {
  const input = t.input();
  const shape = targetShape(target, count(input.shape), t) as [number] | [number, number, number];
  if (sameShape(shape, input.shape)) return input;
  return t.add('reshape', [input], { shape, order: t.layout === 'channels_last' ? 'hwc' : 'chw' });
}

const reshape = kind(z.object({ target_shape: z.array(z.number().int()).min(1) }), ({ target_shape }, t) =>
  reshapeTo(target_shape, t),
);

const permute = kind(z.object({ dims: z.array(z.number().int()) }), ({ dims }, t) => {
  const input = t.input();
  if (!dims.every((dim, i) => dim === i + 1) || dims.length !== input.shape.length) {
    t.refuse(`changes the order of axes to [${dims.join(', ')}], which is not supported`);
  }
  return input;
});

const zeroPadding = kind(z.object({ padding: edges.prefault(1), data_format: dataFormat }), ({ padding }, t) =>
  t.add('zeroPad2d', [t.input()], { padding }),
);

const cropping = kind(z.object({ cropping: edges.prefault(0), data_format: dataFormat }), ({ cropping: padding }, t) =>
  t.add('crop2d', [t.input()], { padding }),
);

const upSampling = kind(
  z.object({ size: pair.prefault(2), interpolation: z.string().default('nearest'), data_format: dataFormat }),
  ({ size: scale, interpolation: mode }, t) => {
    if (mode !== 'nearest' && mode !== 'bilinear') {
      t.refuse(`has interpolation '${mode}', expected 'nearest' or 'bilinear'`);
    }
    // tfjs counts coordinates from the corners of pixels, Keras from their centres.
    const bilinear = t.dialect === 'tfjs' ? 'bilinearFromCorners' : 'bilinear';
    return t.add('upsample2d', [t.input()], { scale, mode: mode === 'nearest' ? 'nearest' : bilinear });
  },
);

const sizeConfig = z.object({ height: pixels, width: pixels, data_format: dataFormat });

/** Pictures are brought to size before the network; inside, only what changes nothing is exact. */
const resizing = kind(sizeConfig, ({ height, width }, t) => {
  const input = t.input();
  const [, rows, columns] = pictureShape(input, t);
  if (rows !== height || columns !== width) {
    t.refuse(
      `resizes [${rows}, ${columns}] to [${height}, ${width}]: give the model without it, and pictures of that size`,
    );
  }
  return input;
});

const centerCrop = kind(sizeConfig, ({ height, width }, t) => {
  const input = t.input();
  const [, rows, columns] = pictureShape(input, t);
  const [down, across] = [rows - height, columns - width];
  if (down < 0 || across < 0)
    t.refuse(`enlarges [${rows}, ${columns}] to [${height}, ${width}], which is not supported`);
  if (down === 0 && across === 0) return input;
  const [top, left] = [Math.floor(down / 2), Math.floor(across / 2)];
  return t.add('crop2d', [input], { padding: [top, across - left, down - top, left] });
});

export const SPATIAL_LAYERS: Record<string, LayerKind> = {
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  ZeroPadding2D: zeroPadding,
  Cropping2D: cropping,
  UpSampling2D: upSampling,
  Resizing: resizing,
  CenterCrop: centerCrop,
};
