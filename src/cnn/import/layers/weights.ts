/** Kernels from Keras' layouts to ours. */
import type { ImportedTensor } from '../contract.js';

/** Rows and columns that are moved together: both sides then stay in the cache. */
const BLOCK = 32;

/** A matrix [rows, columns] as [columns, rows]. */
function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let top = 0; top < rows; top += BLOCK) {
    const bottom = Math.min(rows, top + BLOCK);
    for (let left = 0; left < columns; left += BLOCK) {
      const right = Math.min(columns, left + BLOCK);
      for (let column = left; column < right; column++) {
        for (let row = top; row < bottom; row++) result[column * rows + row] = data[row * columns + column] as number;
      }
    }
  }
  return result;
}

/** [in, out] → [out, in] */
export function transpose({ shape, data }: ImportedTensor): ImportedTensor {
  const [inputs = 0, outputs = 0] = shape;
  return { shape: [outputs, inputs], data: transposed(data, inputs, outputs) };
}

/** [height, width, in, out] → [out, in, height, width] */
export function toOihw({ shape, data }: ImportedTensor): ImportedTensor {
  const [height = 0, width = 0, inputs = 0, outputs = 0] = shape;
  // [height · width · in, out] → [out, height · width · in], then each filter's own matrix.
  const filters = transposed(data, height * width * inputs, outputs);
  const length = height * width * inputs;
  for (let begin = 0; begin < filters.length; begin += length) {
    const filter = filters.subarray(begin, begin + length);
    filter.set(transposed(filter, height * width, inputs));
  }
  return { shape: [outputs, inputs, height, width], data: filters };
}

/** [height, width, channels, multiplier] → [channels · multiplier, 1, height, width] */
export function toDepthwise({ shape, data }: ImportedTensor): ImportedTensor {
  const [height = 0, width = 0, channels = 0, multiplier = 0] = shape;
  const filters = channels * multiplier;
  return { shape: [filters, 1, height, width], data: transposed(data, height * width, filters) };
}
