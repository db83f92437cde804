/** Inception v3 (Szegedy et al. 2016), without its auxiliary head. */
import type { CnnSpec } from '../spec.js';
import { ZooNet, type ConvShape } from './net.js';
import type { Published, ZooOptions } from './options.js';

const published: Published = {
  name: 'inceptionv3',
  size: 299,
  minimum: 75,
  resize: 342,
  interpolation: 'bilinear',
  mode: 'tf',
};

/** A branch's convolutions in order: name, filters, kernel, and what else is said of it. */
type Step = readonly [name: string, filters: number, kernel: ConvShape['kernel'], rest?: Partial<ConvShape>];

/** Halves the picture without padding. */
const HALVE = { stride: 2, valid: true } as const;

/**
 * 94 convolutions. Pictures are given in [−1, 1], what torchvision's weights were trained with (`transform_input`); a model of it that was made
 * without them takes `preprocessing: 'torch'`.
 * @throws CumulensError ERR_OPTION
 */
export function inceptionv3(options: ZooOptions = {}): CnnSpec {
  const net = new Inception(published, options, { epsilon: 1e-3 });
  let x = net.step(net.input, '', ['Conv2d_1a_3x3', 32, 3, HALVE]);
  x = net.step(x, '', ['Conv2d_2a_3x3', 32, 3, { valid: true }]);
  x = net.step(x, '', ['Conv2d_2b_3x3', 64, 3]);
  x = net.maxPool(x, 'maxpool1', 3, 2);
  x = net.step(x, '', ['Conv2d_3b_1x1', 80, 1]);
  x = net.step(x, '', ['Conv2d_4a_3x3', 192, 3, { valid: true }]);
  x = net.maxPool(x, 'maxpool2', 3, 2);
  for (const [block, pooled] of [
    ['5b', 32],
    ['5c', 64],
    ['5d', 64],
  ] as const)
    x = net.blockA(x, `Mixed_${block}`, pooled);
  x = net.blockB(x, 'Mixed_6a');
  for (const [block, inner] of [
    ['6b', 128],
    ['6c', 160],
    ['6d', 160],
    ['6e', 192],
  ] as const) {
    x = net.blockC(x, `Mixed_${block}`, inner);
  }
  x = net.blockD(x, 'Mixed_7a');
  for (const block of ['7b', '7c']) x = net.blockE(x, `Mixed_${block}`);
  return net.finish(x, (features) => net.pooledHead(features, { dropout: 'dropout', linear: 'fc' }, 0.5));
}

class Inception extends ZooNet {
  step(x: string, block: string, [name, filters, kernel, rest = {}]: Step): string {
    const path = block === '' ? name : `${block}.${name}`;
    const names = { conv: `${path}.conv`, norm: `${path}.bn`, activation: `${path}.relu` };
    return this.normalised(x, names, { filters: this.scale(filters), kernel, ...rest });
  }

  #branch(x: string, block: string, ...steps: readonly Step[]): string {
    return steps.reduce((inner, step) => this.step(inner, block, step), x);
  }

  #pooled(x: string, block: string, filters: number): string {
    return this.step(this.avgPool(x, `${block}.pool`, 3, 1, true), block, ['branch_pool', filters, 1]);
  }

  #join(branches: string[], name: string): string {
    return this.plain('concat', branches, `${name}.concat`);
  }

  blockA(x: string, name: string, pooled: number): string {
    const branches = [
      this.#branch(x, name, ['branch1x1', 64, 1]),
      this.#branch(x, name, ['branch5x5_1', 48, 1], ['branch5x5_2', 64, 5]),
      this.#branch(x, name, ['branch3x3dbl_1', 64, 1], ['branch3x3dbl_2', 96, 3], ['branch3x3dbl_3', 96, 3]),
      this.#pooled(x, name, pooled),
    ];
    return this.#join(branches, name);
  }

  blockB(x: string, name: string): string {
    const branches = [
      this.#branch(x, name, ['branch3x3', 384, 3, HALVE]),
      this.#branch(x, name, ['branch3x3dbl_1', 64, 1], ['branch3x3dbl_2', 96, 3], ['branch3x3dbl_3', 96, 3, HALVE]),
      this.maxPool(x, `${name}.pool`, 3, 2),
    ];
    return this.#join(branches, name);
  }

  blockC(x: string, name: string, inner: number): string {
    const wide = [1, 7] as const;
    const tall = [7, 1] as const;
    const branches = [
      this.#branch(x, name, ['branch1x1', 192, 1]),
      this.#branch(x, name, ['branch7x7_1', inner, 1], ['branch7x7_2', inner, wide], ['branch7x7_3', 192, tall]),
      this.#branch(
        x,
        name,
        ['branch7x7dbl_1', inner, 1],
        ['branch7x7dbl_2', inner, tall],
        ['branch7x7dbl_3', inner, wide],
        ['branch7x7dbl_4', inner, tall],
        ['branch7x7dbl_5', 192, wide],
      ),
      this.#pooled(x, name, 192),
    ];
    return this.#join(branches, name);
  }

  blockD(x: string, name: string): string {
    const branches = [
      this.#branch(x, name, ['branch3x3_1', 192, 1], ['branch3x3_2', 320, 3, HALVE]),
      this.#branch(
        x,
        name,
        ['branch7x7x3_1', 192, 1],
        ['branch7x7x3_2', 192, [1, 7]],
        ['branch7x7x3_3', 192, [7, 1]],
        ['branch7x7x3_4', 192, 3, HALVE],
      ),
      this.maxPool(x, `${name}.pool`, 3, 2),
    ];
    return this.#join(branches, name);
  }

  blockE(x: string, name: string): string {
    const single = this.#branch(x, name, ['branch1x1', 320, 1]);
    const once = this.#fork(this.#branch(x, name, ['branch3x3_1', 384, 1]), name, 'branch3x3_2');
    const twice = this.#fork(
      this.#branch(x, name, ['branch3x3dbl_1', 448, 1], ['branch3x3dbl_2', 384, 3]),
      name,
      'branch3x3dbl_3',
    );
    return this.#join([single, once, twice, this.#pooled(x, name, 192)], name);
  }

  /** A wide and a tall convolution of the same input, side by side. */
  #fork(x: string, block: string, name: string): string {
    const wide = this.step(x, block, [`${name}a`, 384, [1, 3]]);
    const tall = this.step(x, block, [`${name}b`, 384, [3, 1]]);
    return this.#join([wide, tall], `${block}.${name}`);
  }
}
