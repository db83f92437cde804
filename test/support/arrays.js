// Numbers for the tests of CNNs and maps: seeded draws, tensors and errors.
import { Tensor } from '../../dist/index.js';

/** Uniform numbers in [low, high), the same for the same seed (mulberry32). */
export function uniform(seed, count, low = -1, high = 1) {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return low + (high - low) * (((t ^ (t >>> 14)) >>> 0) / 2 ** 32);
  });
}

export const f32 = (values, shape) => Tensor.from(Float32Array.from(values), shape);
export const f64 = (values, shape) => Tensor.from(Float64Array.from(values), shape);
export const product = (shape) => shape.reduce((a, b) => a * b, 1);

/** max|a − b| / max|b| of two arrays or tensors: METHOD's error. */
export async function error(a, b) {
  const [x, y] = await Promise.all([a, b].map((v) => (Tensor.isTensor(v) ? v.data() : v)));
  if (x.length !== y.length) throw new Error(`${x.length} values against ${y.length}`);
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < y.length; i++) {
    if (!Number.isFinite(x[i])) return Infinity;
    difference = Math.max(difference, Math.abs(x[i] - y[i]));
    scale = Math.max(scale, Math.abs(y[i]));
  }
  return difference === 0 ? 0 : difference / scale;
}

/** The values of a result that nobody needs after, whose memory is given back. */
export async function taken(tensor) {
  const data = await tensor.data();
  tensor.dispose();
  return data;
}

/** What a promise rejects with; throws if it does not. */
export async function rejection(promise) {
  try {
    await promise;
  } catch (caught) {
    return caught;
  }
  throw new Error('expected a rejection');
}
