/** Computes what of a graph depends on constants and shapes alone: exporters write sizes so, and weights sometimes. */
import {
  axisOf,
  flattenedDims,
  permutationOf,
  reductionOf,
  slicesOf,
  squeezedDims,
  targetDims,
  unsqueezedDims,
} from './axes.js';
import type { OnnxCall } from './call.js';
import { countOf, emptyLike, integers, type Constant, type NumberKind } from './constants.js';
import { kindOfType, typeName } from './tensors.js';

/** Broadcast shapes and a few more values than were given are all that is made here; never a large tensor from a small file. */
const FREE_VALUES = 2 ** 16;

function checkedCount(dims: readonly number[], inputs: readonly Constant[], t: OnnxCall): number {
  const count = countOf(dims);
  const given = inputs.reduce((sum, { values }) => sum + values.length, 0);
  if (dims.some((size) => !Number.isSafeInteger(size) || size < 0))
    t.refuse(`makes a constant of [${dims.join(', ')}]`);
  if (count > Math.max(FREE_VALUES, given)) t.refuse(`makes ${count} values of ${given}`);
  return count;
}

/** Steps from one value to the next along each axis. */
function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length).fill(1);
  for (let axis = dims.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] as number) * (dims[axis + 1] as number);
  }
  return strides;
}

/** Reads a constant along other strides: transposed, sliced, broadcast. */
function gatherStrided(
  source: Constant,
  dims: readonly number[],
  strides: readonly number[],
  offset: number,
  count: number,
): Constant {
  const values = emptyLike(source, count);
  const index = new Array<number>(dims.length).fill(0);
  let at = offset;
  for (let i = 0; i < count; i++) {
    values[i] = source.values[at] as number;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += strides[axis] as number;
      if (++(index[axis] as number) < (dims[axis] as number)) break;
      at -= (strides[axis] as number) * (dims[axis] as number);
      index[axis] = 0;
    }
  }
  return { dims, kind: source.kind, values };
}

function broadcastDims(inputs: readonly Constant[], t: OnnxCall): number[] {
  const rank = Math.max(...inputs.map(({ dims }) => dims.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = inputs.map(({ dims }) => dims[axis - rank + dims.length] ?? 1);
    const size = sizes.find((candidate) => candidate !== 1) ?? 1;
    if (sizes.some((other) => other !== size && other !== 1)) {
      t.refuse(`takes constants of shapes ${inputs.map(({ dims }) => `[${dims.join(', ')}]`).join(' and ')}`);
    }
    return size;
  });
}

function expandTo(source: Constant, dims: readonly number[], t: OnnxCall): Constant {
  if (dims.length === source.dims.length && dims.every((size, axis) => size === source.dims[axis])) return source;
  const count = checkedCount(dims, [source], t);
  const padded = [...new Array<number>(dims.length - source.dims.length).fill(1), ...source.dims];
  const strides = stridesOf(padded).map((stride, axis) => (padded[axis] === 1 ? 0 : stride));
  return gatherStrided(source, dims, strides, 0, count);
}

type Binary = (a: number, b: number) => number;

/** One function of pairs of values. @param kind of the result; that of the inputs if not given */
const elementwise =
  (compute: (kind: NumberKind) => Binary, kind?: NumberKind): Fold =>
  (inputs, t) => {
    const [first, ...others] = inputs;
    if (!first) return t.refuse('has no inputs');
    const dims = broadcastDims(inputs, t);
    const apply = compute(first.kind);
    return others.reduce((a, b) => {
      const [left, right] = [expandTo(a, dims, t), expandTo(b, dims, t)];
      const values = kind ? new Float64Array(left.values.length) : emptyLike(left, left.values.length);
      for (let i = 0; i < values.length; i++) values[i] = apply(left.values[i] as number, right.values[i] as number);
      return { dims, kind: kind ?? left.kind, values };
    }, first);
  };

const unary =
  (compute: (x: number) => number): Fold =>
  ([source], t) => {
    if (!source) return t.refuse('has no input');
    const values = emptyLike(source, source.values.length);
    for (let i = 0; i < values.length; i++) values[i] = compute(source.values[i] as number);
    return { ...source, values };
  };

/** Whole numbers from there on are not NaN's: comparisons with the batch's size have no answer. */
const compare = (holds: (a: number, b: number) => boolean): Fold =>
  elementwise(() => (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? NaN : Number(holds(a, b))), 'bool');

type Fold = (inputs: readonly Constant[], t: OnnxCall) => Constant;

/** The same numbers as another kind; float ones in the precision that is asked for. */
export function castTo(source: Constant, kind: NumberKind, double = false): Constant {
  if (kind === 'int') return { ...source, kind, values: Float64Array.from(source.values, Math.trunc) };
  if (kind === 'bool') return { ...source, kind, values: Float64Array.from(source.values, (x) => Number(x !== 0)) };
  return { ...source, kind, values: double ? Float64Array.from(source.values) : Float32Array.from(source.values) };
}

const cast: Fold = ([source], t) => {
  const to = t.int('to', 0);
  const kind = kindOfType(to);
  if (!source || !kind) return t.refuse(`casts to ${typeName(to)}, which is not supported`);
  return castTo(source, kind, typeName(to) === 'double');
};

const gather: Fold = ([source, indices], t) => {
  if (!source || !indices) return t.refuse('has no input');
  const axis = axisOf(t.int('axis', 0), source.dims.length, t);
  const size = source.dims[axis] ?? 0;
  const dims = [...source.dims.slice(0, axis), ...indices.dims, ...source.dims.slice(axis + 1)];
  const inner = countOf(source.dims.slice(axis + 1));
  const values = emptyLike(source, checkedCount(dims, [source, indices], t));
  const outer = countOf(source.dims.slice(0, axis));
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const index of indices.values) {
      const found = index < 0 ? index + size : index;
      if (!(found >= 0 && found < size)) t.refuse(`takes element ${index} of ${size}`);
      const begin = (row * size + found) * inner;
      values.set(source.values.subarray(begin, begin + inner), at);
      at += inner;
    }
  }
  return { dims, kind: source.kind, values };
};

const concat: Fold = (inputs, t) => {
  const [first] = inputs;
  if (!first) return t.refuse('has no inputs');
  const axis = axisOf(t.int('axis', 0), first.dims.length, t);
  const others = (dims: readonly number[]) => dims.filter((_, i) => i !== axis).join();
  if (inputs.some(({ dims }) => dims.length !== first.dims.length || others(dims) !== others(first.dims))) {
    t.refuse('joins constants that differ in more than one axis');
  }
  const length = inputs.reduce((sum, { dims }) => sum + (dims[axis] as number), 0);
  const dims = first.dims.map((size, i) => (i === axis ? length : size));
  const values = emptyLike(first, checkedCount(dims, inputs, t));
  const outer = countOf(dims.slice(0, axis));
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const source of inputs) {
      const step = source.values.length / outer;
      values.set(source.values.subarray(row * step, (row + 1) * step), at);
      at += step;
    }
  }
  return { dims, kind: first.kind, values };
};

const slice: Fold = ([source], t) => {
  if (!source) return t.refuse('has no input');
  let offset = 0;
  const dims = [...source.dims];
  const strides = stridesOf(source.dims);
  for (const { axis, begin, step, count } of slicesOf(source.dims, t)) {
    offset += begin * (strides[axis] as number);
    dims[axis] = count;
    strides[axis] = (strides[axis] as number) * step;
  }
  return gatherStrided(source, dims, strides, offset, countOf(dims));
};

const transpose: Fold = ([source], t) => {
  if (!source) return t.refuse('has no input');
  const order = permutationOf(source.dims.length, t);
  const strides = stridesOf(source.dims);
  const dims = order.map((axis) => source.dims[axis] as number);
  return gatherStrided(source, dims, order.map((axis) => strides[axis] as number), 0, source.values.length); // prettier-ignore
};

/** Other dimensions for the same values. */
const withDims =
  (change: (source: Constant, t: OnnxCall) => readonly number[]): Fold =>
  ([source], t) => {
    if (!source) return t.refuse('has no input');
    const dims = change(source, t);
    if (countOf(dims) !== source.values.length) {
      t.refuse(`makes [${dims.join(', ')}] of [${source.dims.join(', ')}]`);
    }
    return { ...source, dims };
  };

const reduce =
  (join: Binary, start: number, mean = false): Fold =>
  ([source], t) => {
    if (!source) return t.refuse('has no input');
    const { axes, keepDims } = reductionOf(source.dims.length, t);
    const rest = source.dims.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const order = [...rest, ...axes];
    const strides = stridesOf(source.dims);
    const sizes = order.map((axis) => source.dims[axis] as number);
    const moved = gatherStrided(source, sizes, order.map((axis) => strides[axis] as number), 0, source.values.length); // prettier-ignore
    const each = countOf(axes.map((axis) => source.dims[axis] as number));
    const values = emptyLike(source, countOf(rest.map((axis) => source.dims[axis] as number)));
    for (let i = 0; i < values.length; i++) {
      let joined = start;
      for (let at = i * each; at < (i + 1) * each; at++) joined = join(joined, moved.values[at] as number);
      values[i] = mean ? joined / each : joined;
    }
    const dims = source.dims.flatMap((size, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [size]));
    return { dims, kind: source.kind, values };
  };

const fill: Fold = ([shape], t) => {
  const value = t.tensor('value');
  const dims = [...(shape?.values ?? [])];
  const count = checkedCount(dims, [], t);
  const kind = value?.kind ?? 'float';
  const values = (kind === 'float' ? new Float32Array(count) : new Float64Array(count)).fill(value?.values[0] ?? 0);
  return { dims, kind, values };
};

const range: Fold = ([start, limit, delta], t) => {
  const [from, to, step] = [start, limit, delta].map((value) => value?.values[0] ?? NaN) as [number, number, number];
  const count = checkedCount([Math.max(0, Math.ceil((to - from) / step))], [], t);
  const values = Float64Array.from({ length: count }, (_, i) => from + i * step);
  return { ...integers(values), kind: start?.kind ?? 'int' };
};

const where: Fold = ([condition, a, b], t) => {
  if (!condition || !a || !b) return t.refuse('has no input');
  const dims = broadcastDims([condition, a, b], t);
  const [chosen, left, right] = [condition, a, b].map((value) => expandTo(value, dims, t)) as [Constant, Constant, Constant]; // prettier-ignore
  const values = emptyLike(left, left.values.length);
  for (let i = 0; i < values.length; i++) {
    const picked = chosen.values[i] ? left : right;
    values[i] = Number.isNaN(chosen.values[i]) ? NaN : (picked.values[i] as number);
  }
  return { dims, kind: a.kind, values };
};

const divide = (kind: NumberKind): Binary => (kind === 'float' ? (a, b) => a / b : (a, b) => Math.trunc(a / b));

export const FOLDS: Readonly<Record<string, Fold>> = {
  Add: elementwise(() => (a, b) => a + b),
  Sub: elementwise(() => (a, b) => a - b),
  Mul: elementwise(() => (a, b) => a * b),
  Div: elementwise(divide),
  Pow: elementwise(() => (a, b) => a ** b),
  Min: elementwise(() => (a, b) => Math.min(a, b)),
  Max: elementwise(() => (a, b) => Math.max(a, b)),
  Equal: compare((a, b) => a === b),
  Greater: compare((a, b) => a > b),
  Less: compare((a, b) => a < b),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Reciprocal: unary((x) => 1 / x),
  Not: unary((x) => 1 - x),
  Cast: cast,
  Concat: concat,
  ConstantOfShape: fill,
  Expand: ([source, shape], t) => {
    if (!source || !shape) return t.refuse('has no input');
    return expandTo(source, broadcastDims([source, { ...source, dims: [...shape.values] }], t), t);
  },
  Flatten: withDims(({ dims }, t) => flattenedDims(dims, t)),
  Gather: gather,
  Identity: ([source], t) => source ?? t.refuse('has no input'),
  Range: range,
  ReduceMax: reduce(Math.max, -Infinity),
  ReduceMean: reduce((a, b) => a + b, 0, true),
  ReduceMin: reduce(Math.min, Infinity),
  ReduceProd: reduce((a, b) => a * b, 1),
  ReduceSum: reduce((a, b) => a + b, 0),
  Reshape: withDims(({ dims }, t) => targetDims(dims, t)),
  Slice: slice,
  Squeeze: withDims(({ dims }, t) => squeezedDims(dims, t)),
  Transpose: transpose,
  Unsqueeze: withDims(({ dims }, t) => unsqueezedDims(dims, t)),
  Where: where,
};
