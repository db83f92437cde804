/** Convolutions and products with matrices. */
import type { ImportedTensor } from '../../contract.js';
import { transpose } from '../../layers/weights.js';
import { dimsOf, dimsText, type OnnxCall } from '../call.js';
import { countOf, float32Of, type Constant } from '../constants.js';
import { isChannels, resized, viewOf, type View } from '../view.js';
import { weightOf, type NodeWeight } from '../writer.js';
import { windowOf } from './window.js';

function conv(t: OnnxCall): View {
  const input = t.picture(t.view());
  const kernel = t.weight(1);
  const [filters = 0, depth = 0, height = 0, width = 0] = kernel.dims;
  if (kernel.dims.length !== 4) t.refuse(`has weights of ${dimsText(kernel.dims)}, expected [out, in, height, width]`);
  const groups = t.int('group', 1);
  const [channels = 0] = input.shape;
  if (depth * groups !== channels || filters % groups !== 0) {
    t.refuse(`has weights of ${dimsText(kernel.dims)} in ${groups} groups for ${channels} channels`);
  }
  const bias = t.inputs[2] ? t.weight(2, [filters]) : undefined;
  const attrs = { filters, groups, bias: bias !== undefined, ...windowOf([height, width], input, t) };
  const { node, shape } = t.addWeighted('conv2d', input.node, attrs, [kernel, bias], () => ({
    weight: weightOf(kernel),
    ...(bias ? { bias: weightOf(bias) } : {}),
  }));
  return viewOf(node, shape);
}

/** [in, out] → [out, in] */
const transposedWeight = (matrix: Constant): NodeWeight =>
  transpose({ shape: matrix.dims, data: float32Of(matrix) } satisfies ImportedTensor);

const scaled = ({ shape, data }: NodeWeight, factor: number): NodeWeight =>
  factor === 1 ? { shape, data } : { shape, data: data.map((value) => value * factor) };

/** What a bias that is broadcast says of each of `units`. */
function biasOf(constant: Constant, units: number, t: OnnxCall): NodeWeight {
  const data = float32Of(constant);
  const last = constant.dims.at(-1) ?? 1;
  if (countOf(constant.dims) !== last || (last !== 1 && last !== units)) {
    t.refuse(`has a bias of ${dimsText(constant.dims)}, expected [${units}]`);
  }
  return { shape: [units], data: last === units ? data : new Float32Array(units).fill(data[0] ?? 0) };
}

/** alpha·A·B + beta·C */
function gemm(t: OnnxCall): View {
  const input = t.view();
  if (input.axes.length !== 1) t.refuse(`takes ${dimsText(dimsOf(input))}, expected vectors [N, F]`);
  if (t.int('transA', 0) !== 0) t.refuse('has transA, which is not supported');
  const row = t.settle(input);
  const [features = 0] = row.shape;
  const matrix = t.weight(1);
  const across = t.int('transB', 0) !== 0;
  const units = matrix.dims[across ? 0 : 1] ?? 0;
  if (matrix.dims.length !== 2 || matrix.dims[across ? 1 : 0] !== features) {
    t.refuse(`has weights of ${dimsText(matrix.dims)} for ${features} features`);
  }
  const bias = t.inputs[2] ? t.weight(2) : undefined;
  const [alpha, beta] = [t.float('alpha', 1), t.float('beta', 1)];
  const attrs = { units, bias: bias !== undefined };
  const { node, shape } = t.addWeighted('linear', row.node, attrs, [matrix, bias], () => ({
    weight: scaled(across ? weightOf(matrix) : transposedWeight(matrix), alpha),
    ...(bias ? { bias: scaled(biasOf(bias, units, t), beta) } : {}),
  }));
  return viewOf(node, shape);
}

/** The constant that the only reader adds, where it is a bias; the addition is then done here. */
function takeBias(units: number, { node, ahead }: OnnxCall): Constant | undefined {
  const [product = ''] = node.outputs;
  const [add, ...others] = ahead.readersOf(product) ?? [];
  if (add?.opType !== 'Add' || add.domain !== '' || others.length > 0) return undefined;
  const bias = ahead.constantOf(add.inputs.find((input) => input !== product) ?? '');
  if (bias?.kind !== 'float' || bias.dims.at(-1) !== units || countOf(bias.dims) !== units) return undefined;
  ahead.take(add, product);
  return bias;
}

/** x·W along the last axis, the channels; an addition of a bias that is all that follows belongs to it. */
function matMul(t: OnnxCall): View {
  const input = t.view();
  const matrix = t.weight(1);
  const [features = 0, units = 0] = matrix.dims;
  const last = input.axes.length - 1;
  if (matrix.dims.length !== 2) t.refuse(`has a matrix of ${dimsText(matrix.dims)}, expected [in, out]`);
  const view = isChannels(input, last) ? input : t.settle(input);
  if (!isChannels(view, last) || view.shape[0] !== features) {
    t.refuse(
      `multiplies ${dimsText(dimsOf(input))} by ${dimsText(matrix.dims)}, expected the channels to be the last axis`,
    );
  }
  const bias = takeBias(units, t);
  const attrs = { units, bias: bias !== undefined };
  const { node, shape } = t.addWeighted('linear', view.node, attrs, [matrix, bias], () => ({
    weight: transposedWeight(matrix),
    ...(bias ? { bias: biasOf(bias, units, t) } : {}),
  }));
  return resized(view, 0, last, node, shape);
}

export const CONVOLUTIONS = { Conv: conv, Gemm: gemm, MatMul: matMul };
