// A dataset directory of images whose class shows in their colour.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Tensor, writeSafetensors } from '../../dist/index.js';
import { uniform } from './arrays.js';

/** uint8 [count, 3, side, side] and their labels: class k has more of channel k. */
export function colouredImages(count, side, classes, seed) {
  const pixels = 3 * side * side;
  const bytes = Uint8Array.from(uniform(seed, count * pixels, 0, 150), (value, i) => {
    const [sample, channel] = [Math.floor(i / pixels), Math.floor((i % pixels) / side ** 2)];
    return value + (channel === sample % classes ? 100 : 0);
  });
  return {
    image: Tensor.from(bytes, [count, 3, side, side]),
    label: Tensor.from(
      BigInt64Array.from({ length: count }, (_, i) => BigInt(i % classes)),
      [count],
    ),
  };
}

/** @param counts images a split @param settings what the dataset says of how it was made */
export async function writeDataset(folder, { classes, side, counts, settings = {} }) {
  mkdirSync(folder, { recursive: true });
  const splits = {};
  for (const [seed, [name, count]] of Object.entries(counts).entries()) {
    const file = `shard-${name}.safetensors`;
    const ids = JSON.stringify(Array.from({ length: count }, (_, i) => `${name}/${i}`));
    await writeSafetensors(join(folder, file), colouredImages(count, side, classes.length, 7 + seed), { ids });
    splits[name] = { shards: [{ file, count }], count };
  }
  const manifest = { format: 'cumulens-dataset', version: 1, kind: 'images', classes, size: [side, side], channels: 3 };
  writeFileSync(join(folder, 'dataset.json'), JSON.stringify({ ...manifest, settings, splits }));
  return folder;
}
