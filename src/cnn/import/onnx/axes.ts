/** What operators say of axes and sizes, for constants and for tensors of the images (whose first size, the batch's, is NaN). */
import { dimsText, type OnnxCall } from './call.js';
import { countOf } from './constants.js';

/** An axis as it is counted from the first. */
export function axisOf(axis: number, rank: number, t: OnnxCall): number {
  const found = axis < 0 ? axis + rank : axis;
  return Number.isInteger(found) && found >= 0 && found < rank ? found : t.refuse(`has axis ${axis} of ${rank}`);
}

/** `axes`, an attribute in older versions, an input in newer ones. */
function axesOf(rank: number, t: OnnxCall): number[] | undefined {
  const axes = t.setting('axes', 1)?.map((axis) => axisOf(axis, rank, t));
  if (axes && new Set(axes).size !== axes.length) t.refuse(`has axes [${axes.join(', ')}], some of them twice`);
  return axes;
}

export function reductionOf(rank: number, t: OnnxCall): { axes: number[]; keepDims: boolean } {
  const axes = axesOf(rank, t) ?? [];
  const all = axes.length === 0 && t.int('noop_with_empty_axes', 0) === 0;
  return { axes: all ? Array.from({ length: rank }, (_, axis) => axis) : axes, keepDims: t.int('keepdims', 1) !== 0 };
}

/** Transpose's `perm`: for each new axis, the old one. */
export function permutationOf(rank: number, t: OnnxCall): number[] {
  const order = t.ints('perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const whole = order.length === rank && [...order].sort((a, b) => a - b).every((axis, i) => axis === i);
  return whole ? [...order] : t.refuse(`has perm [${order.join(', ')}] for ${rank} dimensions`);
}

export function squeezedDims(dims: readonly number[], t: OnnxCall): number[] {
  const given = axesOf(dims.length, t);
  if (!given && Number.isNaN(dims[0]) && t.batch === 1) t.refuse('squeezes the batch, which is 1 in the file');
  const axes = given ?? dims.flatMap((size, axis) => (size === 1 ? [axis] : []));
  const wrong = axes.find((axis) => dims[axis] !== 1);
  if (wrong !== undefined) t.refuse(`squeezes axis ${wrong} of ${dimsText(dims)}`);
  return dims.filter((_, axis) => !axes.includes(axis));
}

export function unsqueezedDims(dims: readonly number[], t: OnnxCall): number[] {
  const given = t.setting('axes', 1) ?? t.refuse('has no axes');
  const rank = dims.length + given.length;
  const axes = new Set(given.map((axis) => axisOf(axis, rank, t)));
  const rest = [...dims];
  return Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : (rest.shift() ?? 1)));
}

export function flattenedDims(dims: readonly number[], t: OnnxCall): number[] {
  const given = t.int('axis', 1);
  const axis = given < 0 ? given + dims.length : given;
  return [countOf(dims.slice(0, axis)), countOf(dims.slice(axis))];
}

const known = (sizes: readonly number[]): number => countOf(sizes.filter((size) => size !== -1));

/** Fills in what Reshape leaves to be worked out, of `count` values. */
const filled = (sizes: readonly number[], count: number): number[] =>
  sizes.map((size) => (size === -1 ? count / known(sizes) : size));

/** Reshape's target. A tensor of the images must keep its batch, whatever number stands for that in the file. */
export function targetDims(dims: readonly number[], t: OnnxCall): number[] {
  const target = t.setting('shape', 1) ?? t.refuse('has no shape');
  const copies = t.int('allowzero', 0) === 0;
  const sizes = target.map((size, axis) => (size === 0 && copies ? (dims[axis] ?? 0) : size));
  if (!Number.isNaN(dims[0])) return filled(sizes, countOf(dims));
  const [batch = 0, ...rest] = sizes;
  const count = countOf(dims.slice(1));
  const made = filled(rest, count);
  // A file made of one picture has 1 where the batch was.
  const isBatch = Number.isNaN(batch) || batch === 1 || batch === t.batch || (batch === -1 && !rest.includes(-1));
  if (!isBatch || countOf(made) !== count) t.refuse(`makes ${dimsText(target)} of ${dimsText(dims)}`);
  return [NaN, ...made];
}

/** What is taken along an axis: every `step`-th from `begin` on. */
export interface Range {
  axis: number;
  begin: number;
  step: number;
  count: number;
}

/** Slice's settings; axes that are kept whole are left out. */
export function slicesOf(dims: readonly number[], t: OnnxCall): Range[] {
  const [starts, ends] = [t.setting('starts', 1), t.setting('ends', 2)];
  if (starts?.length !== ends?.length || !starts || !ends)
    return t.refuse('has no starts and ends that belong together');
  const axes = t.setting('axes', 3) ?? starts.map((_, i) => i);
  const steps = t.setting('steps', 4) ?? starts.map(() => 1);
  return starts.flatMap((start, i) => {
    const axis = axisOf(axes[i] ?? NaN, dims.length, t);
    const [end, step, size] = [ends[i] as number, steps[i] ?? 1, dims[axis] as number];
    if (Number.isNaN(size)) return start === 0 && step === 1 && (end >= 2 ** 31 - 1 || Number.isNaN(end) || end === t.batch) ? [] : t.refuse('takes a part of the batch, which is not supported'); // prettier-ignore
    if (!Number.isInteger(step) || step === 0 || Number.isNaN(start) || Number.isNaN(end)) {
      t.refuse(`takes ${start} … ${end} in steps of ${step}`);
    }
    const from = (at: number, low: number, high: number) => Math.min(Math.max(at < 0 ? at + size : at, low), high);
    const begin = step > 0 ? from(start, 0, size) : from(start, 0, size - 1);
    const stop = step > 0 ? from(end, 0, size) : from(end, -1, size - 1);
    const count = Math.max(0, Math.ceil((stop - begin) / step));
    return begin === 0 && step === 1 && count === size ? [] : [{ axis, begin, step, count }];
  });
}
