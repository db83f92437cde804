/** Writes a published network node by node; nodes are called as torchvision's modules are, so that its weights fit by their names. */
import type { OpName } from '../attrs.js';
import { CnnBuilder } from '../builder.js';
import type { CnnSpec, CnnSpecInput } from '../spec.js';
import { parseZooOptions, type ParsedZooOptions, type Published, type ZooOptions } from './options.js';

export type Activation = 'relu' | 'relu6' | 'silu';

/** A convolution: `filters` and `groups` are taken as they are. */
export interface ConvShape {
  filters: number;
  /** [height, width], or one number for both. */
  kernel: number | readonly [number, number];
  stride?: number;
  /** None around the picture; else as many pixels as keep its size at stride 1. */
  valid?: boolean;
  groups?: number;
  bias?: boolean;
}

export interface NormalisedNames {
  conv: string;
  norm: string;
  activation?: string;
}

/** What the channels of a layer become: a multiple of 8, at most a tenth less than asked for. */
export function scaleChannels(channels: number, multiplier: number): number {
  if (multiplier === 1) return channels;
  const wanted = channels * multiplier;
  const nearest = Math.max(8, Math.floor((wanted + 4) / 8) * 8);
  return nearest < 0.9 * wanted ? nearest + 8 : nearest;
}

/** The padding [top, right, bottom, left] that keeps a picture's size at stride 1, for an odd kernel. */
export function around(kernel: number | readonly [number, number]): [number, number, number, number] {
  const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
  return [(height - 1) / 2, (width - 1) / 2, (height - 1) / 2, (width - 1) / 2];
}

export class ZooNet {
  readonly options: ParsedZooOptions;
  readonly builder: CnnBuilder;
  readonly #published: Published;
  readonly #epsilon: number;
  readonly #activation: Activation;

  /**
   * @param style `epsilon` of every batch norm, `activation` of every normalised convolution that has one
   * @throws CumulensError ERR_OPTION
   */
  constructor(published: Published, options: ZooOptions, style: { epsilon?: number; activation?: Activation } = {}) {
    this.options = parseZooOptions(published, options);
    const { channels, height, width } = this.options;
    this.builder = new CnnBuilder({ channels, height, width });
    this.#published = published;
    this.#epsilon = style.epsilon ?? 1e-5;
    this.#activation = style.activation ?? 'relu';
  }

  get input(): string {
    return this.builder.input;
  }

  /** A layer's channels at the width asked for. */
  scale(channels: number): number {
    return scaleChannels(channels, this.options.multiplier);
  }

  conv(x: string, name: string, { filters, kernel, stride = 1, valid, groups = 1, bias = false }: ConvShape): string {
    const size = typeof kernel === 'number' ? kernel : ([...kernel] as [number, number]);
    const padding = valid ? 'valid' : around(kernel);
    return this.builder.add('conv2d', x, { filters, kernel: size, stride, padding, groups, bias }, name);
  }

  norm(x: string, name: string): string {
    return this.builder.add('batchNorm', x, { epsilon: this.#epsilon }, name);
  }

  /** Any op without attributes: an activation, `add`, `concat` … */
  plain(
    op: Extract<OpName, Activation | 'sigmoid' | 'add' | 'multiply' | 'concat' | 'flatten'>,
    x: string | string[],
    name: string,
  ): string {
    return this.builder.add(op, x, {}, name);
  }

  /** Convolution, batch norm, and the activation where it has a name. */
  normalised(x: string, names: NormalisedNames, shape: ConvShape): string {
    const normed = this.norm(this.conv(x, names.conv, shape), names.norm);
    return names.activation === undefined ? normed : this.plain(this.#activation, normed, names.activation);
  }

  maxPool(x: string, name: string, kernel: number, stride: number, padded = false): string {
    return this.builder.add('maxPool2d', x, { kernel, stride, padding: padded ? around(kernel) : 'valid' }, name);
  }

  avgPool(x: string, name: string, kernel: number, stride: number, padded = false): string {
    return this.builder.add('avgPool2d', x, { kernel, stride, padding: padded ? around(kernel) : 'valid' }, name);
  }

  globalAvgPool(x: string, name: string, keepDims = false): string {
    return this.builder.add('globalAvgPool2d', x, { keepDims }, name);
  }

  dropout(x: string, name: string, rate: number, per: 'value' | 'sample' = 'value'): string {
    return this.builder.add('dropout', x, { rate, per }, name);
  }

  linear(x: string, name: string, units: number): string {
    return this.builder.add('linear', x, { units }, name);
  }

  /** The mean over all pixels, dropout where there is a rate, and one linear layer: the head of most published networks. */
  pooledHead(features: string, names: { linear: string; dropout?: string }, rate = 0): string {
    let x = this.globalAvgPool(features, 'avgpool');
    if (names.dropout !== undefined) x = this.dropout(x, names.dropout, rate);
    return this.linear(x, names.linear, this.options.classes);
  }

  /** The spec, with the head asked for on the trunk's `features`. */
  finish(
    features: string,
    publishedHead: (features: string) => string,
    rest: Pick<CnnSpecInput, 'tapAt'> = {},
  ): CnnSpec {
    const { head, classNames, preprocessing } = this.options;
    const output = head === 'paper' ? this.#paperHead(features) : publishedHead(features);
    return this.builder.build(output, {
      name: this.#published.name,
      preprocessing,
      ...(classNames ? { classes: classNames } : {}),
      ...rest,
    });
  }

  #paperHead(features: string): string {
    let x = this.builder.add('globalMaxPool2d', features, {}, 'head.pool');
    for (const [index, units] of [256, 128].entries()) {
      x = this.plain('relu', this.linear(x, `head.hidden${index + 1}`, units), `head.relu${index + 1}`);
      x = this.dropout(x, `head.dropout${index + 1}`, 0.1);
    }
    return this.linear(x, 'head.logits', this.options.classes);
  }
}
