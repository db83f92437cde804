// Every method's maps of a batch of images, against its plain statement: one image at a time, and one changed picture at a time.
//   npm run bench:methods -- [--images 16] [--plain 2] [--size 64] [--rounds 3] [--methods rise,gradcam] [--threads N] [--json]
import { parseArgs } from 'node:util';

import { Cnn, createMethod, METHOD_NAMES, small, Tensor } from '../dist/index.js';
import { native } from '../dist/native.js';
import { describeMachine, machineLine, median, printPerImage, progress, timeInTurn } from './harness.mjs';

const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '16' },
    plain: { type: 'string', default: '2' }, // how many of the images are explained one by one in a round
    size: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '3' },
    methods: { type: 'string' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const [count, size, rounds] = ['images', 'size', 'rounds'].map((name) => Number(options[name]));
const plainCount = Math.min(count, Number(options.plain));
const names = options.methods ? options.methods.split(',') : METHOD_NAMES;
if (options.threads) await native.setThreads(Number(options.threads));

/** Both take as much longer for more masks. */
const SETTINGS = { rise: { masks: 500 } };
const AGREE = 1e-4;
const pixelsOf = 3 * size * size;

const spec = small({ classes: ['a', 'b', 'c', 'd', 'e'], size });
const cnn = await Cnn.create(spec, { device: 'cpu', seed: 1 });
const pixels = Float32Array.from({ length: count * pixelsOf }, (_, i) => ((i * 2654435761) % 1009) / 1008);
const request = (first, number) => ({
  cnn,
  images: Tensor.from(pixels.slice(first * pixelsOf, (first + number) * pixelsOf), [number, 3, size, size]),
  target: Tensor.from(
    BigInt64Array.from({ length: number }, (_, i) => BigInt((first + i) % 5)),
    [number],
  ),
  seed: 0,
  first,
});
const together = request(0, count);
const alone = Array.from({ length: plainCount }, (_, i) => request(i, 1));

const found = {};
async function valuesOf(maps) {
  const values = await maps.data();
  maps.dispose();
  return values;
}
const variants = names.flatMap((name) => {
  const batched = createMethod(name, SETTINGS[name]);
  const plain = createMethod(name, { ...SETTINGS[name], batchSize: 1 });
  return [
    {
      name: `${name}:batched`,
      label: `${name}, batched`,
      run: async () => {
        found[`${name}:batched`] = await valuesOf(await batched.explain(together));
      },
    },
    {
      name: `${name}:plain`,
      label: `${name}, one by one`,
      run: async () => {
        const maps = [];
        for (const one of alone) maps.push(...(await valuesOf(await plain.explain(one))));
        found[`${name}:plain`] = maps;
      },
    },
  ];
});
const seconds = await timeInTurn(variants, { rounds });
progress();

for (const name of names) {
  const plain = found[`${name}:plain`];
  const largest = plain.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const apart = plain.reduce((most, value, i) => Math.max(most, Math.abs(value - found[`${name}:batched`][i])), 0);
  if (!(apart <= AGREE * largest))
    throw new Error(`${name}: one by one the maps are others, by ${apart} of ${largest}`);
}

const rows = names.map((name) => {
  const perImage = {
    batched: median(seconds[`${name}:batched`]) / count,
    plain: median(seconds[`${name}:plain`]) / plainCount,
  };
  return { label: name, secondsPerImage: perImage, timesFaster: perImage.plain / perImage.batched };
});
const machine = await describeMachine();
if (options.json) {
  console.log(JSON.stringify({ machine, settings: { count, plainCount, size, rounds }, rows, seconds }, null, 2));
} else {
  printPerImage(`An image of ${count}, ${size}×${size}, network 'small'; medians of ${rounds} rounds`, rows);
  console.log(machineLine(machine));
}
