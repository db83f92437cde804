/** A generator's conditions, made anew from a CNN as those it was trained with were. */
import type { Cnn } from '../cnn/cnn.js';
import type { MapOptions } from '../maps/options.js';
import type { Conditioning, Generator } from './generator.js';

/** The height and width that the generator was trained at; that of the CNN's pictures where its file does not say. */
export function sizeOf(generator: Generator, cnn: Cnn): number {
  return generator.origin.size ?? cnn.spec.input.height;
}

/** What of a conditioning `cnn.explain` takes: all but the class and how pictures were resized. */
export function mapOptionsOf(
  conditioning: Partial<Omit<Conditioning, 'targetTap'>> & { targetTap?: string | number },
): Pick<MapOptions, 'method' | 'order' | 'excludeTarget' | 'targetTap' | 'targetMethod'> {
  const { target: _target, fit: _fit, scale: _scale, interpolation: _interpolation, ...options } = conditioning;
  return options;
}
