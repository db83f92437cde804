/** The file's graph: nodes with their attributes, which tensors they make, and which of them the output needs. */
import { CumulensError } from '../../../errors.js';
import type { AttributeMessage, GraphMessage, NodeMessage, TensorMessage } from './schema.js';

/** The largest CNNs have some thousand. */
const MAX_NODES = 50_000;

export interface OnnxNode {
  /** As it is in the file; what it makes, where it has none. */
  readonly name: string;
  readonly opType: string;
  /** '' for ONNX's own operators. */
  readonly domain: string;
  /** Names of tensors; '' for an optional one that is not given. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeMessage>;
  /** Of PyTorch's exporter: the modules around, outermost first, then the function. */
  readonly scopes: readonly string[] | undefined;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, TensorMessage>;
  /** The node that makes a tensor. */
  readonly makers: ReadonlyMap<string, OnnxNode>;
  /** The nodes that read a tensor, once for each time. */
  readonly readers: ReadonlyMap<string, readonly OnnxNode[]>;
}

const DOMAINS = new Set(['', 'ai.onnx']);

/** "['', 'layer1', 'layer1.0', 'add']", as Python writes lists. */
function scopesOf({ metadataProps }: NodeMessage): string[] | undefined {
  const text = metadataProps.find(({ key }) => key === 'pkg.torch.onnx.name_scopes')?.value;
  return text === undefined ? undefined : [...text.matchAll(/'([^']*)'/g)].map(([, scope = '']) => scope);
}

export const describeNode = ({ name, opType }: { name: string; opType: string }): string =>
  `node '${name}' (${opType})`;

function readNode(message: NodeMessage): OnnxNode {
  const { name, opType, domain, input: inputs, output: outputs, attribute } = message;
  return {
    name: name || (outputs.find(Boolean) ?? ''),
    opType,
    domain: DOMAINS.has(domain) ? '' : domain,
    inputs,
    outputs,
    attributes: new Map(attribute.map((one) => [one.name, one])),
    scopes: scopesOf(message),
  };
}

/** @param what names the file in errors @throws CumulensError ERR_FORMAT when a tensor has two sources */
export function readGraph(message: GraphMessage, what: string): OnnxGraph {
  const fail = (problem: string): never => {
    throw new CumulensError('ERR_FORMAT', `${what}: ${problem}`);
  };
  if (message.node.length > MAX_NODES) fail(`has ${message.node.length} nodes, expected at most ${MAX_NODES}`);
  if (message.sparseInitializer.length > 0) fail('has sparse weights, which are not supported');
  const initializers = new Map<string, TensorMessage>();
  for (const tensor of message.initializer) {
    if (initializers.has(tensor.name)) fail(`initializer '${tensor.name}' is there twice`);
    initializers.set(tensor.name, tensor);
  }
  const nodes = message.node.map(readNode);
  const makers = new Map<string, OnnxNode>();
  const readers = new Map<string, OnnxNode[]>();
  const inputs = new Set(message.input.map(({ name }) => name));
  for (const node of nodes) {
    for (const output of node.outputs.filter(Boolean)) {
      const other = makers.get(output);
      if (other) fail(`${describeNode(node)}: makes '${output}', as ${describeNode(other)} does`);
      if (initializers.has(output) || inputs.has(output)) fail(`${describeNode(node)}: makes '${output}' again`);
      makers.set(output, node);
    }
    for (const input of node.inputs.filter(Boolean)) {
      const known = readers.get(input);
      if (known) known.push(node);
      else readers.set(input, [node]);
    }
  }
  return { nodes, initializers, makers, readers };
}

/** The nodes that a tensor depends on, in the file's order. */
export function neededFor(output: string, { nodes, makers }: OnnxGraph): OnnxNode[] {
  const needed = new Set<OnnxNode>();
  const open = [output];
  while (open.length > 0) {
    const maker = makers.get(open.pop() ?? '');
    if (!maker || needed.has(maker)) continue;
    needed.add(maker);
    for (const input of maker.inputs) open.push(input);
  }
  return nodes.filter((node) => needed.has(node));
}
