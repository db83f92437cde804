/** What an operator's translator works with: one node of the file, its attributes and inputs, and the spec that it adds to. */
import type { OpAttrs, OpName } from '../../attrs.js';
import { decimal, type Constant } from './constants.js';
import type { OnnxNode } from './graph.js';
import { whole, type AttributeMessage, type TensorMessage } from './schema.js';
import { arrange, commonLayout, reshaped, sizesOf, through, viewOf, type Layout, type View } from './view.js';
import type { NodeWeight, SpecWriter, Written } from './writer.js';

/** A tensor of the file: numbers, or what a node of the spec gives for the images. */
export type Value = Constant | View;
export const isConstant = (value: Value): value is Constant => 'values' in value;

/** A tensor's sizes with the batch, which is NaN, first. */
export const dimsOf = (view: View): number[] => [NaN, ...sizesOf(view)];
/** Sizes for a person. */
export const dimsText = (dims: readonly number[]): string =>
  `[${dims.map((size) => (Number.isNaN(size) ? 'N' : String(size))).join(', ')}]`;

/** What is the same for all nodes. */
export interface CallContext {
  readonly writer: SpecWriter;
  readonly opset: number;
  /** The batch's size, where the file fixes it. */
  readonly batch: number | undefined;
  readTensor: (tensor: TensorMessage, refuse: (problem: string) => never) => Constant;
  /** The network's output. */
  readonly output: string;
  readonly ahead: GraphAhead;
}

/** What comes after a node: exporters write some operations as several nodes. */
export interface GraphAhead {
  /** The nodes that read a tensor, once for each time; undefined where it is the network's output, too. */
  readersOf: (tensor: string) => readonly OnnxNode[] | undefined;
  /** Numbers of the file, as far as they are known by now. */
  constantOf: (tensor: string) => Constant | undefined;
  /** A node further on, with those of its inputs that are constants. */
  callOf: (node: OnnxNode) => OnnxCall;
  /** Has a later node done by this one: it gives what `tensor` is, or nothing. */
  take: (node: OnnxNode, tensor?: string) => void;
}

/** Numbers of AttributeProto.AttributeType. */
const TYPE = { float: 1, int: 2, text: 3, tensor: 4, floats: 6, ints: 7 } as const;

export class OnnxCall {
  readonly #context: CallContext;
  readonly node: OnnxNode;
  readonly inputs: readonly (Value | undefined)[];
  /** What its nodes in the spec are called. */
  readonly name: string;
  /** Ends the import, naming the node. */
  readonly refuse: (problem: string) => never;

  constructor(
    context: CallContext,
    node: OnnxNode,
    inputs: readonly (Value | undefined)[],
    name: string,
    refuse: (problem: string) => never,
  ) {
    this.#context = context;
    this.node = node;
    this.inputs = inputs;
    this.name = name;
    this.refuse = refuse;
  }

  get opset(): number {
    return this.#context.opset;
  }

  get batch(): number | undefined {
    return this.#context.batch;
  }

  note(text: string): void {
    this.#context.writer.note(text);
  }

  /** Whether what it gives is the network's output. */
  givesOutput(): boolean {
    return this.node.outputs[0] === this.#context.output;
  }

  get ahead(): GraphAhead {
    return this.#context.ahead;
  }

  // Attributes

  has(name: string): boolean {
    return this.node.attributes.has(name);
  }

  #attribute(name: string, type: keyof typeof TYPE): AttributeMessage | undefined {
    const found = this.node.attributes.get(name);
    if (!found) return undefined;
    if (found.refAttrName) this.refuse(`has attribute '${name}' of a function, which is not supported`);
    if (found.type !== 0 && found.type !== TYPE[type]) this.refuse(`has attribute '${name}' that is no ${type}`);
    return found;
  }

  int(name: string, absent: number): number {
    const found = this.#attribute(name, 'int');
    return found ? whole(found.i) : absent;
  }

  float(name: string, absent: number): number {
    const found = this.#attribute(name, 'float');
    return found ? decimal(found.f) : absent;
  }

  text(name: string, absent: string): string {
    return this.#attribute(name, 'text')?.s.toString() ?? absent;
  }

  ints(name: string): readonly number[] | undefined {
    return this.#attribute(name, 'ints')?.ints;
  }

  floats(name: string): readonly number[] | undefined {
    return this.#attribute(name, 'floats')?.floats;
  }

  tensor(name: string): Constant | undefined {
    const tensor = this.#attribute(name, 'tensor')?.t;
    return tensor && this.#context.readTensor(tensor, this.refuse);
  }

  // Inputs

  /** What the images give. */
  view(index = 0): View {
    const value = this.inputs[index];
    if (!value) return this.refuse(`has no input ${index}`);
    return isConstant(value) ? this.refuse(`has a constant for input ${index}, expected what the images give`) : value;
  }

  /** The only input. */
  only(): View {
    const given = this.inputs.filter(Boolean).length;
    return given === 1 ? this.view() : this.refuse(`has ${given} inputs, expected one`);
  }

  /** Numbers of the file, or undefined where the input is not given. */
  constant(index: number): Constant | undefined {
    const value = this.inputs[index];
    if (!value || isConstant(value)) return value;
    return this.refuse(`takes '${this.node.inputs[index] ?? ''}' from the images, expected a constant`);
  }

  /** Float numbers of the file. @param dims their shape, where it is known */
  weight(index: number, dims?: readonly number[]): Constant {
    const found = this.constant(index);
    if (!found) return this.refuse(`has no input ${index}`);
    const where = `'${this.node.inputs[index] ?? ''}'`;
    if (found.kind !== 'float') this.refuse(`has whole numbers for ${where}, expected float`);
    if (dims && dimsText(found.dims) !== dimsText(dims)) {
      this.refuse(`has ${where} of ${dimsText(found.dims)}, expected ${dimsText(dims)}`);
    }
    return found;
  }

  /** A setting that is an attribute in older versions of the operator, an input in newer ones. */
  setting(name: string, index: number): readonly number[] | undefined {
    const attribute = this.ints(name);
    if (attribute) return attribute;
    const given = this.constant(index);
    return given && Array.from(given.values);
  }

  /** A single number, from an attribute or input as before. */
  number(name: string, index: number): number | undefined {
    if (this.has(name)) return this.float(name, 0);
    const given = this.constant(index);
    if (given && given.values.length !== 1)
      this.refuse(`has ${given.values.length} numbers for '${name}', expected one`);
    return given && decimal(given.values[0] as number);
  }

  // The spec

  /** Adds a node, called as the file's is, or `<name>.<suffix>`. */
  add<Op extends OpName>(op: Op, inputs: readonly string[], attrs?: OpAttrs<Op>, suffix?: string): Written {
    const name = suffix ? `${this.name}.${suffix}` : this.name;
    return this.#context.writer.add(name, op, inputs, attrs ?? {}, this.refuse);
  }

  /** A node with weights, made of constants of the file; those that another node has are shared. */
  addWeighted<Op extends OpName>(
    op: Op,
    input: string,
    attrs: OpAttrs<Op>,
    from: readonly (Constant | undefined)[],
    make: () => Record<string, NodeWeight>,
  ): Written {
    const written = this.add(op, [input], attrs);
    // What weights depend on besides: Gemm's settings.
    const settings = [this.float('alpha', 1), this.float('beta', 1), this.int('transB', 0)];
    this.#context.writer.addWeights([this.node.opType, ...settings].join(' '), from, make);
    return written;
  }

  /** A node that works on each value alone, whatever way the tensor sees them. */
  map<Op extends OpName>(op: Op, view: View, attrs?: OpAttrs<Op>, suffix?: string): View {
    return through(view, this.add(op, [view.node], attrs, suffix).node);
  }

  /** The tensor as a node gives it: [C, H, W] for four dimensions, [F] for two. Values are put in order where they must be. */
  settle(view: View): View {
    const sizes = sizesOf(view);
    if (sizes.length !== 1 && sizes.length !== 3) {
      this.refuse(`takes ${dimsText(dimsOf(view))}, expected pictures [N, C, H, W] or vectors [N, F]`);
    }
    const change = arrange(view);
    if (change === undefined) return viewOf(view.node, view.shape);
    // A row of what must be put in order as a picture first.
    const picture = change === null && sizes.length === 1 && view.shape.length === 3 && reshaped(view, view.shape);
    const row = picture && arrange(picture) && reshaped(this.settle(picture), sizes);
    if (row) return this.settle(row);
    if (change === null) {
      return this.refuse(
        `takes ${dimsText(dimsOf(view))} whose values would have to be transposed, which is not supported`,
      );
    }
    const { node, shape } = this.add(change.op, [view.node], change.attrs, change.op);
    return viewOf(node, shape);
  }

  /** A node that gives pictures, [C, H, W]. */
  picture(view: View): View {
    if (view.axes.length !== 3) this.refuse(`takes ${dimsText(dimsOf(view))}, expected pictures [N, C, H, W]`);
    return this.settle(view);
  }

  /** Tensors that all see their nodes' axes alike; put in order where they do not. */
  aligned(views: readonly View[]): { views: readonly View[]; layout: Layout } {
    const common = commonLayout(views);
    if (common) return { views, layout: common };
    const settled = views.map((view) => this.settle(view));
    const layout = commonLayout(settled);
    if (layout) return { views: settled, layout };
    return this.refuse(`takes ${views.map((view) => dimsText(dimsOf(view))).join(' and ')}`);
  }

  /** A tensor that sees its node's axes whole, one by one. */
  laidOut(view: View): { view: View; layout: Layout } {
    const { views, layout } = this.aligned([view]);
    return { view: views[0] as View, layout };
  }

  nodeShape(node: string): readonly number[] {
    return this.#context.writer.shapeOf(node);
  }
}
