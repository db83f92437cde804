/** A CNN as data: the spec that a file carries in its metadata, that builders make, and that GraphCnn runs. */
import { z } from 'zod';

import { CumulensError, type ErrorCode } from '../errors.js';
import { didYouMean, parseOptions } from '../options.js';
import { completeAttrs, opAttrs, type OpName } from './attrs.js';
import { preprocessingSchema } from './preprocessing.js';

const size = z.number().int().positive();
const name = z.string().min(1);
const opNames = Object.keys(opAttrs) as [OpName, ...OpName[]];

const nodeFields = {
  name: name.describe('unique; its weights are <name>.weight, .bias, .running_mean, .running_var'),
  inputs: z.array(name).min(1).describe("earlier nodes, or 'input' for the images"),
  weights: name.optional().describe('an earlier node of the same op whose weights this one uses: a layer called twice'),
};

const fields = {
  format: z.literal('cumulens.cnn/1').default('cumulens.cnn/1'),
  name: name.default('cnn'),
  input: z.strictObject({ channels: size, height: size, width: size }),
  preprocessing: preprocessingSchema.prefault({}).describe('how a picture becomes the input'),
  output: name.describe('the node whose output [K] are the logits, before any softmax'),
  tapAt: z
    .enum(['conv', 'activation'])
    .default('conv')
    .describe("where taps lie by default: a convolution's own output, or the activation it owns"),
  taps: z.array(name).optional().describe('the nodes whose outputs are layer maps; default: at every convolution'),
  classes: z.array(z.string()).optional().describe('names, in the order of the logits'),
};

const specSchema = z.strictObject({
  ...fields,
  nodes: z
    .array(z.strictObject({ ...nodeFields, op: z.enum(opNames), attrs: z.record(z.string(), z.unknown()).default({}) }))
    .min(1),
});

/** A spec as a person or an importer writes it. */
export type CnnSpecInput = z.input<typeof specSchema>;
/** A spec that has been checked, with every default filled in. */
export type CnnSpec = z.output<typeof specSchema> & { taps: string[] };
export type NodeSpec = CnnSpec['nodes'][number];
/** A node as it is written. */
export type NodeInput = CnnSpecInput['nodes'][number];

const ACTIVATIONS: ReadonlySet<string> = new Set<OpName>([
  'relu',
  'relu6',
  'leakyRelu',
  'silu',
  'sigmoid',
  'hardSigmoid',
  'hardSwish',
  'gelu',
  'tanh',
  'elu',
  'selu',
  'mish',
  'softplus',
  'prelu',
  'clip',
]);

function checkNode(node: NodeSpec, earlier: ReadonlyMap<string, NodeSpec>, what: string, code: ErrorCode): NodeSpec {
  const where = `${what}: node '${node.name}' (${node.op})`;
  if (node.name === 'input' || earlier.has(node.name)) throw new CumulensError(code, `${where}: the name is taken`);
  for (const input of node.inputs) {
    if (input === 'input' || earlier.has(input)) continue;
    const hint = didYouMean(input, ['input', ...earlier.keys()]);
    throw new CumulensError(code, `${where}: input '${input}' is not 'input' or an earlier node${hint}`);
  }
  if (node.weights !== undefined && earlier.get(node.weights)?.op !== node.op) {
    throw new CumulensError(code, `${where}: weights '${node.weights}' is not an earlier ${node.op} node`);
  }
  const attrs = completeAttrs(parseOptions(opAttrs[node.op], node.attrs, where, code));
  if (node.op === 'avgPool2d') attrs.countIncludePad ??= attrs.padding !== 'same';
  return { ...node, attrs };
}

/** The nodes to tap when the spec names none (METHOD: at every convolution, or at the activation that is its only reader). */
export function defaultTaps(nodes: readonly NodeSpec[], tapAt: CnnSpec['tapAt']): string[] {
  const readers = new Map<string, NodeSpec[]>();
  for (const node of nodes) for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  return nodes
    .filter((node) => node.op === 'conv2d')
    .map((conv) => {
      const [reader, ...others] = readers.get(conv.name) ?? [];
      const owned = tapAt === 'activation' && reader && others.length === 0 && ACTIVATIONS.has(reader.op);
      return owned ? reader.name : conv.name;
    });
}

/** Given taps in network order, checked. */
function orderTaps(taps: readonly string[], nodes: readonly NodeSpec[], what: string, code: ErrorCode): string[] {
  const names = nodes.map((node) => node.name);
  for (const tap of taps) {
    if (!names.includes(tap))
      throw new CumulensError(code, `${what}: tap '${tap}' is not a node${didYouMean(tap, names)}`);
  }
  if (new Set(taps).size !== taps.length) throw new CumulensError(code, `${what}: a tap is named twice`);
  return names.filter((node) => taps.includes(node));
}

/**
 * Checks a spec and fills in every default. Shapes are checked when a Cnn is made of it.
 * @param what names the spec in errors, e.g. a file's path
 * @throws CumulensError with `code`, naming the node or field, what was expected and what was probably meant
 */
export function parseCnnSpec(value: unknown, what = 'spec', code: ErrorCode = 'ERR_OPTION'): CnnSpec {
  const parsed = parseOptions(specSchema, value, what, code);
  const earlier = new Map<string, NodeSpec>();
  const nodes = parsed.nodes.map((node) => {
    const checked = checkNode(node, earlier, what, code);
    earlier.set(checked.name, checked);
    return checked;
  });
  if (!earlier.has(parsed.output)) {
    throw new CumulensError(
      code,
      `${what}: output '${parsed.output}' is not a node${didYouMean(parsed.output, [...earlier.keys()])}`,
    );
  }
  const taps = orderTaps(parsed.taps ?? defaultTaps(nodes, parsed.tapAt), nodes, what, code);
  return { ...parsed, nodes, taps };
}

/** The spec as JSON Schema (draft 2020-12), for editors and for programs that write specs. */
export function cnnJsonSchema(): object {
  const nodes = opNames.map((op) =>
    z.strictObject({ ...nodeFields, op: z.literal(op), attrs: opAttrs[op].optional() }),
  );
  const whole = z.strictObject({ ...fields, nodes: z.array(z.union(nodes)).min(1) });
  return z.toJSONSchema(whole, { io: 'input' });
}
