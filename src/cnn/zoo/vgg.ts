/** VGG16 (Simonyan and Zisserman 2014), without batch norm. */
import type { CnnSpec } from '../spec.js';
import { ZooNet } from './net.js';
import type { Published, ZooOptions } from './options.js';

const published: Published = {
  name: 'vgg16',
  size: 224,
  minimum: 32,
  resize: 256,
  interpolation: 'bilinear',
  mode: 'torch',
};

/** Filters of the convolutions before each halving. */
const STAGES = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
] as const;

/**
 * 13 convolutions; the published head pools to 7×7 whatever the image size, as torchvision's does, and has two layers of 4096.
 * @throws CumulensError ERR_OPTION
 */
export function vgg16(options: ZooOptions = {}): CnnSpec {
  const net = new ZooNet(published, options);
  let x = net.input;
  let index = 0;
  for (const stage of STAGES) {
    for (const filters of stage) {
      x = net.conv(x, `features.${index++}`, { filters: net.scale(filters), kernel: 3, bias: true });
      x = net.plain('relu', x, `features.${index++}`);
    }
    x = net.maxPool(x, `features.${index++}`, 2, 2);
  }
  return net.finish(x, (features) => head(net, features), { tapAt: 'activation' });
}

function head(net: ZooNet, features: string): string {
  let x = net.builder.add('adaptiveAvgPool2d', features, { size: 7 }, 'avgpool');
  x = net.plain('flatten', x, 'flatten');
  for (const index of [0, 3]) {
    x = net.plain('relu', net.linear(x, `classifier.${index}`, net.scale(4096)), `classifier.${index + 1}`);
    x = net.dropout(x, `classifier.${index + 2}`, 0.5);
  }
  return net.linear(x, 'classifier.6', net.options.classes);
}
