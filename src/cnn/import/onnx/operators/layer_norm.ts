/** A layer norm of the channels, written out as older exporters do: (x − mean) / √(mean((x − mean)²) + ε). */
import { reductionOf } from '../axes.js';
import type { OnnxCall } from '../call.js';
import type { OnnxNode } from '../graph.js';
import { isChannels, type View } from '../view.js';

/** The only reader of a node's output, if it is this operator. */
function only(node: OnnxNode | undefined, opType: string, { ahead }: OnnxCall): OnnxNode | undefined {
  const [reader, ...others] = ahead.readersOf(node?.outputs[0] ?? '') ?? [];
  return reader?.opType === opType && reader.domain === '' && others.length === 0 ? reader : undefined;
}

/** The square of the difference, and the division of it, which are all that reads it. */
function squareAndQuotient(
  difference: OnnxNode,
  { ahead }: OnnxCall,
): { square: OnnxNode; quotient: OnnxNode } | undefined {
  const [name = ''] = difference.outputs;
  const readers = [...new Set(ahead.readersOf(name) ?? [])];
  const [quotient] = readers.filter(({ opType, inputs }) => opType === 'Div' && inputs[0] === name);
  const [square, ...others] = readers.filter((reader) => reader !== quotient);
  if (!quotient || !square || others.length > 0) return undefined;
  const power =
    square.opType === 'Pow' && square.inputs[0] === name && ahead.callOf(square).number('exponent', 1) === 2;
  const product = square.opType === 'Mul' && square.inputs.every((input) => input === name);
  return power || product ? { square, quotient } : undefined;
}

/** @param t a mean over the channels, which it begins with @returns what the division at the end gives; undefined for anything else */
export function layerNormWrittenOut(t: OnnxCall): View | undefined {
  const view = t.view();
  const rank = view.axes.length + 1;
  const { axes, keepDims } = reductionOf(rank, t);
  const [axis = 0, ...more] = axes;
  if (!keepDims || more.length > 0 || axis < 1 || !isChannels(view, axis - 1)) return undefined;
  const difference = only(t.node, 'Sub', t);
  if (difference?.inputs[0] !== t.node.inputs[0] || difference?.inputs[1] !== t.node.outputs[0]) return undefined;
  const parts = squareAndQuotient(difference as OnnxNode, t);
  const variance = only(parts?.square, 'ReduceMean', t);
  const sum = only(variance, 'Add', t);
  const root = only(sum, 'Sqrt', t);
  if (!parts || !variance || !sum || !root || parts.quotient.inputs[1] !== root.outputs[0]) return undefined;
  const again = reductionOf(rank, t.ahead.callOf(variance));
  const other = sum.inputs.findIndex((input) => input !== variance.outputs[0]);
  const epsilon = t.ahead.callOf(sum).number('epsilon', other);
  const same = again.keepDims && again.axes.length === 1 && again.axes[0] === axis;
  if (!same || only(root, 'Div', t) !== parts.quotient || epsilon === undefined || !(epsilon > 0)) return undefined;
  for (const node of [difference as OnnxNode, parts.square, variance, sum, root]) t.ahead.take(node);
  t.ahead.take(parts.quotient, t.node.outputs[0]);
  return t.map('layerNorm', view, { epsilon, scale: false, center: false });
}
