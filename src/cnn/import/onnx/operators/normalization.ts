/** Layers that shift and scale. */
import { axisOf } from '../axes.js';
import { dimsOf, dimsText, type OnnxCall } from '../call.js';
import type { Constant } from '../constants.js';
import { isChannels, sameAxis, through, type View } from '../view.js';
import { weightOf, type NodeWeight } from '../writer.js';

/** A tensor whose axis after the batch is all channels: as it is seen, or put in order. */
function withChannelsAt(place: number, t: OnnxCall): View {
  const view = t.view();
  if (isChannels(view, place)) return view;
  const settled = t.settle(view);
  return isChannels(settled, place)
    ? settled
    : t.refuse(`works along axis ${place + 1} of ${dimsText(dimsOf(view))}, expected the channels`);
}

function batchNormalization(t: OnnxCall): View {
  if (t.int('training_mode', 0) !== 0) t.refuse('is in training mode: export the model in evaluation mode');
  const view = withChannelsAt(0, t);
  const channels = [view.shape[0] ?? 0];
  const [weight, bias, mean, variance] = [1, 2, 3, 4].map((input) => t.weight(input, channels)) as [Constant, Constant, Constant, Constant]; // prettier-ignore
  // ONNX counts what is kept of the running statistics, we what comes in.
  const momentum = Math.min(1, Math.max(0, Number((1 - t.float('momentum', 0.9)).toPrecision(7))));
  const attrs = { epsilon: positiveEpsilon(t), momentum };
  const { node } = t.addWeighted('batchNorm', view.node, attrs, [weight, bias, mean, variance], () => ({
    weight: weightOf(weight),
    bias: weightOf(bias),
    running_mean: weightOf(mean),
    running_var: weightOf(variance),
  }));
  return through(view, node);
}

function positiveEpsilon(t: OnnxCall): number {
  const epsilon = t.float('epsilon', 1e-5);
  return epsilon > 0 ? epsilon : t.refuse(`has epsilon ${epsilon}, expected more than 0`);
}

/** One number a group as one a channel; those of a channel as they are. */
function eachChannel(constant: Constant, channels: number): NodeWeight {
  const { data } = weightOf(constant);
  const each = channels / data.length;
  return { shape: [channels], data: each === 1 ? data : Float32Array.from({ length: channels }, (_, i) => data[Math.floor(i / each)] as number) }; // prettier-ignore
}

const isAll = ({ values }: Constant, number: number): boolean => values.every((value: number) => value === number);

/** @param count how many numbers scale and bias have: one a channel, or one a group */
function addGroupNorm(view: View, groups: number, count: number, t: OnnxCall): View {
  const [channels = 0] = view.shape;
  if (!(groups >= 1) || channels % groups !== 0) t.refuse(`makes ${groups} groups of ${channels} channels`);
  const [weight, bias] = [t.weight(1, [count]), t.weight(2, [count])];
  // Exporters that keep the affine part apart have ones and zeros here.
  const affine = !isAll(weight, 1) || !isAll(bias, 0);
  const attrs = { groups, epsilon: positiveEpsilon(t), scale: affine, center: affine };
  if (!affine) return t.map('groupNorm', view, attrs);
  const { node } = t.addWeighted('groupNorm', view.node, attrs, [weight, bias], () => ({
    weight: eachChannel(weight, channels),
    bias: eachChannel(bias, channels),
  }));
  return through(view, node);
}

/** Scale and bias have one number a group before version 21, then one a channel. */
function groupNormalization(t: OnnxCall): View {
  const view = withChannelsAt(0, t);
  const groups = t.int('num_groups', 0);
  if (view.shape.length !== 3) t.refuse(`takes ${dimsText(dimsOf(view))}, expected pictures [N, C, H, W]`);
  return addGroupNorm(view, groups, t.opset < 21 ? groups : (view.shape[0] ?? 0), t);
}

/** Of each channel; of [N, G, …] that pictures were reshaped to, of each group of channels. */
function instanceNormalization(t: OnnxCall): View {
  const view = t.view();
  const [channels = [], ...pixels] = view.own;
  const [groups = []] = view.axes;
  const inOrder = view.shape.length === 3 && sameAxis(view.axes.flat(), [...channels, ...pixels.flat()]);
  const whole = channels.slice(0, groups.length);
  if (!inOrder || !sameAxis(whole, groups)) {
    return t.refuse(`takes ${dimsText(dimsOf(view))}, expected pictures [N, C, H, W], or [N, groups, values] of them`);
  }
  const count = groups.reduce((product, { size }) => product * size, 1);
  return addGroupNorm(view, count, count, t);
}

/** Over the channels of each pixel, which must come last. */
function layerNormalization(t: OnnxCall): View {
  const input = t.view();
  const rank = input.axes.length + 1;
  const axis = axisOf(t.int('axis', -1), rank, t);
  if (axis !== rank - 1) {
    t.refuse(`works over axes ${axis} … ${rank - 1} of ${dimsText(dimsOf(input))}, expected the last alone`);
  }
  const view = withChannelsAt(rank - 2, t);
  const channels = [view.shape[0] ?? 0];
  const weight = t.weight(1, channels);
  const bias = t.inputs[2] ? t.weight(2, channels) : undefined;
  const attrs = { epsilon: positiveEpsilon(t), scale: true, center: bias !== undefined };
  const { node } = t.addWeighted('layerNorm', view.node, attrs, [weight, bias], () => ({
    weight: weightOf(weight),
    ...(bias ? { bias: weightOf(bias) } : {}),
  }));
  return through(view, node);
}

function localResponseNormalization(t: OnnxCall): View {
  const size = t.int('size', 0);
  // An even window looks further ahead here, further back in PyTorch.
  if (!(size >= 1) || size % 2 === 0) t.refuse(`has size ${size}, expected an odd number`);
  const view = t.picture(t.view());
  const settings = { alpha: t.float('alpha', 1e-4), beta: t.float('beta', 0.75), k: t.float('bias', 1) };
  return t.map('localResponseNorm', view, { size, ...settings });
}

export const NORMALIZATIONS = {
  BatchNormalization: batchNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  LRN: localResponseNormalization,
};
