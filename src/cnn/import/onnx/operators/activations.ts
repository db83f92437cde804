/** Functions of each value. */
import { axisOf } from '../axes.js';
import { dimsOf, dimsText, type OnnxCall } from '../call.js';
import { countOf } from '../constants.js';
import { isChannels, sizesOf, through, type View } from '../view.js';

type Simple = 'relu' | 'sigmoid' | 'tanh' | 'softplus' | 'hardSwish' | 'mish' | 'erf';
const simple =
  (op: Simple) =>
  (t: OnnxCall): View =>
    t.map(op, t.only());

/** What stands for no bound: nothing a float32 holds lies beyond. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Values held between two bounds. */
export function clip(view: View, low: number, high: number, t: OnnxCall): View {
  if (low === 0 && high === 6) return t.map('relu6', view);
  if (low === 0 && high >= LARGEST) return t.map('relu', view);
  if (low <= -LARGEST && high >= LARGEST) return view;
  if (!(low < high)) t.refuse(`holds values between ${low} and ${high}`);
  return t.map('clip', view, { min: Math.max(low, -LARGEST), max: Math.min(high, LARGEST) });
}

/** A slope for all, or one for each channel. */
function prelu(t: OnnxCall): View {
  const slope = t.weight(1);
  const count = countOf(slope.dims);
  if (count === 1) return t.map('leakyRelu', t.view(), { slope: slope.values[0] as number });
  const view = t.view();
  const place = channelPlace(slope.dims, view, t);
  const [channels = 0] = view.shape;
  if (!isChannels(view, place) || count !== channels) {
    t.refuse(`has slopes of ${dimsText(slope.dims)} for ${dimsText(dimsOf(view))}, expected one for each channel`);
  }
  const { node } = t.addWeighted('prelu', view.node, {}, [slope], () => ({
    weight: { shape: [channels], data: Float32Array.from(slope.values) },
  }));
  return through(view, node);
}

/** The one axis after the batch along which a constant, aligned at the end, has more than one value. */
export function channelPlace(dims: readonly number[], view: View, t: OnnxCall): number {
  const long = dims.flatMap((size, axis) => (size === 1 ? [] : [axis - dims.length + view.axes.length]));
  const [place = -1, ...others] = long;
  if (others.length > 0 || place < 0) {
    t.refuse(`has a constant of ${dimsText(dims)} for ${dimsText(dimsOf(view))}, expected one number for each channel`);
  }
  return place;
}

function selu(t: OnnxCall): View {
  const [alpha, gamma] = [t.float('alpha', 1.6732632), t.float('gamma', 1.050701)];
  if (Math.abs(alpha - 1.6732632) > 1e-6 || Math.abs(gamma - 1.050701) > 1e-6) {
    t.refuse(`has alpha ${alpha} and gamma ${gamma}, expected 1.67326 and 1.0507`);
  }
  return t.map('selu', t.only());
}

/** Before version 13 over all axes from `axis` on, then over that one. */
export function softmax(t: OnnxCall): View {
  const view = t.view();
  const rank = view.axes.length + 1;
  const axis = axisOf(t.int('axis', t.opset < 13 ? 1 : -1), rank, t);
  const sizes = sizesOf(view);
  const others = sizes.filter((_, place) => (t.opset < 13 ? place > axis - 1 : false)).some((size) => size !== 1);
  if (axis === 0 || others || !isChannels(view, axis - 1)) {
    t.refuse(`works along axis ${axis} of ${dimsText(dimsOf(view))}, expected the channels`);
  }
  return t.map('softmax', view);
}

/** Its logits are as good as those before it, at the end; elsewhere there is no op for it. */
function logSoftmax(t: OnnxCall): View {
  if (!t.givesOutput()) t.refuse('is not supported within a network');
  t.note(`the log-softmax at the end ('${t.name}') is left out: the outputs are logits`);
  return t.view();
}

function celu(t: OnnxCall): View {
  const alpha = t.float('alpha', 1);
  return alpha === 1 ? t.map('elu', t.only(), { alpha }) : t.refuse(`has alpha ${alpha}, expected 1`);
}

export const ACTIVATIONS = {
  Relu: simple('relu'),
  Sigmoid: simple('sigmoid'),
  Tanh: simple('tanh'),
  Softplus: simple('softplus'),
  HardSwish: simple('hardSwish'),
  Mish: simple('mish'),
  Erf: simple('erf'),
  LeakyRelu: (t: OnnxCall) => t.map('leakyRelu', t.only(), { slope: t.float('alpha', 0.01) }),
  Elu: (t: OnnxCall) => t.map('elu', t.only(), { alpha: t.float('alpha', 1) }),
  Celu: celu,
  Selu: selu,
  PRelu: prelu,
  HardSigmoid: (t: OnnxCall) => t.map('hardSigmoid', t.only(), { alpha: t.float('alpha', 0.2), beta: t.float('beta', 0.5) }), // prettier-ignore
  Gelu: (t: OnnxCall) => {
    const approximate = t.text('approximate', 'none');
    if (approximate !== 'none' && approximate !== 'tanh') return t.refuse(`has approximate '${approximate}'`);
    return t.map('gelu', t.only(), { approximate });
  },
  Clip: (t: OnnxCall) => clip(t.view(), t.number('min', 1) ?? -Infinity, t.number('max', 2) ?? Infinity, t),
  Softmax: softmax,
  LogSoftmax: logSoftmax,
};
