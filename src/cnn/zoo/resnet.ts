/** Residual networks (He et al. 2016), with the stride of a bottleneck in its 3×3 convolution. */
import type { CnnSpec } from '../spec.js';
import { ZooNet, type ConvShape } from './net.js';
import type { Published, ZooOptions } from './options.js';

const published = {
  size: 224,
  minimum: 1,
  resize: 256,
  interpolation: 'bilinear',
  mode: 'torch',
} as const satisfies Omit<Published, 'name'>;

/** The convolutions of a block by its stage's channels and its stride; the last one's filters are its output's. */
type Block = (planes: number, stride: number) => readonly ConvShape[];

const basic: Block = (planes, stride) => [
  { filters: planes, kernel: 3, stride },
  { filters: planes, kernel: 3 },
];
const bottleneck: Block = (planes, stride) => [
  { filters: planes, kernel: 1 },
  { filters: planes, kernel: 3, stride },
  { filters: 4 * planes, kernel: 1 },
];

/** 20 convolutions. @throws CumulensError ERR_OPTION */
export function resnet18(options: ZooOptions = {}): CnnSpec {
  return resnet('resnet18', basic, [2, 2, 2, 2], options);
}

/** 53 convolutions. @throws CumulensError ERR_OPTION */
export function resnet50(options: ZooOptions = {}): CnnSpec {
  return resnet('resnet50', bottleneck, [3, 4, 6, 3], options);
}

function resnet(name: string, block: Block, depths: readonly number[], options: ZooOptions): CnnSpec {
  const net = new ZooNet({ ...published, name }, options);
  const stem = { conv: 'conv1', norm: 'bn1', activation: 'relu' };
  let x = net.normalised(net.input, stem, { filters: net.scale(64), kernel: 7, stride: 2 });
  x = net.maxPool(x, 'maxpool', 3, 2, true);
  let channels = 64;
  for (const [stage, depth] of depths.entries()) {
    for (let index = 0; index < depth; index++) {
      const convolutions = block(64 * 2 ** stage, stage > 0 && index === 0 ? 2 : 1);
      x = residual(net, x, `layer${stage + 1}.${index}`, convolutions, channels);
      channels = convolutions.at(-1)?.filters as number;
    }
  }
  return net.finish(x, (features) => net.pooledHead(features, { linear: 'fc' }));
}

/** A block on `channels` channels, and the shortcut around it. One relu module serves the whole block: its later calls are numbered. */
function residual(net: ZooNet, x: string, name: string, convolutions: readonly ConvShape[], channels: number): string {
  let inner = x;
  for (const [index, shape] of convolutions.entries()) {
    const names = { conv: `${name}.conv${index + 1}`, norm: `${name}.bn${index + 1}` };
    const activation = index === convolutions.length - 1 ? {} : { activation: relu(name, index + 1) };
    inner = net.normalised(inner, { ...names, ...activation }, { ...shape, filters: net.scale(shape.filters) });
  }
  const filters = convolutions.at(-1)?.filters as number;
  const stride = convolutions.reduce((product, shape) => product * (shape.stride ?? 1), 1);
  const same = stride === 1 && filters === channels;
  const projection = { conv: `${name}.downsample.0`, norm: `${name}.downsample.1` };
  const shortcut = same ? x : net.normalised(x, projection, { filters: net.scale(filters), kernel: 1, stride });
  return net.plain('relu', net.plain('add', [inner, shortcut], `${name}.add`), relu(name, convolutions.length));
}

const relu = (block: string, call: number): string => `${block}.relu${call === 1 ? '' : `#${call}`}`;
