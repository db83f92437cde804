/** Writes a spec node by node. */
import type { OpAttrs, OpName } from './attrs.js';
import { parseCnnSpec, type CnnSpec, type CnnSpecInput, type NodeInput } from './spec.js';

/** Attributes may be left out where all of them have defaults. */
type AttrsArgument<Op extends OpName> =
  object extends OpAttrs<Op> ? [attrs?: OpAttrs<Op>, name?: string] : [attrs: OpAttrs<Op>, name?: string];

/**
 * ```ts
 * const net = new CnnBuilder({ channels: 3, height: 64, width: 64 });
 * let x = net.add('conv2d', net.input, { filters: 16, kernel: 3, padding: 'same' });
 * x = net.add('relu', x);
 * x = net.add('globalAvgPool2d', x);
 * const spec = net.build(net.add('linear', x, { units: 10 }));
 * ```
 */
export class CnnBuilder {
  readonly #input: CnnSpecInput['input'];
  readonly #nodes: NodeInput[] = [];
  readonly #counts = new Map<string, number>();

  constructor(input: CnnSpecInput['input']) {
    this.#input = input;
  }

  /** What the first node takes: the images. */
  get input(): string {
    return 'input';
  }

  /** Adds a node and returns its name, which is `<op>_<n>` unless given. */
  add<Op extends OpName>(
    op: Op,
    inputs: string | readonly string[],
    ...[attrs = {} as OpAttrs<Op>, name]: AttrsArgument<Op>
  ): string {
    const node = name ?? this.#nextName(op);
    this.#nodes.push({
      name: node,
      op,
      inputs: typeof inputs === 'string' ? [inputs] : [...inputs],
      attrs: { ...attrs },
    });
    return node;
  }

  /** Calls an earlier layer again, with its weights, on other inputs. */
  reuse(layer: string, inputs: string | readonly string[], name?: string): string {
    const first = this.#nodes.find((node) => node.name === layer);
    const node = name ?? this.#nextName(layer);
    this.#nodes.push({
      name: node,
      op: first?.op ?? 'conv2d',
      inputs: typeof inputs === 'string' ? [inputs] : [...inputs],
      attrs: { ...first?.attrs },
      weights: layer,
    });
    return node;
  }

  /** The finished, checked spec. @throws CumulensError ERR_OPTION naming the node that is wrong. */
  build(output: string, rest: Omit<CnnSpecInput, 'input' | 'nodes' | 'output'> = {}): CnnSpec {
    return parseCnnSpec({ ...rest, input: this.#input, nodes: this.#nodes, output });
  }

  #nextName(base: string): string {
    const count = (this.#counts.get(base) ?? 0) + 1;
    this.#counts.set(base, count);
    return `${base}_${count}`;
  }
}
