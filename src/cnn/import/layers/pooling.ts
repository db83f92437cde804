/** Pooling: TensorFlow's 'same', whose padding does not count in an average. */
import { z } from 'zod';

import { dataFormat, kind, pair, pictureShape, type LayerKind } from './contract.js';

const poolConfig = z.object({
  pool_size: pair.prefault(2),
  strides: pair.nullish(),
  padding: z.enum(['valid', 'same']).default('valid'),
  data_format: dataFormat,
});
const globalConfig = z.object({ keepdims: z.boolean().nullish(), data_format: dataFormat });

const pool = (op: 'maxPool2d' | 'avgPool2d'): LayerKind =>
  kind(poolConfig, ({ pool_size: kernel, strides, padding }, t) => {
    const input = t.input();
    pictureShape(input, t);
    return t.add(op, [input], { kernel, stride: strides ?? kernel, padding });
  });

const globalPool = (op: 'globalMaxPool2d' | 'globalAvgPool2d'): LayerKind =>
  kind(globalConfig, ({ keepdims }, t) => {
    const input = t.input();
    pictureShape(input, t);
    return t.add(op, [input], { keepDims: keepdims ?? false });
  });

export const POOLING_LAYERS: Record<string, LayerKind> = {
  MaxPooling2D: pool('maxPool2d'),
  MaxPool2D: pool('maxPool2d'),
  AveragePooling2D: pool('avgPool2d'),
  AvgPool2D: pool('avgPool2d'),
  GlobalMaxPooling2D: globalPool('globalMaxPool2d'),
  GlobalMaxPool2D: globalPool('globalMaxPool2d'),
  GlobalAveragePooling2D: globalPool('globalAvgPool2d'),
  GlobalAvgPool2D: globalPool('globalAvgPool2d'),
};
