/** A residual network for small images that two CPU cores train in about a minute. */
import { z } from 'zod';

import { parseOptions } from '../../options.js';
import { CnnBuilder } from '../builder.js';
import type { CnnSpec } from '../spec.js';

const side = z.number().int().min(16);
const smallSchema = z.strictObject({
  classes: z.union([z.number().int().min(2), z.array(z.string()).min(2)], {
    error: 'expected a number of classes, or their names',
  }),
  size: z
    .union([side, z.tuple([side, side])], { error: 'expected a whole number ≥ 16 or [height, width]' })
    .default(64),
  channels: z.number().int().positive().default(3),
  width: z.number().int().positive().default(16),
});

export type SmallOptions = z.input<typeof smallSchema>;

/**
 * 15 convolutions with batch norm, all of them taps: a stem of stride 2, then two residual blocks of 3×3 convolutions at each of three
 * scales with `width`, 2·width and 4·width channels (He et al. 2016), where two shortcuts change size by a 1×1 convolution.
 * @throws CumulensError ERR_OPTION
 */
export function small(options: SmallOptions): CnnSpec {
  const { classes, size, channels, width } = parseOptions(smallSchema, options, 'small');
  const [height, breadth] = typeof size === 'number' ? [size, size] : size;
  const net = new CnnBuilder({ channels, height, width: breadth });
  const conv = (x: string, name: string, filters: number, stride: number): string => {
    const made = net.add(
      'conv2d',
      x,
      { filters, kernel: 3, stride, padding: [1, 1, 1, 1], bias: false },
      `${name}.conv`,
    );
    return net.add('batchNorm', made, {}, `${name}.norm`);
  };
  const shortcut = (x: string, name: string, filters: number, stride: number): string => {
    if (stride === 1) return x;
    const projected = net.add('conv2d', x, { filters, kernel: 1, stride, bias: false }, `${name}.shortcut.conv`);
    return net.add('batchNorm', projected, {}, `${name}.shortcut.norm`);
  };

  let x = net.add('relu', conv('input', 'stem', width, 2), {}, 'stem.relu');
  for (const [stage, filters] of [width, 2 * width, 4 * width].entries()) {
    for (const block of [0, 1]) {
      const name = `stage${stage + 1}.${block}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const inner = net.add('relu', conv(x, `${name}.a`, filters, stride), {}, `${name}.a.relu`);
      const residual = conv(inner, `${name}.b`, filters, 1);
      x = net.add(
        'relu',
        net.add('add', [residual, shortcut(x, name, filters, stride)], {}, `${name}.add`),
        {},
        `${name}.relu`,
      );
    }
  }
  x = net.add('globalAvgPool2d', x, {}, 'pool');
  const output = net.add('linear', x, { units: typeof classes === 'number' ? classes : classes.length }, 'logits');
  return net.build(output, { name: 'small', ...(typeof classes === 'number' ? {} : { classes }) });
}
