/** The spec that comes into being: its nodes, their shapes and weights. */
import { CumulensError } from '../../../errors.js';
import type { OpName } from '../../attrs.js';
import type { CnnSpecInput, NodeInput } from '../../spec.js';
import type { ImportedTensor } from '../contract.js';
import { outputShape } from '../shapes.js';
import { float32Of, type Constant } from './constants.js';

/** A weight as it will be: a constant of the file, or numbers made of one. */
export interface NodeWeight {
  shape: readonly number[];
  data: Float32Array;
}

/** Weights may be used often, as in layers called twice: those of a small file must not fill the memory. */
const MAX_GROWTH = 8;
const FREE_BYTES = 64 * 2 ** 20;

export interface Written {
  node: string;
  shape: readonly number[];
}

export class SpecWriter {
  readonly #what: string;
  readonly #shapes: Map<string, readonly number[]>;
  readonly #sourceBytes: number;
  /** The node that first used some constants as its weights. */
  readonly #owners = new Map<string, string>();
  readonly #identities = new Map<Constant, number>();
  /** How often a name has been given. */
  readonly #counts = new Map<string, number>();
  #weightBytes = 0;
  readonly nodes: NodeInput[] = [];
  readonly weights: Record<string, ImportedTensor> = {};
  readonly notes: string[] = [];

  /** @param sourceBytes of the model and the files that belong to it */
  constructor(what: string, input: CnnSpecInput['input'], sourceBytes: number) {
    this.#what = what;
    this.#sourceBytes = sourceBytes;
    this.#shapes = new Map([['input', [input.channels, input.height, input.width]]]);
  }

  shapeOf(node: string): readonly number[] {
    return this.#shapes.get(node) as readonly number[];
  }

  /** Adds a node. @param name as it should be called; a number is added where that is taken */
  add(name: string, op: OpName, inputs: readonly string[], attrs: object, refuse: (problem: string) => never): Written {
    const shapes = inputs.map((input) => this.shapeOf(input));
    const shape = outputShape(op, attrs, shapes, refuse);
    if (!shape.every((size) => Number.isSafeInteger(size) && size > 0)) {
      refuse(`does not fit its input ${shapes.map((given) => `[${given.join(', ')}]`).join(' and ')}`);
    }
    const node = this.#free(name);
    this.#shapes.set(node, shape);
    this.nodes.push({ name: node, op, inputs: [...inputs], attrs: { ...attrs } });
    return { node, shape };
  }

  /**
   * Gives the last node its weights, which `make` makes of the constants `from`; an earlier node of the same op and constants shares its own.
   * @param from as they lie in the file; a scale of them, say, belongs to `kind`
   */
  addWeights(kind: string, from: readonly (Constant | undefined)[], make: () => Record<string, NodeWeight>): void {
    const [node] = this.nodes.slice(-1);
    if (!node) return;
    const key = [kind, ...from.map((constant) => (constant ? this.#identify(constant) : '-'))].join(' ');
    const owner = this.#owners.get(key);
    if (owner !== undefined) {
      node.weights = owner;
      return;
    }
    this.#owners.set(key, node.name);
    for (const [part, tensor] of Object.entries(make())) {
      this.#weightBytes += tensor.data.byteLength;
      if (this.#weightBytes > FREE_BYTES + MAX_GROWTH * this.#sourceBytes) {
        throw new CumulensError('ERR_FORMAT', `${this.#what}: its weights are more than ${MAX_GROWTH} times its files`);
      }
      this.weights[`${node.name}.${part}`] = tensor;
    }
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  #identify(constant: Constant): number {
    const known = this.#identities.get(constant);
    if (known !== undefined) return known;
    this.#identities.set(constant, this.#identities.size);
    return this.#identities.size - 1;
  }

  #free(name: string): string {
    let count = this.#counts.get(name) ?? 1;
    let free = name;
    while (this.#shapes.has(free)) free = `${name}#${++count}`;
    this.#counts.set(name, count);
    return free;
  }
}

/** A constant as a weight of the shape it has. */
export const weightOf = (constant: Constant, shape: readonly number[] = constant.dims): NodeWeight => ({
  shape,
  data: float32Of(constant),
});
