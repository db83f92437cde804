/** Operators of several inputs, and arithmetic with constants. */
import { axisOf } from '../axes.js';
import { dimsOf, dimsText, isConstant, type OnnxCall, type Value } from '../call.js';
import { countOf, decimal, type Constant } from '../constants.js';
import { inLayout, isChannels, type View } from '../view.js';
import { channelPlace, clip } from './activations.js';

type Merge = 'add' | 'subtract' | 'multiply' | 'divide' | 'average' | 'maximum' | 'minimum';

/** Sizes of 1 stretch, as in a gate of channels; the ranks must agree. */
function merge(op: Merge, given: readonly View[], t: OnnxCall): View {
  const { views, layout } = t.aligned(given);
  const [first, ...others] = views;
  if (!first) return t.refuse('has no inputs');
  if (others.length === 0) return first;
  const sizes = first.shape.map((_, axis) => Math.max(...views.map(({ shape }) => shape[axis] ?? 0)));
  if (views.some(({ shape }) => shape.some((size, axis) => size !== 1 && size !== sizes[axis]))) {
    t.refuse(`takes ${given.map((view) => dimsText(dimsOf(view))).join(' and ')}, expected one shape`);
  }
  const { node, shape } = t.add(op, views.map((view) => view.node)); // prettier-ignore
  return inLayout(node, shape, layout);
}

/** The tensor, and the constant as one number or one for each of its channels. */
function eachChannel(constant: Constant, input: View, t: OnnxCall): { view: View; values: number | number[] } {
  const { dims, values } = constant;
  if (dims.length > input.axes.length + 1) {
    t.refuse(`has a constant of ${dimsText(dims)} for ${dimsText(dimsOf(input))}, which has fewer dimensions`);
  }
  if (countOf(dims) === 1) return { view: input, values: decimal(values[0] as number) };
  const place = channelPlace(dims, input, t);
  const view = isChannels(input, place) ? input : t.settle(input);
  if (!isChannels(view, place) || view.shape[0] !== values.length) {
    t.refuse(
      `has a constant of ${dimsText(dims)} for ${dimsText(dimsOf(input))}, expected one number for each channel`,
    );
  }
  return { view, values: Array.from(values, decimal) };
}

const each = (values: number | number[], change: (n: number) => number): number | number[] =>
  typeof values === 'number' ? change(values) : values.map(change);

/** x op c as x·scale + offset; c op x where that is possible. */
function withConstant(op: Merge, constant: Constant, input: View, swapped: boolean, t: OnnxCall): View {
  const { view, values } = eachChannel(constant, input, t);
  if (op === 'add') return t.map('rescale', view, { offset: values });
  if (op === 'multiply') return t.map('rescale', view, { scale: values });
  if (op === 'subtract') {
    return swapped
      ? t.map('rescale', view, { scale: -1, offset: values })
      : t.map('rescale', view, { offset: each(values, (n) => -n) });
  }
  if (op === 'divide' && !swapped) return t.map('rescale', view, { scale: each(values, (n) => 1 / n) });
  if (op === 'maximum' && typeof values === 'number') return clip(view, values, Infinity, t);
  if (op === 'minimum' && typeof values === 'number') return clip(view, -Infinity, values, t);
  return t.refuse('is not supported with such a constant');
}

const operator =
  (op: Merge) =>
  (t: OnnxCall): View => {
    const given = t.inputs.filter((value): value is Value => value !== undefined);
    const views = given.filter((value): value is View => !isConstant(value));
    if (views.length === given.length) return merge(op, views, t);
    const [a, b, ...others] = given;
    if (!a || !b || others.length > 0) return t.refuse('is not supported with constants among several inputs');
    return isConstant(a)
      ? withConstant(op, a, t.view(1), true, t)
      : withConstant(op, b as Constant, t.view(0), false, t);
  };

function concat(t: OnnxCall): View {
  const given = t.inputs.map((_, index) => t.view(index));
  const [first] = given;
  if (!first) return t.refuse('has no inputs');
  const place = axisOf(t.int('axis', 1), first.axes.length + 1, t) - 1;
  const { views, layout } = t.aligned(given);
  const shapes = views.map(({ shape }) => shape);
  if (layout[0] !== place) t.refuse(`joins axis ${place + 1} of ${dimsText(dimsOf(first))}, expected the channels`);
  if (shapes.some((shape) => shape.slice(1).join() !== shapes[0]?.slice(1).join())) {
    t.refuse(`joins ${given.map((view) => dimsText(dimsOf(view))).join(' and ')}, expected pictures of one size`);
  }
  if (views.length === 1) return first;
  const { node, shape } = t.add('concat', views.map((view) => view.node)); // prettier-ignore
  return inLayout(node, shape, layout);
}

/** Whole powers, as products. */
function power(t: OnnxCall): View {
  const exponent = t.number('exponent', 1) ?? 0;
  if (![1, 2, 3, 4].includes(exponent)) t.refuse(`has exponent ${exponent}, expected 1, 2, 3 or 4`);
  const view = t.view();
  return exponent === 1 ? view : merge('multiply', new Array<View>(exponent).fill(view), t);
}

export const MERGES = {
  Add: operator('add'),
  Sub: operator('subtract'),
  Mul: operator('multiply'),
  Div: operator('divide'),
  Sum: operator('add'),
  Mean: operator('average'),
  Max: operator('maximum'),
  Min: operator('minimum'),
  Pow: power,
  Neg: (t: OnnxCall) => t.map('rescale', t.only(), { scale: -1 }),
  Concat: concat,
};
