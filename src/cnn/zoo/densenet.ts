/** DenseNet-121 (Huang et al. 2017): every layer reads all those before it in its block. */
import type { CnnSpec } from '../spec.js';
import { ZooNet } from './net.js';
import type { Published, ZooOptions } from './options.js';

const published: Published = {
  name: 'densenet121',
  size: 224,
  minimum: 29,
  resize: 256,
  interpolation: 'bilinear',
  mode: 'torch',
};

const BLOCKS = [6, 12, 24, 16] as const;
/** Channels that each layer adds. */
const GROWTH = 32;

/**
 * 120 convolutions, a norm and an activation before each but the first.
 * @throws CumulensError ERR_OPTION
 */
export function densenet121(options: ZooOptions = {}): CnnSpec {
  const net = new ZooNet(published, options);
  let channels = 64;
  const stem = { conv: 'features.conv0', norm: 'features.norm0', activation: 'features.relu0' };
  let x = net.normalised(net.input, stem, { filters: net.scale(channels), kernel: 7, stride: 2 });
  x = net.maxPool(x, 'features.pool0', 3, 2, true);
  for (const [index, depth] of BLOCKS.entries()) {
    for (let layer = 1; layer <= depth; layer++) {
      x = denseLayer(net, x, `features.denseblock${index + 1}.denselayer${layer}`);
    }
    channels += depth * GROWTH;
    if (index < BLOCKS.length - 1) {
      channels /= 2;
      x = transition(net, x, `features.transition${index + 1}`, net.scale(channels));
    }
  }
  x = net.plain('relu', net.norm(x, 'features.norm5'), 'relu');
  return net.finish(x, (features) => net.pooledHead(features, { linear: 'classifier' }));
}

function denseLayer(net: ZooNet, x: string, name: string): string {
  let fresh = net.plain('relu', net.norm(x, `${name}.norm1`), `${name}.relu1`);
  fresh = net.conv(fresh, `${name}.conv1`, { filters: net.scale(4 * GROWTH), kernel: 1 });
  fresh = net.plain('relu', net.norm(fresh, `${name}.norm2`), `${name}.relu2`);
  fresh = net.conv(fresh, `${name}.conv2`, { filters: net.scale(GROWTH), kernel: 3 });
  return net.plain('concat', [x, fresh], `${name}.concat`);
}

function transition(net: ZooNet, x: string, name: string, filters: number): string {
  const active = net.plain('relu', net.norm(x, `${name}.norm`), `${name}.relu`);
  return net.avgPool(net.conv(active, `${name}.conv`, { filters, kernel: 1 }), `${name}.pool`, 2, 2);
}
