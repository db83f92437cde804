/** Every layer that can be translated, by its class. */
import { didYouMean } from '../../../options.js';
import { ACTIVATION_LAYERS, ACTIVATION_OPERATIONS } from './activations.js';
import type { LayerKind, LeafLayer } from './contract.js';
import { WEIGHTED_LAYERS } from './convolution.js';
import { IDENTITY_LAYERS } from './identity.js';
import { MERGING_LAYERS, OPERATIONS, TENSORFLOW_FUNCTIONS } from './merging.js';
import { NORMALIZATION_LAYERS } from './normalization.js';
import { POOLING_LAYERS } from './pooling.js';
import { SPATIAL_LAYERS } from './spatial.js';

const LAYERS: Readonly<Record<string, LayerKind>> = {
  ...WEIGHTED_LAYERS,
  ...NORMALIZATION_LAYERS,
  ...ACTIVATION_LAYERS,
  ...POOLING_LAYERS,
  ...SPATIAL_LAYERS,
  ...MERGING_LAYERS,
  ...IDENTITY_LAYERS,
};
const KERAS_OPERATIONS: Readonly<Record<string, LayerKind>> = { ...OPERATIONS, ...ACTIVATION_OPERATIONS };

const get = (table: Readonly<Record<string, LayerKind>>, name: string): LayerKind | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

function unsupported(what: string, name: string, table: Readonly<Record<string, LayerKind>>): string {
  const known = Object.keys(table);
  return `${what} '${name}' is not supported${didYouMean(name, known)}; supported are ${known.join(', ')}`;
}

/** Whether a class is an operation of Keras 3 rather than a layer: such have no place among a model's saved layers. */
export const isOperation = (module: string): boolean => module.startsWith('keras.src.ops') || module === 'keras.ops';

/** How a layer is translated, or why it cannot be. */
export function findKind({ className, module, config }: LeafLayer): LayerKind | { problem: string } {
  if (className === 'Lambda') return { problem: 'a Lambda layer holds code, which is never run' };
  if (className === 'TFOpLambda') {
    const name = String(config.function);
    return get(TENSORFLOW_FUNCTIONS, name) ?? { problem: unsupported('function', name, TENSORFLOW_FUNCTIONS) };
  }
  if (isOperation(module)) {
    return get(KERAS_OPERATIONS, className) ?? { problem: unsupported('operation', className, KERAS_OPERATIONS) };
  }
  // Legacy files do not say that a class is an operation; only the names that are no layers' tell.
  const found = get(LAYERS, className) ?? get(KERAS_OPERATIONS, className);
  return found ?? { problem: unsupported('layer', className, LAYERS) };
}
