/** What convolutions and pools say of their windows. */
import type { OnnxCall } from '../call.js';
import type { View } from '../view.js';

type Pair = [number, number];
type Four = [number, number, number, number];

export interface Window {
  kernel: Pair;
  stride: Pair;
  dilation: Pair;
  /** [top, right, bottom, left]; 'same' is ONNX's SAME_UPPER, which is TensorFlow's rule. */
  padding: 'same' | Four;
}

function pair(name: string, absent: Pair, t: OnnxCall): Pair {
  const [height, width, ...others] = t.ints(name) ?? absent;
  if (height === undefined || width === undefined || others.length > 0 || !(height >= 1 && width >= 1)) {
    return t.refuse(`has ${name} [${(t.ints(name) ?? []).join(', ')}], expected two positive numbers`);
  }
  return [height, width];
}

/** Total padding of one axis, so that the output is ceil(size/stride); the odd one comes first. */
function lowerPadding(size: number, kernel: number, stride: number, dilation: number): Pair {
  const extent = (kernel - 1) * dilation + 1;
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + extent - size, 0);
  return [Math.ceil(total / 2), Math.floor(total / 2)];
}

function paddingOf(window: Omit<Window, 'padding'>, shape: readonly number[], t: OnnxCall): Window['padding'] {
  const { kernel, stride, dilation } = window;
  const automatic = t.text('auto_pad', 'NOTSET');
  const pads = t.ints('pads');
  if (automatic === 'NOTSET') {
    const [top = 0, left = 0, bottom = 0, right = 0, ...others] = pads ?? [];
    const four: Four = [top, right, bottom, left];
    if (others.length > 0 || (pads && pads.length !== 4) || !four.every((n) => Number.isSafeInteger(n) && n >= 0)) {
      return t.refuse(`has pads [${(pads ?? []).join(', ')}], expected four numbers of 0 or more`);
    }
    return four;
  }
  if (pads?.some((n) => n !== 0)) t.refuse(`has pads and auto_pad ${automatic}, expected one of them`);
  if (automatic === 'VALID') return [0, 0, 0, 0];
  if (automatic === 'SAME_UPPER') return 'same';
  if (automatic !== 'SAME_LOWER') {
    return t.refuse(`has auto_pad '${automatic}', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER`);
  }
  const [, height = 0, width = 0] = shape;
  const [top, bottom] = lowerPadding(height, kernel[0], stride[0], dilation[0]);
  const [left, right] = lowerPadding(width, kernel[1], stride[1], dilation[1]);
  return [top, right, bottom, left];
}

/** @param kernel of the weights, where the node need not say it @param view what the window goes over */
export function windowOf(kernel: Pair | undefined, { shape }: View, t: OnnxCall): Window {
  const said = t.has('kernel_shape') || !kernel ? pair('kernel_shape', [0, 0], t) : kernel;
  if (kernel && (said[0] !== kernel[0] || said[1] !== kernel[1])) {
    t.refuse(`has kernel_shape [${said.join(', ')}], but weights of [${kernel.join(', ')}]`);
  }
  const window = { kernel: said, stride: pair('strides', [1, 1], t), dilation: pair('dilations', [1, 1], t) };
  return { ...window, padding: paddingOf(window, shape, t) };
}
