/** Every operator that is translated, by its name in ONNX. */
import type { OnnxCall } from '../call.js';
import type { View } from '../view.js';
import { ACTIVATIONS } from './activations.js';
import { CONVOLUTIONS } from './convolution.js';
import { MERGES } from './merging.js';
import { NORMALIZATIONS } from './normalization.js';
import { POOLS } from './pooling.js';
import { SPATIAL } from './spatial.js';

export type Operator = (call: OnnxCall) => View | readonly View[];

export const OPERATORS: Readonly<Record<string, Operator>> = {
  ...CONVOLUTIONS,
  ...NORMALIZATIONS,
  ...ACTIVATIONS,
  ...POOLS,
  ...MERGES,
  ...SPATIAL,
};
