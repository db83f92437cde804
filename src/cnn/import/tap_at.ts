/** Where a CNN's taps lie when its file does not say (METHOD.md §1). */
import type { CnnSpec, NodeInput } from '../spec.js';
import { asPair } from './shapes.js';

/** The fewest convolutions of a VGG (VGG11); as native/core/cnn/script/taps.cpp has it for TorchScript. */
const VGG_CONVOLUTIONS = 8;
/** What a VGG has not. */
const OTHER = new Set(['batchNorm', 'groupNorm', 'layerNorm', 'concat', 'add', 'subtract', 'multiply']);

/** 'activation' for a VGG: a chain of 3 × 3 convolutions of stride 1, each read by its own relu alone. */
export function impliedTapAt(nodes: readonly NodeInput[]): CnnSpec['tapAt'] {
  const convolutions = nodes.filter(({ op }) => op === 'conv2d');
  if (convolutions.length < VGG_CONVOLUTIONS || nodes.some(({ op }) => OTHER.has(op))) return 'conv';
  const isVgg = convolutions.every(({ name, attrs }) => {
    const readers = nodes.filter(({ inputs }) => inputs.includes(name));
    return (
      asPair(attrs?.kernel).every((side) => side === 3) &&
      asPair(attrs?.stride ?? 1).every((step) => step === 1) &&
      readers.length === 1 &&
      readers[0]?.op === 'relu'
    );
  });
  return isVgg ? 'activation' : 'conv';
}
