/** Pools over windows, and over whole pictures. */
import { reductionOf } from '../axes.js';
import { dimsOf, dimsText, type OnnxCall } from '../call.js';
import { sameAxis, viewOf, type View } from '../view.js';
import { layerNormWrittenOut } from './layer_norm.js';
import { windowOf, type Window } from './window.js';

interface PoolAttrs {
  kernel: [number, number];
  stride: [number, number];
  padding: Window['padding'];
  ceilMode: boolean;
}

function poolOf(view: View, t: OnnxCall): PoolAttrs {
  const { kernel, stride, dilation, padding } = windowOf(undefined, view, t);
  if (dilation.some((step) => step !== 1)) t.refuse(`has dilations [${dilation.join(', ')}], expected 1`);
  const ceilMode = t.int('ceil_mode', 0) !== 0;
  if (ceilMode && t.text('auto_pad', 'NOTSET') !== 'NOTSET')
    t.refuse('has ceil_mode and auto_pad, expected one of them');
  return { kernel, stride, padding, ceilMode };
}

function maxPool(t: OnnxCall): View {
  const view = t.picture(t.view());
  const { node, shape } = t.add('maxPool2d', [view.node], poolOf(view, t));
  return viewOf(node, shape);
}

function averagePool(t: OnnxCall): View {
  const view = t.picture(t.view());
  const countIncludePad = t.int('count_include_pad', 0) !== 0;
  const { node, shape } = t.add('avgPool2d', [view.node], { ...poolOf(view, t), countIncludePad });
  return viewOf(node, shape);
}

type GlobalPool = 'globalAvgPool2d' | 'globalMaxPool2d';

/** Over the pixels of a picture, which must all be among `reduced` axes after the batch, and nothing else. */
function overPixels(op: GlobalPool, input: View, reduced: readonly number[], keepDims: boolean, t: OnnxCall): View {
  const ordered = (view: View): boolean => {
    const [channels = [], ...pixels] = view.own;
    const atoms = reduced.flatMap((place) => view.axes[place] ?? []);
    const rest = view.axes.filter((_, place) => !reduced.includes(place)).flat();
    const all = pixels.flat();
    return view.shape.length === 3 && atoms.length === all.length && atoms.every((atom) => all.includes(atom)) && sameAxis(rest, channels); // prettier-ignore
  };
  const view = ordered(input) || input.axes.length !== 3 ? input : t.settle(input);
  if (!ordered(view)) t.refuse(`pools ${dimsText(dimsOf(input))} over other axes than all of a picture's pixels`);
  const axes = view.axes.flatMap((axis, place) => (reduced.includes(place) ? (keepDims ? [[]] : []) : [axis]));
  const { node, shape } = t.add(op, [view.node], { keepDims: axes.length > 1 });
  const [channels = []] = view.own;
  return { node, shape, own: shape.map((_, place) => (place === 0 ? channels : [])), axes };
}

/** GlobalAveragePool and GlobalMaxPool: over all axes after the channels. */
const globalPool =
  (op: GlobalPool) =>
  (t: OnnxCall): View => {
    const view = t.view();
    return overPixels(op, view, view.axes.map((_, place) => place).slice(1), true, t); // prettier-ignore
  };

const reduction =
  (op: GlobalPool) =>
  (t: OnnxCall): View => {
    const view = t.view();
    const { axes, keepDims } = reductionOf(view.axes.length + 1, t);
    if (axes.length === 0) return view;
    if (axes.includes(0)) t.refuse('joins the pictures of a batch, which is not supported');
    return overPixels(op, view, axes.map((axis) => axis - 1), keepDims, t); // prettier-ignore
  };

export const POOLS = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalPool('globalAvgPool2d'),
  GlobalMaxPool: globalPool('globalMaxPool2d'),
  ReduceMean: (t: OnnxCall) => layerNormWrittenOut(t) ?? reduction('globalAvgPool2d')(t),
  ReduceMax: reduction('globalMaxPool2d'),
};
