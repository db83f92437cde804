/** What nodes are called in the spec: as the modules are that they come from, where the file says. */
import type { OnnxNode } from './graph.js';

/** Operators whose weight, input 1, carries its module's name. */
const NAMED_BY_WEIGHT = new Set(['Conv', 'Gemm']);
/** Those that have weights get their module's bare name, whatever else the module does. */
const WEIGHTED = new Set([
  ...NAMED_BY_WEIGHT,
  ...['MatMul', 'BatchNormalization', 'LayerNormalization', 'GroupNormalization', 'InstanceNormalization', 'PRelu'],
]);
/** What leaves no node behind. */
const SILENT = new Set(['CastLike', 'Constant', 'Expand', 'Identity', 'Shape']);

/** Conv, Conv_3, Relu6, BiasAdd: an operator's name at the end of a path. */
const OPERATOR = /^[A-Z][A-Za-z0-9]*(_\d+)?$/;

/**
 * "/layer1/layer1.0/conv1/Conv" (PyTorch: a child of a Sequential repeats the names before) → layer1.0.conv1,
 * "StatefulPartitionedCall/net/conv1/Conv2D__12" (tf2onnx) → net.conv1
 */
function modulePath(name: string): string | undefined {
  const parts = name.replace(/__\d+$/, '').split('/').filter((part) => part !== '' && !part.startsWith('StatefulPartitionedCall')); // prettier-ignore
  if (!name.includes('/')) return undefined;
  if (OPERATOR.test(parts.at(-1) ?? '')) parts.pop();
  return joined(parts);
}

function joined(parts: readonly string[]): string {
  const path: string[] = [];
  for (const part of parts) {
    if (part.startsWith(`${path.at(-1) ?? ''}.`)) path.pop();
    path.push(part);
  }
  return path.join('.');
}

/** The last module of ['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d_1']: each repeats those around it. */
const scopePath = (scopes: readonly string[] | undefined): string | undefined => scopes?.at(-2);

function weightPath({ opType, inputs }: OnnxNode): string | undefined {
  const name = NAMED_BY_WEIGHT.has(opType) ? inputs[1] : undefined;
  return name?.endsWith('.weight') ? name.slice(0, -'.weight'.length) : undefined;
}

/** Longer ones are nobody's. */
const MAX_PATH = 500;

function pathOf(node: OnnxNode): string | undefined {
  const path = weightPath(node) ?? modulePath(node.name) ?? scopePath(node.scopes);
  return path !== undefined && path.length <= MAX_PATH ? path : undefined;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** The file's own name for what a node does: Add_1 at the end of a path, or the operator. */
function ownName({ name, opType }: OnnxNode): string {
  const last = name.split('/').at(-1) ?? '';
  return lowerFirst(last.startsWith(opType) && OPERATOR.test(last) ? last : opType);
}

/** A name for each node; different ones may have the same. */
export function nodeNames(nodes: readonly OnnxNode[]): Map<OnnxNode, string> {
  const paths = new Map(nodes.map((node) => [node, pathOf(node)]));
  const uses = new Map<string, number>();
  for (const [{ opType }, path] of paths) {
    if (path === undefined || SILENT.has(opType)) continue;
    uses.set(path, (uses.get(path) ?? 0) + 1);
    // What has modules in it is no one node's.
    for (let end = path.lastIndexOf('.'); end > 0; end = path.lastIndexOf('.', end - 1)) uses.set(path.slice(0, end), Infinity); // prettier-ignore
  }
  const nameOf = (node: OnnxNode): string => {
    const path = paths.get(node);
    if (path === undefined) return node.name || node.opType;
    const bare = path !== '' && (WEIGHTED.has(node.opType) || uses.get(path) === 1);
    return bare ? path : [path, ownName(node)].filter(Boolean).join('.');
  };
  return new Map(nodes.map((node) => [node, nameOf(node)]));
}
