import { native, type Dtype, type NativeTensor, type TypedArray } from './native.js';

/** Gives a dispose method to `using`, also on a Node that has no `Symbol.dispose` of its own. */
const disposeSymbol: typeof Symbol.dispose = (Symbol.dispose as typeof Symbol.dispose | undefined) ?? Symbol.for('nodejs.dispose') as typeof Symbol.dispose;

/**
 * A tensor in native memory (on the GPU if its device says so); JavaScript holds the handle. `dispose()` or `using` frees the memory at
 * once; otherwise the garbage collector does.
 */
export interface Tensor extends Disposable {
  /** Sizes, outermost first; images are [N, C, H, W]. */
  readonly shape: number[];
  readonly dtype: Dtype;
  /** "cpu" or "cuda:0" … */
  readonly device: string;
  readonly disposed: boolean;
  /** The values, row-major, copied to the host: a BigInt64Array for int64, float32 for 16-bit floats. */
  data(): Promise<TypedArray>;
  dispose(): void;
}

Object.defineProperty(native.Tensor.prototype, disposeSymbol, {
  value(this: NativeTensor) {
    this.dispose();
  },
  configurable: true,
  writable: true,
});

export const Tensor = {
  /**
   * Copies a typed array into a new CPU tensor.
   * @throws CumulensError ERR_SHAPE when the shape does not hold as many values as the array has.
   */
  from(array: TypedArray, shape: readonly number[]): Tensor {
    return native.tensorFrom(array, shape) as unknown as Tensor;
  },
  /** Whether a value is a Tensor of this package. */
  isTensor(value: unknown): value is Tensor {
    return value instanceof (native.Tensor as unknown as new () => object);
  },
};

/** Live tensor handles of this process and the bytes they hold. */
export function memory(): { tensors: number; bytes: number } {
  return native.memory();
}
