import { writeManifest } from '../../dist/data/manifest.js';
import { writeShard } from '../../dist/data/shards.js';
import { Tensor } from '../../dist/index.js';

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

function bytes(shape, seed) {
  const values = new Uint8Array(shape.reduce((a, b) => a * b, 1));
  let state = seed;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state >>> 24;
  }
  return Tensor.from(values, shape);
}

/**
 * Writes a prepared dataset of noise, two shards of training, whose classes take turns; `seed` changes its values, `settings` what it says of
 * itself.
 */
export async function writePrepared(
  folder,
  {
    train = 11,
    validation = 0,
    test = 3,
    size = 16,
    conditions = 2,
    seed: base = 0,
    settings: more = {},
    classes: names = ['a'],
  } = {},
) {
  await mkdir(folder, { recursive: true });
  const splits = {};
  const write = async (split, parts) => {
    splits[split] = { shards: [], count: 0 };
    for (const [index, count] of parts.entries()) {
      const file = `shard-${split}-0000${index}.safetensors`;
      const classes = () =>
        Tensor.from(
          BigInt64Array.from({ length: count }, (_, i) => BigInt(i % names.length)),
          [count],
        );
      const seed = base + 100 * splits[split].count + split.length;
      const tensors = {
        image: bytes([count, 3, size, size], seed + 1),
        conditions: bytes([count, conditions, size, size], seed + 2),
        target: bytes([count, 1, size, size], seed + 3),
        label: classes(),
        predicted: classes(),
        targetClass: classes(),
      };
      await writeShard(join(folder, file), {
        tensors,
        ids: Array.from({ length: count }, (_, i) => `${split}-${index}-${i}`),
      });
      splits[split].shards.push({ file, count });
      splits[split].count += count;
    }
  };
  await write('train', [Math.ceil(train / 2), Math.floor(train / 2)]);
  if (validation > 0) await write('validation', [validation]);
  await write('test', [test]);
  const settings = {
    method: 'gradcam',
    order: 'forward',
    excludeTarget: true,
    targetMethod: 'gradcam',
    targetTap: 'conv',
    ...more,
  };
  await writeManifest(folder, {
    format: 'cumulens-dataset',
    version: 1,
    kind: 'prepared',
    classes: names,
    size: [size, size],
    channels: 3,
    conditions,
    settings,
    splits,
  });
  return folder;
}

/** A GAN small enough for tests. */
export const tinyGan = {
  variant: 'lsft',
  width: 4,
  conditionWidth: 4,
  conditionFeatures: 3,
  discriminatorWidth: 4,
  batchSize: 4,
  device: 'cpu',
};
