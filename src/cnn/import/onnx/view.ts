/**
 * ONNX moves values about by shape: it reshapes, transposes, squeezes. The ops of a spec know two shapes, [C, H, W] and [F]. So a tensor of
 * the file is a node's output seen through such changes, which cost nothing and become ops only where the next op needs another
 * order. An axis is a list of atoms, outermost first: [N, 2, C/2, H, W] has the channels' atoms 2 and C/2 apart, NHWC has the
 * channels' atoms last. An axis of size 1 has none.
 */

/** A part of an axis that has not been cut so far; two are the same when they are the same object. */
interface Atom {
  readonly size: number;
}
type Axis = readonly Atom[];

export interface View {
  readonly node: string;
  /** The node's output, [C, H, W] or [F]. */
  readonly shape: readonly number[];
  /** The node's own axes. */
  readonly own: readonly Axis[];
  /** The tensor's axes after the batch. */
  readonly axes: readonly Axis[];
}

const sizeOf = (axis: Axis): number => axis.reduce((product, { size }) => product * size, 1);

/** The tensor's sizes after the batch. */
export const sizesOf = ({ axes }: View): number[] => axes.map(sizeOf);

/** A node's output as it is. */
export function viewOf(node: string, shape: readonly number[]): View {
  const own = shape.map((size): Axis => (size === 1 ? [] : [{ size }]));
  return { node, shape, own, axes: own };
}

export const sameAxis = (a: Axis, b: Axis): boolean => a.length === b.length && a.every((atom, i) => atom === b[i]);

/** @param order for each new axis after the batch, the old one, from 0 */
export const transposed = (view: View, order: readonly number[]): View => ({
  ...view,
  axes: order.map((axis) => view.axes[axis] ?? []),
});

/** Takes from the front of `queue` what makes an axis of `size`, cutting an atom where need be. */
function takeAxis(queue: Atom[], size: number, cut: (atom: Atom, parts: Axis) => void): Axis | undefined {
  const axis: Atom[] = [];
  let rest = size;
  while (rest > 1) {
    const head = queue.shift();
    if (!head) return undefined;
    if (rest % head.size === 0) {
      axis.push(head);
      rest /= head.size;
    } else if (head.size % rest === 0) {
      const [outer, inner] = [{ size: rest }, { size: head.size / rest }];
      cut(head, [outer, inner]);
      queue.unshift(inner);
      axis.push(outer);
      rest = 1;
    } else return undefined;
  }
  return axis;
}

/** The same values with other sizes after the batch; undefined where these cut across axes. */
export function reshaped(view: View, sizes: readonly number[]): View | undefined {
  const queue: Atom[] = view.axes.flat();
  let { own } = view;
  const cut = (atom: Atom, parts: Axis): void => {
    own = own.map((axis) => axis.flatMap((other) => (other === atom ? parts : [other])));
  };
  const axes: Axis[] = [];
  for (const size of sizes) {
    const axis = takeAxis(queue, size, cut);
    if (!axis) return undefined;
    axes.push(axis);
  }
  return queue.length === 0 ? { ...view, own, axes } : undefined;
}

/** The result of an op that works on each value alone: another node, seen in the same way. */
export const through = (view: View, node: string): View => ({ ...view, node });

/** Whether an axis after the batch is the node's channels, all of them. */
export const isChannels = ({ own: [channels = []], axes }: View, place: number): boolean =>
  sameAxis(axes[place] ?? [], channels) && place < axes.length;

/** The result of an op that changes the size of one of the node's axes, `own`, which is the tensor's `place`; seen in the same way. */
export function resized(view: View, own: number, place: number, node: string, shape: readonly number[]): View {
  const size = shape[own] ?? 1;
  const fresh: Axis = size === 1 ? [] : [{ size }];
  const replaced = (list: readonly Axis[], at: number) => list.map((axis, i) => (i === at ? fresh : axis));
  return { node, shape, own: replaced(view.own, own), axes: replaced(view.axes, place) };
}

/** Where the node's axes lie among the tensor's: [0, 1, 2] for channels first, [2, 0, 1] for channels last, [0] for a vector. */
export type Layout = readonly number[];
const LAYOUTS: readonly Layout[] = [[0], [0, 1, 2], [2, 0, 1]];

const fits = ({ own, axes }: View, layout: Layout): boolean =>
  own.length === layout.length &&
  axes.length === layout.length &&
  own.every((axis, i) => sameAxis(axis, axes[layout[i] as number] as Axis));

/** The way in which all of these see their nodes' whole axes; undefined where they differ. */
export const commonLayout = (views: readonly View[]): Layout | undefined =>
  LAYOUTS.find((layout) => views.every((view) => fits(view, layout)));

/** A node's output in a layout. */
export function inLayout(node: string, shape: readonly number[], layout: Layout): View {
  const { own } = viewOf(node, shape);
  const axes: Axis[] = [];
  layout.forEach((place, i) => {
    axes[place] = own[i] as Axis;
  });
  return { node, shape, own, axes };
}

/** The op that turns the node's output into the tensor as it is seen; undefined for none, null where there is no such op. */
export type Arrangement =
  | { op: 'flatten'; attrs: { order: 'chw' | 'hwc' } }
  | { op: 'reshape'; attrs: { shape: [number] | [number, number, number]; order: 'chw' | 'hwc' } }
  | { op: 'channelShuffle'; attrs: { groups: number } };

const sameSizes = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i]);

function shuffledGroups(own: Axis, axis: Axis): number | undefined {
  for (let cut = 1; cut < own.length; cut++) {
    if (sameAxis([...own.slice(cut), ...own.slice(0, cut)], axis)) return sizeOf(own.slice(0, cut));
  }
  return undefined;
}

/** How to make of the node a [C, H, W] or [F] whose values are the tensor's, row-major. */
export function arrange(view: View): Arrangement | undefined | null {
  const { own, axes, shape } = view;
  const target = sizesOf(view) as [number] | [number, number, number];
  const rows = target.length === 1;
  const values = axes.flat();
  if (sameAxis(own.flat(), values)) {
    if (sameSizes(shape, target)) return undefined;
    return rows
      ? { op: 'flatten', attrs: { order: 'chw' } }
      : { op: 'reshape', attrs: { shape: target, order: 'chw' } };
  }
  const [channels = [], height = [], width = []] = own;
  if (rows && sameAxis([...height, ...width, ...channels], values)) return { op: 'flatten', attrs: { order: 'hwc' } };
  if (rows) return null;
  const [first = [], second = [], third = []] = axes;
  if (shape.slice(1).every((size) => size === 1) && sameAxis(own.flat(), [...second, ...third, ...first])) {
    return { op: 'reshape', attrs: { shape: target, order: 'hwc' } };
  }
  const groups = shuffledGroups(channels, first);
  const same = sameAxis(height, second) && sameAxis(width, third);
  return groups !== undefined && same ? { op: 'channelShuffle', attrs: { groups } } : null;
}
