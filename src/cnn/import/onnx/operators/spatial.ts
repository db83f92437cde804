/** Operators that move values about: most of them change only how a tensor is seen. */
import {
  axisOf,
  flattenedDims,
  permutationOf,
  slicesOf,
  squeezedDims,
  targetDims,
  unsqueezedDims,
  type Range,
} from '../axes.js';
import { dimsOf, dimsText, type OnnxCall } from '../call.js';
import { countOf } from '../constants.js';
import { kindOfType, typeName } from '../tensors.js';
import { inLayout, reshaped, sizesOf, transposed, viewOf, type View } from '../view.js';

/** The same values with other dimensions, the first of which is the batch. */
function withDims(view: View, dims: readonly number[], t: OnnxCall): View {
  if (!Number.isNaN(dims[0]))
    t.refuse(`makes ${dimsText(dims)} of ${dimsText(dimsOf(view))}, expected the batch first`);
  const sizes = dims.slice(1);
  const found = reshaped(view, sizes);
  if (found) return found;
  // Sizes that cut across axes need the values in a row.
  const row = reshaped(view, [countOf(sizesOf(view))]);
  const again = row && reshaped(t.settle(row), sizes);
  return again ?? t.refuse(`makes ${dimsText(dims)} of ${dimsText(dimsOf(view))}`);
}

const byDims =
  (change: (dims: readonly number[], t: OnnxCall) => readonly number[]) =>
  (t: OnnxCall): View => {
    const view = t.view();
    return withDims(view, change(dimsOf(view), t), t);
  };

function transpose(t: OnnxCall): View {
  const view = t.only();
  const order = permutationOf(view.axes.length + 1, t);
  if (order[0] !== 0) t.refuse(`has perm [${order.join(', ')}], which moves the batch`);
  return transposed(view, order.slice(1).map((axis) => axis - 1)); // prettier-ignore
}

/** A part of the channels, or of a picture's rows or columns. */
function take(input: View, { axis, begin, step, count }: Range, t: OnnxCall): View {
  const { view, layout } = t.laidOut(input);
  const own = layout.indexOf(axis - 1);
  const rest = (view.shape[own] ?? 0) - begin - count;
  if (step !== 1 && count > 1) t.refuse(`takes every ${step}th element, which is not supported`);
  if (count < 1 || rest < 0)
    t.refuse(`takes ${begin} … ${begin + count} of axis ${axis} of ${dimsText(dimsOf(input))}`);
  const { node, shape } =
    own === 0
      ? t.add('slice', [view.node], { begin, end: begin + count })
      : t.add('crop2d', [view.node], { padding: own === 1 ? [begin, 0, rest, 0] : [0, rest, 0, begin] });
  return inLayout(node, shape, layout);
}

function slice(t: OnnxCall): View {
  const view = t.view();
  return slicesOf(dimsOf(view), t).reduce((taken, range) => take(taken, range, t), view);
}

/** Elements that lie side by side; a single one's axis goes. */
function gather(t: OnnxCall): View {
  const view = t.view();
  const axis = axisOf(t.int('axis', 0), view.axes.length + 1, t);
  const indices = t.constant(1) ?? t.refuse('has no indices');
  const size = dimsOf(view)[axis] ?? 0;
  const places = Array.from(indices.values, (index) => (index < 0 ? index + size : index));
  const [begin = 0] = places;
  const inside = places.every((place, i) => place === begin + i) && begin >= 0 && begin + places.length <= size;
  if (axis === 0 || indices.dims.length > 1 || !inside) {
    t.refuse(`takes elements [${places.slice(0, 8).join(', ')}] of axis ${axis} of ${dimsText(dimsOf(view))}`);
  }
  const whole = begin === 0 && places.length === size;
  const taken = whole ? view : take(view, { axis, begin, step: 1, count: places.length }, t);
  return indices.dims.length === 1 ? taken : withDims(taken, dimsOf(taken).filter((_, i) => i !== axis), t); // prettier-ignore
}

function split(t: OnnxCall): View[] {
  const view = t.view();
  const axis = axisOf(t.int('axis', 0), view.axes.length + 1, t);
  const size = dimsOf(view)[axis] ?? 0;
  const parts = t.int('num_outputs', t.node.outputs.length);
  const each = Math.ceil(size / parts);
  const sizes = t.setting('split', 1) ?? Array.from({ length: parts }, (_, i) => Math.min(each, size - i * each));
  if (axis === 0 || countOf([sizes.length]) !== t.node.outputs.length || sizes.reduce((a, b) => a + b, 0) !== size) {
    t.refuse(`cuts axis ${axis} of ${dimsText(dimsOf(view))} into [${sizes.join(', ')}]`);
  }
  let begin = 0;
  return sizes.map((count) => {
    const range = { axis, begin, step: 1, count };
    begin += count;
    return count === size ? view : take(view, range, t);
  });
}

type Four = [number, number, number, number];

/** Zeros around a picture; numbers below 0 cut away. */
function pad(t: OnnxCall): View {
  const input = t.view();
  const rank = input.axes.length + 1;
  const pads = t.setting('pads', 1) ?? t.refuse('has no pads');
  const axes = t.constant(3)?.values ?? Array.from({ length: rank }, (_, axis) => axis);
  const all = new Array<number>(2 * rank).fill(0);
  if (pads.length !== 2 * axes.length) t.refuse(`has pads [${pads.join(', ')}] for ${axes.length} axes`);
  axes.forEach((given: number, i: number) => {
    const axis = axisOf(given, rank, t);
    all[axis] = pads[i] as number;
    all[axis + rank] = pads[i + axes.length] as number;
  });
  if (all.every((size) => size === 0)) return input;
  const mode = t.text('mode', 'constant');
  const value = t.number('value', 2) ?? 0;
  if (mode !== 'constant' || value !== 0) t.refuse(`pads with ${mode === 'constant' ? value : `mode '${mode}'`}, expected 0`); // prettier-ignore
  return padPixels(input, all, t);
}

/** @param pads before every axis, then after every axis */
function padPixels(input: View, pads: readonly number[], t: OnnxCall): View {
  const { view, layout } = t.laidOut(input);
  const half = pads.length / 2;
  const [channels, rows, columns] = layout.map((place) => [pads[place + 1] ?? 0, pads[place + 1 + half] ?? 0] as const);
  if (!channels || !rows || !columns || [pads[0], pads[half], ...channels].some((size) => size !== 0)) {
    return t.refuse(`pads ${dimsText(dimsOf(input))} along other axes than a picture's rows and columns`);
  }
  const four = [rows[0], columns[1], rows[1], columns[0]];
  let result = view.node;
  for (const [op, sign] of [
    ['zeroPad2d', 1],
    ['crop2d', -1],
  ] as const) {
    const padding = four.map((size) => Math.max(0, sign * size)) as Four;
    if (padding.some((size) => size > 0)) result = t.add(op, [result], { padding }).node;
  }
  return inLayout(result, t.nodeShape(result), layout);
}

/** How many times larger a picture gets. */
function scalesOf(view: View, t: OnnxCall): [number, number] {
  const dims = dimsOf(view);
  const axes = t.ints('axes') ?? dims.map((_, axis) => axis);
  const [scales, sizes] = [t.constant(2)?.values, t.constant(3)?.values];
  const given = scales?.length ? scales : sizes;
  if (!given?.length || given.length !== axes.length || t.text('keep_aspect_ratio_policy', 'stretch') !== 'stretch') {
    return t.refuse('has no scales or sizes for all of its axes');
  }
  const found = [1, 1, 1, 1];
  axes.forEach((given_, i) => {
    const axis = axisOf(given_, dims.length, t);
    const size = dims[axis] as number;
    found[axis] = given === scales ? (given[i] as number) : Number.isNaN(size) ? 1 : (given[i] as number) / size;
  });
  const [batch, channels, height = 1, width = 1] = found;
  if (batch !== 1 || channels !== 1 || ![height, width].every((scale) => Number.isInteger(scale) && scale >= 1)) {
    t.refuse(`makes pictures [${height}, ${width}] times as large, expected whole numbers`);
  }
  return [height, width];
}

/** Whether a way to count coordinates gives what one of ours does for whole scales. */
function isExact(mode: string, scale: readonly number[], t: OnnxCall): boolean {
  const coordinates = t.text('coordinate_transformation_mode', 'half_pixel');
  if (mode === 'linear') return ['half_pixel', 'pytorch_half_pixel', 'asymmetric'].includes(coordinates);
  const nearest = t.text('nearest_mode', 'round_prefer_floor');
  if (coordinates === 'asymmetric') {
    return nearest === 'floor' || (nearest === 'round_prefer_floor' && scale.every((factor) => factor <= 2));
  }
  if (coordinates === 'tf_half_pixel_for_nn') return nearest === 'floor';
  const half = coordinates === 'half_pixel' || coordinates === 'pytorch_half_pixel';
  return half && (nearest === 'round_prefer_floor' || nearest === 'round_prefer_ceil');
}

function resize(t: OnnxCall): View {
  const view = t.picture(t.view());
  const scale = scalesOf(view, t);
  const mode = t.text('mode', 'nearest');
  if (scale.every((factor) => factor === 1)) return view;
  if ((mode !== 'nearest' && mode !== 'linear') || t.int('antialias', 0) !== 0 || !isExact(mode, scale, t)) {
    const [coordinates, nearest] = [t.text('coordinate_transformation_mode', 'half_pixel'), t.text('nearest_mode', 'round_prefer_floor')]; // prettier-ignore
    t.refuse(`has mode ${mode}, ${coordinates}${mode === 'nearest' ? `, ${nearest}` : ''}, which is not supported`);
  }
  const bilinear = t.text('coordinate_transformation_mode', 'half_pixel') === 'asymmetric' ? 'bilinearFromCorners' : 'bilinear'; // prettier-ignore
  const { node, shape } = t.add('upsample2d', [view.node], { scale, mode: mode === 'nearest' ? mode : bilinear });
  return viewOf(node, shape);
}

/** Between kinds of float there is nothing to do: all run as one. */
function cast(t: OnnxCall): View {
  const to = t.int('to', 0);
  return kindOfType(to) === 'float' ? t.only() : t.refuse(`casts pictures to ${typeName(to)}, which is not supported`);
}

/** Kept, so that the CNN can be trained on. */
function dropout(t: OnnxCall): View {
  if (t.constant(2)?.values[0]) t.refuse('is in training mode: export the model in evaluation mode');
  const rate = t.has('ratio') ? t.float('ratio', 0.5) : (t.number('ratio', 1) ?? 0.5);
  return rate > 0 && rate < 1 ? t.map('dropout', t.view(), { rate }) : t.view();
}

function expand(t: OnnxCall): View {
  const view = t.view();
  const dims = dimsOf(view);
  const target = t.constant(1)?.values ?? [];
  const same = target.length <= dims.length && Array.from(target).every((size, i) => size === 1 || Number.isNaN(size) || size === dims[i - target.length + dims.length]); // prettier-ignore
  return same ? view : t.refuse(`expands ${dimsText(dims)} to ${dimsText(Array.from(target))}, which is not supported`);
}

export const SPATIAL = {
  Cast: cast,
  Dropout: dropout,
  Expand: expand,
  Flatten: byDims(flattenedDims),
  Gather: gather,
  Pad: pad,
  Reshape: byDims(targetDims),
  Resize: resize,
  Slice: slice,
  Split: split,
  Squeeze: byDims(squeezedDims),
  Transpose: transpose,
  Unsqueeze: byDims(unsqueezedDims),
};
