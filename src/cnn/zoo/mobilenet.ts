/** MobileNetV2 (Sandler et al. 2018): inverted residuals with linear bottlenecks. */
import type { CnnSpec } from '../spec.js';
import { scaleChannels, ZooNet } from './net.js';
import type { Published, ZooOptions } from './options.js';

const published: Published = {
  name: 'mobilenetv2',
  size: 224,
  minimum: 1,
  resize: 256,
  interpolation: 'bilinear',
  mode: 'torch',
};

/** Expansion, output channels, repeats, stride of the first. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/**
 * 52 convolutions. The last one's 1280 channels become more with `width`, but not fewer.
 * @throws CumulensError ERR_OPTION
 */
export function mobilenetv2(options: ZooOptions = {}): CnnSpec {
  const net = new ZooNet(published, options, { activation: 'relu6' });
  let channels = net.scale(32);
  let x = net.normalised(net.input, layer('features.0'), { filters: channels, kernel: 3, stride: 2 });
  let index = 1;
  for (const [expansion, output, repeats, stride] of STAGES) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const filters = net.scale(output);
      const shape = { channels, hidden: channels * expansion, filters, stride: repeat === 0 ? stride : 1 };
      x = invertedResidual(net, x, `features.${index++}`, shape);
      channels = filters;
    }
  }
  const last = scaleChannels(1280, Math.max(1, net.options.multiplier));
  x = net.normalised(x, layer(`features.${index}`), { filters: last, kernel: 1 });
  return net.finish(x, (features) =>
    net.pooledHead(features, { dropout: 'classifier.0', linear: 'classifier.1' }, 0.2),
  );
}

const layer = (name: string): { conv: string; norm: string; activation: string } => ({
  conv: `${name}.0`,
  norm: `${name}.1`,
  activation: `${name}.2`,
});

function invertedResidual(
  net: ZooNet,
  x: string,
  name: string,
  { channels, hidden, filters, stride }: { channels: number; hidden: number; filters: number; stride: number },
): string {
  let inner = x;
  let index = 0;
  if (hidden !== channels) {
    inner = net.normalised(inner, layer(`${name}.conv.${index++}`), { filters: hidden, kernel: 1 });
  }
  inner = net.normalised(inner, layer(`${name}.conv.${index++}`), {
    filters: hidden,
    kernel: 3,
    stride,
    groups: hidden,
  });
  const projection = { conv: `${name}.conv.${index}`, norm: `${name}.conv.${index + 1}` };
  inner = net.normalised(inner, projection, { filters, kernel: 1 });
  return stride === 1 && channels === filters ? net.plain('add', [x, inner], `${name}.add`) : inner;
}
