// Writes small ONNX models: nodes in a row, float weights, in ONNX's own fields.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Model } from '../../dist/cnn/import/onnx/schema.js';

const TYPE = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7 };
const bytesOf = (values) => Buffer.from(Float32Array.from(values).buffer);
const int64 = (values) => Buffer.from(BigInt64Array.from(values, BigInt).buffer);

export const floats = (name, dims, values) => ({ name, dims, dataType: 1, rawData: bytesOf(values) });
export const ints = (name, values) => ({ name, dims: [values.length], dataType: 7, rawData: int64(values) });

function attribute([name, value]) {
  const field = Array.isArray(value) ? 'ints' : typeof value === 'string' ? 's' : typeof value === 'object' ? 't' : Number.isInteger(value) ? 'i' : 'f'; // prettier-ignore
  return { name, [field]: field === 's' ? Buffer.from(value) : value, type: TYPE[field] };
}

/** [operator, inputs, output, attributes, rest] */
export const node = ([opType, input, output, attributes = {}, rest = {}]) => ({
  opType,
  input: [input].flat(),
  output: [output].flat(),
  name: `${output}`,
  attribute: Object.entries(attributes).map(attribute),
  ...rest,
});

/** A value's type; a size that is text is open. */
export const value = (name, dims, elemType = 1) => ({
  name,
  type: { tensorType: { elemType, shape: { dim: dims.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size })) } } }, // prettier-ignore
});

/** A model whose images are `x` and whose logits are `y`. */
export const model = ({ shape, nodes, weights = [], opset = 17, graph = {}, rest = {} }) => ({
  irVersion: 8,
  opsetImport: [{ domain: '', version: opset }],
  graph: {
    name: 'net',
    node: nodes.map(node),
    initializer: weights,
    input: [value('x', ['N', ...shape])],
    output: [value('y', ['N', 'K'])],
    ...graph,
  },
  ...rest,
});

export const encode = (message) => Buffer.from(Model.encode(Model.fromObject(message)).finish());

/** @returns the path */
export function writeOnnx(folder, message, name = 'model.onnx') {
  const path = join(folder, name);
  writeFileSync(path, encode(message));
  return path;
}
