/** Layers of several inputs, and arithmetic with constants, as operators on Keras' tensors write it. */
import { z } from 'zod';

import {
  isChannelAxis,
  kind,
  nothing,
  type Argument,
  type LayerKind,
  type Translation,
  type Value,
} from './contract.js';
import { perChannel } from './normalization.js';

type Merge = 'add' | 'subtract' | 'multiply' | 'divide' | 'average' | 'maximum' | 'minimum';

/** Sizes of 1 stretch, as in a gate of channels; the ranks must agree. */
function mergeTensors(op: Merge, inputs: readonly Value[], t: Translation): Value {
  if (inputs.length < 2) t.refuse(`takes two inputs or more, got ${inputs.length}`);
  const [first] = inputs as [Value];
  for (const { shape } of inputs) {
    const fits =
      shape.length === first.shape.length &&
      shape.every((n, i) => n === first.shape[i] || n === 1 || first.shape[i] === 1);
    if (!fits) t.refuse(`takes inputs of one shape, got [${first.shape.join(', ')}] and [${shape.join(', ')}]`);
  }
  return t.add(op, inputs);
}

const merge = (op: Merge): LayerKind => kind(nothing, (_, t) => mergeTensors(op, t.inputs, t));

const concatenate = kind(z.object({ axis: z.number().int().default(-1) }), ({ axis }, t) => {
  const [first, ...others] = t.inputs;
  if (!first) return t.refuse('takes one input or more, got none');
  if (!isChannelAxis(axis, first.shape.length, t.layout)) t.refuse(`has axis ${axis}, expected the channels`);
  for (const { shape } of others) {
    const fits = shape.length === first.shape.length && shape.slice(1).every((n, i) => n === first.shape[i + 1]);
    if (!fits) t.refuse(`takes inputs of one size, got [${first.shape.join(', ')}] and [${shape.join(', ')}]`);
  }
  return others.length === 0 ? first : t.add('concat', t.inputs);
});

const constant = z.union([z.number().transform((n) => [n]), z.array(z.number()).min(1)]);

/** A constant of the file, one number or one for each channel. */
function readConstant({ kind: what, value }: Argument, t: Translation): number[] {
  const flat: unknown = Array.isArray(value) ? value.flat(8) : value;
  const parsed = constant.safeParse(flat);
  if (what === 'tensor' || !parsed.success) return t.refuse('takes a constant that is not a number or a list of them');
  return parsed.data;
}

/** x op c as x·scale + offset; c op x where that is possible. */
function withConstant(op: Merge, values: readonly number[], swapped: boolean, t: Translation): Value {
  const input = t.input();
  const each = (change: (n: number) => number) => perChannel(values.map(change), t);
  if (op === 'add') return t.add('rescale', [input], { offset: each((n) => n) });
  if (op === 'multiply') return t.add('rescale', [input], { scale: each((n) => n) });
  if (op === 'subtract') {
    return swapped
      ? t.add('rescale', [input], { scale: -1, offset: each((n) => n) })
      : t.add('rescale', [input], { offset: each((n) => -n) });
  }
  if (op === 'divide' && !swapped) return t.add('rescale', [input], { scale: each((n) => 1 / n) });
  return t.refuse('is not supported with a constant');
}

const operator = (op: Merge): LayerKind =>
  kind(nothing, (_, t) => {
    const operands = [...t.args, ...['y', 'x2', 'value', 'bias'].flatMap((name) => t.named[name] ?? [])];
    const [a, b] = operands;
    if (!a || !b) return mergeTensors(op, t.inputs, t);
    if (a.kind === 'tensor' && b.kind === 'tensor')
      return mergeTensors(
        op,
        operands.map(({ value }) => value as Value),
        t,
      );
    const swapped = a.kind === 'constant';
    return withConstant(op, readConstant(swapped ? a : b, t), swapped, t);
  });

export const MERGING_LAYERS: Record<string, LayerKind> = {
  Add: operator('add'),
  Subtract: operator('subtract'),
  Multiply: operator('multiply'),
  Average: merge('average'),
  Maximum: operator('maximum'),
  Minimum: operator('minimum'),
  Concatenate: concatenate,
};

/** Keras 3's operations by class. */
export const OPERATIONS: Record<string, LayerKind> = {
  Add: operator('add'),
  Subtract: operator('subtract'),
  Multiply: operator('multiply'),
  Divide: operator('divide'),
  TrueDivide: operator('divide'),
  Maximum: operator('maximum'),
  Minimum: operator('minimum'),
  Concatenate: concatenate,
};

/** TensorFlow's functions by name, as Keras 2's TFOpLambda layers call them. */
export const TENSORFLOW_FUNCTIONS: Record<string, LayerKind> = {
  'math.add': operator('add'),
  'math.subtract': operator('subtract'),
  'math.multiply': operator('multiply'),
  'math.divide': operator('divide'),
  'math.truediv': operator('divide'),
  'math.maximum': operator('maximum'),
  'math.minimum': operator('minimum'),
  '__operators__.add': operator('add'),
  '__operators__.sub': operator('subtract'),
  '__operators__.mul': operator('multiply'),
  '__operators__.truediv': operator('divide'),
  'nn.bias_add': operator('add'),
};
