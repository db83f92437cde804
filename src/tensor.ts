import { inspect } from 'node:util';

import { native, type NativeTensor, type TypedArray } from './native.js';

/** See {@link NativeTensor}: the handle users hold is the native one. */
export type Tensor = NativeTensor;

/** `Symbol.dispose`, also on a Node that has none of its own (TypeScript's `using` falls back to the same). */
const disposeSymbol = (Symbol.dispose as symbol | undefined) ?? Symbol.for('nodejs.dispose');

Object.defineProperties(native.Tensor.prototype, {
  [disposeSymbol]: {
    value(this: Tensor) {
      this.dispose();
    },
    configurable: true,
  },
  [inspect.custom]: {
    value(this: Tensor) {
      return this.disposed ? 'Tensor(disposed)' : `Tensor(${this.dtype} [${this.shape.join(', ')}] on ${this.device})`;
    },
    configurable: true,
  },
});

export const Tensor = {
  /**
   * Copies a typed array into a new CPU tensor.
   * @throws CumulensError ERR_SHAPE when the shape does not hold as many values as the array has.
   */
  from(array: TypedArray, shape: readonly number[]): Tensor {
    return native.tensorFrom(array, shape);
  },
  /** Whether a value is a Tensor of this package. */
  isTensor(value: unknown): value is Tensor {
    return value instanceof (native.Tensor as unknown as new () => Tensor);
  },
};

/** Gives the memory of all of them back. */
export function disposeAll(tensors: Readonly<Record<string, Tensor>>): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}

/** Live tensor handles of this process and the bytes they hold. */
export function memory(): { tensors: number; bytes: number } {
  return native.memory();
}
