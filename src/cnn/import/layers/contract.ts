/** What a Keras or tfjs layer is to be translated from, and into. */
import { z } from 'zod';

import { parseOptions } from '../../../options.js';
import type { OpAttrs, OpName } from '../../attrs.js';
import type { ImportedTensor } from '../contract.js';

/** Whose rules hold: they differ in what `hard_sigmoid` is. */
export type Dialect = 'keras2' | 'keras3' | 'tfjs';

/** Which way the source lays its pictures out. */
export type Layout = 'channels_last' | 'channels_first';

/** A layer that holds no others. */
export interface LeafLayer {
  className: string;
  /** Where Keras 3 says its class lives. */
  module: string;
  /** The names of the models it lies in, then its own. */
  path: readonly string[];
  config: Record<string, unknown>;
  trainable: boolean;
}

/** What a call is given: an earlier result, or a constant of the file. */
export type Argument = { kind: 'tensor'; value: Value } | { kind: 'constant'; value: unknown };

/** A result: the node that gives it, and its shape, [C, H, W] or [F]. */
export interface Value {
  node: string;
  shape: readonly number[];
}

/** One of a layer's arrays, in the order in which Keras makes them. */
export interface Variable {
  name: string;
  /** Names that other versions have for it. */
  aliases?: readonly string[];
  /** A statistic, which no optimizer changes. */
  statistic?: boolean;
}

/** Weights for `<node>.weight` and so on. */
export type NodeWeights = Record<string, ImportedTensor>;

/** What a translator works with: one call of one layer. */
export interface Translation {
  readonly layer: LeafLayer;
  readonly dialect: Dialect;
  readonly layout: Layout;
  /** The tensors among the arguments. */
  readonly inputs: readonly Value[];
  readonly args: readonly Argument[];
  readonly named: Readonly<Record<string, Argument>>;
  /** The only input. @throws CumulensError ERR_FORMAT when there are more or none */
  input(): Value;
  /** Adds a node, called as the layer is, or `<layer>.<suffix>`. */
  add<Op extends OpName>(op: Op, inputs: readonly Value[], attrs?: OpAttrs<Op>, suffix?: string): Value;
  /** A node with weights, which `weights` makes at the layer's first call; a later call uses the first one's. */
  addWeighted<Op extends OpName>(
    op: Op,
    inputs: readonly Value[],
    attrs: OpAttrs<Op>,
    weights: () => NodeWeights,
    suffix?: string,
  ): Value;
  /** One of the layer's arrays, of the shape asked for. */
  variable(name: string, shape: readonly number[]): ImportedTensor;
  /** A convolution of this layer is followed by its own activation. */
  markFused(): void;
  note(text: string): void;
  /** Ends the import, naming the layer. */
  refuse(problem: string): never;
}

/** How one class of layers is translated. */
export interface LayerKind {
  variables: (layer: LeafLayer, where: string) => readonly Variable[];
  translate: (translation: Translation, where: string) => Value;
}

/** A kind whose config is checked by a schema; names that the schema lacks change nothing at inference. */
export function kind<S extends z.ZodType>(
  schema: S,
  translate: (config: z.output<S>, translation: Translation) => Value,
  variables: (config: z.output<S>) => readonly Variable[] = () => [],
): LayerKind {
  const read = (layer: LeafLayer, where: string) => parseOptions(schema, layer.config, where, 'ERR_FORMAT');
  return {
    variables: (layer, where) => variables(read(layer, where)),
    translate: (translation, where) => translate(read(translation.layer, where), translation),
  };
}

const size = z.number().int().positive();
/** A whole number or two, as [height, width]. */
export const pair = z.union([size.transform((n): [number, number] => [n, n]), z.tuple([size, size])], {
  error: 'expected a positive whole number or two',
});
export const nothing = z.object({});
export const dataFormat = z.enum(['channels_last', 'channels_first']).nullish();
/** The axis of the channels, however it is counted; a list of one is one. */
export const axes = z.union([
  z
    .number()
    .int()
    .transform((axis) => [axis]),
  z.array(z.number().int()),
]);

/** Whether an axis of a batch is that of the channels. */
export function isChannelAxis(axis: number, rank: number, layout: Layout): boolean {
  const positive = axis < 0 ? axis + rank + 1 : axis;
  return positive === (rank === 1 || layout === 'channels_first' ? 1 : rank);
}

/** A picture's channels, height and width. @throws CumulensError ERR_FORMAT for a vector */
export function pictureShape(value: Value, t: Translation): [number, number, number] {
  const [channels, height, width] = value.shape;
  if (channels === undefined || height === undefined || width === undefined) {
    return t.refuse(`takes pictures, got a vector of ${String(channels)}`);
  }
  return [channels, height, width];
}
