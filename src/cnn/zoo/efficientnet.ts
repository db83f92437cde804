/** EfficientNet-B0 (Tan and Le 2019): inverted residuals with squeeze and excitation. */
import type { CnnSpec } from '../spec.js';
import { scaleChannels, ZooNet } from './net.js';
import type { Published, ZooOptions } from './options.js';

const published: Published = {
  name: 'efficientnetB0',
  size: 224,
  minimum: 1,
  resize: 256,
  interpolation: 'bicubic',
  mode: 'torch',
};

/** Expansion, kernel, stride of the first, output channels, repeats. */
const STAGES = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;
const BLOCKS = STAGES.reduce((sum, [, , , , repeats]) => sum + repeats, 0);
/** Chance to skip the last block while training; it rises to this from 0 at the first. */
const STOCHASTIC_DEPTH = 0.2;

interface BlockShape {
  channels: number;
  expansion: number;
  kernel: number;
  stride: number;
  filters: number;
  skipRate: number;
}

/**
 * 81 convolutions, all of them taps. 32 of them weigh channels: they see one pixel, so that their maps are zeros; `taps: '!*.fc?'` leaves them out.
 * @throws CumulensError ERR_OPTION
 */
export function efficientnetB0(options: ZooOptions = {}): CnnSpec {
  const net = new EfficientNet(published, options, { activation: 'silu' });
  let channels = net.scale(32);
  let x = net.layer(net.input, 'features.0', { filters: channels, kernel: 3, stride: 2 });
  let blocks = 0;
  for (const [stage, [expansion, kernel, stride, output, repeats]] of STAGES.entries()) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const skipRate = (STOCHASTIC_DEPTH * blocks++) / BLOCKS;
      const shape = {
        channels,
        expansion,
        kernel,
        stride: repeat === 0 ? stride : 1,
        filters: net.scale(output),
        skipRate,
      };
      x = net.block(x, `features.${stage + 1}.${repeat}`, shape);
      channels = shape.filters;
    }
  }
  x = net.layer(x, 'features.8', { filters: 4 * channels, kernel: 1 });
  const head = (features: string): string =>
    net.pooledHead(features, { dropout: 'classifier.0', linear: 'classifier.1' }, 0.2);
  return net.finish(x, head);
}

class EfficientNet extends ZooNet {
  /** A normalised convolution, and its activation unless told otherwise. */
  layer(x: string, name: string, shape: Parameters<ZooNet['conv']>[2], activated = true): string {
    const names = { conv: `${name}.0`, norm: `${name}.1`, ...(activated ? { activation: `${name}.2` } : {}) };
    return this.normalised(x, names, shape);
  }

  block(x: string, name: string, { channels, expansion, kernel, stride, filters, skipRate }: BlockShape): string {
    const hidden = expansion === 1 ? channels : scaleChannels(channels, expansion);
    let inner = x;
    let index = 0;
    if (hidden !== channels) inner = this.layer(inner, `${name}.block.${index++}`, { filters: hidden, kernel: 1 });
    inner = this.layer(inner, `${name}.block.${index++}`, { filters: hidden, kernel, stride, groups: hidden });
    inner = this.#squeezeExcitation(inner, `${name}.block.${index++}`, hidden, Math.max(1, Math.floor(channels / 4)));
    inner = this.layer(inner, `${name}.block.${index}`, { filters, kernel: 1 }, false);
    if (stride !== 1 || channels !== filters) return inner;
    inner = this.dropout(inner, `${name}.stochastic_depth`, skipRate, 'sample');
    return this.plain('add', [inner, x], `${name}.add`);
  }

  /** Weighs each channel by what all of them are on average. */
  #squeezeExcitation(x: string, name: string, channels: number, squeezed: number): string {
    let gate = this.globalAvgPool(x, `${name}.avgpool`, true);
    gate = this.conv(gate, `${name}.fc1`, { filters: squeezed, kernel: 1, bias: true });
    gate = this.plain('silu', gate, `${name}.activation`);
    gate = this.conv(gate, `${name}.fc2`, { filters: channels, kernel: 1, bias: true });
    gate = this.plain('sigmoid', gate, `${name}.scale_activation`);
    return this.plain('multiply', [x, gate], `${name}.multiply`);
  }
}
