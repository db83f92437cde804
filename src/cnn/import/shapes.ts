/** The shape that an op's output has, without the batch: importers need it for sizes that files leave open. */
import { opAttrs, completeAttrs, type OpName } from '../attrs.js';

type Shape = readonly number[];
type Pair = readonly [number, number];

export const asPair = (value: unknown): Pair => (typeof value === 'number' ? [value, value] : (value as Pair));
const count = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

/** Places of a window along one axis, padded before and after. */
function places(size: number, kernel: number, stride: number, padding: 'same' | Pair, ceil: boolean): number {
  if (padding === 'same') return Math.ceil(size / stride);
  const [before, after] = padding;
  const room = (size + before + after - kernel) / stride;
  const count = (ceil ? Math.ceil(room) : Math.floor(room)) + 1;
  // A last window must begin inside the picture, or in the padding before it.
  return ceil && (count - 1) * stride >= size + before ? count - 1 : count;
}

function windowed(attrs: Record<string, unknown>, channels: number, [, height = 0, width = 0]: Shape): number[] {
  const kernel = asPair(attrs.kernel);
  const stride = asPair(attrs.stride ?? attrs.kernel);
  const dilation = asPair(attrs.dilation ?? 1);
  const { padding } = attrs;
  const four = Array.isArray(padding) ? (padding as number[]) : [0, 0, 0, 0];
  const [top = 0, right = 0, bottom = 0, left = 0] = four;
  const out = ([height, width] as const).map((size, axis) => {
    const extent = ((kernel[axis] as number) - 1) * (dilation[axis] as number) + 1;
    const pad = padding === 'same' ? 'same' : axis === 0 ? ([top, bottom] as const) : ([left, right] as const);
    return places(size, extent, stride[axis] as number, pad, attrs.ceilMode === true);
  });
  return [channels, ...out];
}

function padded([channels = 0, height = 0, width = 0]: Shape, padding: unknown, sign: 1 | -1): number[] {
  const [top, right, bottom, left] = padding as [number, number, number, number];
  return [channels, height + sign * (top + bottom), width + sign * (left + right)];
}

function broadcast(shapes: readonly Shape[]): number[] {
  const [first = []] = shapes;
  return first.map((_, axis) => Math.max(...shapes.map((shape) => shape[axis] ?? 1)));
}

const MERGING: ReadonlySet<OpName> = new Set<OpName>([
  'add',
  'subtract',
  'multiply',
  'divide',
  'average',
  'maximum',
  'minimum',
]);

/** The output's shape, [C, H, W] or [F]. What does not fit gives a size that is not positive, or not whole. */
export function outputShape(
  op: OpName,
  attributes: object,
  inputs: readonly Shape[],
  refuse: (problem: string) => never,
): readonly number[] {
  const [input = []] = inputs;
  const parsed = opAttrs[op].safeParse(attributes);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0] as { path: PropertyKey[]; message: string };
    return refuse(`makes a ${op} that cannot be: ${path.map(String).join('.')}: ${message}`);
  }
  const attrs = completeAttrs(parsed.data);
  const [channels = 0, height = 0, width = 0] = input;
  if (op === 'conv2d') return windowed(attrs, attrs.filters as number, input);
  if (op === 'maxPool2d' || op === 'avgPool2d') return windowed(attrs, channels, input);
  if (op === 'globalMaxPool2d' || op === 'globalAvgPool2d') return attrs.keepDims ? [channels, 1, 1] : [channels];
  if (op === 'adaptiveAvgPool2d' || op === 'adaptiveMaxPool2d') return [channels, ...asPair(attrs.size)];
  if (op === 'linear') return [attrs.units as number, ...input.slice(1)];
  if (op === 'flatten') return [count(input)];
  if (op === 'reshape') return attrs.shape as number[];
  if (op === 'zeroPad2d') return padded(input, attrs.padding, 1);
  if (op === 'crop2d') return padded(input, attrs.padding, -1);
  if (op === 'slice') return [(attrs.end as number) - (attrs.begin as number), ...input.slice(1)];
  if (op === 'concat') return [inputs.reduce((sum, shape) => sum + (shape[0] ?? 0), 0), ...input.slice(1)];
  if (op === 'upsample2d') {
    const scale = asPair(attrs.scale);
    return [channels, height * scale[0], width * scale[1]];
  }
  return MERGING.has(op) ? broadcast(inputs) : input;
}
