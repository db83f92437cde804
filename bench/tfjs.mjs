// Grad-CAM at every convolution of one small CNN: layer by layer in tfjs (its plain JavaScript backend), as one writes it there, and the same file
// in cumulens. Both must give the same maps before they are timed.
//   npm run bench:tfjs -- [--batch 2] [--size 32] [--rounds 3] [--threads N] [--json]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import * as tf from '@tensorflow/tfjs';

import { Cnn, Tensor } from '../dist/index.js';
import { native } from '../dist/native.js';
import { describeMachine, machineLine, printTable, summarise, timeInTurn } from './harness.mjs';

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '2' },
    size: { type: 'string', default: '32' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const batch = Number(options.batch);
const size = Number(options.size);
if (options.threads) await native.setThreads(Number(options.threads));
await tf.setBackend('cpu');

/** Six convolutions with batch norm in three scales. */
function makeModel() {
  const { layers } = tf;
  const model = tf.sequential();
  [16, 16, 32, 32, 64, 64].forEach((filters, i) => {
    const first = i === 0 ? { inputShape: [size, size, 3] } : {};
    model.add(layers.conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false, name: `conv${i}`, ...first }));
    model.add(layers.batchNormalization({ name: `norm${i}` }));
    model.add(layers.activation({ activation: 'relu', name: `relu${i}` }));
    if (i % 2 === 1) model.add(layers.maxPooling2d({ poolSize: 2, name: `pool${i}` }));
  });
  model.add(layers.globalAveragePooling2d({ name: 'pool' }));
  model.add(layers.dense({ units: 10, name: 'logits' }));
  return model;
}

async function save(model, folder) {
  await model.save(
    tf.io.withSaveHandler(async ({ weightData, weightSpecs, modelTopology, format }) => {
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      writeFileSync(join(folder, 'weights.bin'), Buffer.from(weightData));
      writeFileSync(join(folder, 'model.json'), JSON.stringify({ format, modelTopology, weightsManifest }));
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
}

/** The network from a layer's output on. */
function restOf(model, layer) {
  const layers = model.layers.slice(model.layers.indexOf(layer) + 1);
  return (activation) => layers.reduce((x, one) => one.apply(x), activation);
}

/** One forward and one backward pass for each layer: the model up to it, then the gradient of the score through the rest. */
async function explainByLayer(model, images) {
  const maps = [];
  const convolutions = model.layers.filter((layer) => layer.getClassName() === 'Conv2D');
  for (const layer of convolutions) {
    maps.push(
      tf.tidy(() => {
        const activation = tf.model({ inputs: model.inputs, outputs: layer.output }).predict(images);
        const rest = restOf(model, layer);
        const gradient = tf.grad((value) => tf.sum(tf.max(rest(value), 1)))(activation);
        const weights = tf.mean(gradient, [1, 2], true);
        const map = tf.image.resizeBilinear(
          tf.relu(tf.sum(tf.mul(activation, weights), 3, true)),
          [size, size],
          false,
          true,
        );
        const low = tf.min(map, [1, 2], true);
        return tf.divNoNan(tf.sub(map, low), tf.sub(tf.max(map, [1, 2], true), low));
      }),
    );
  }
  await Promise.all(maps.map((map) => map.data()));
  return maps;
}

/** Greatest difference of the two programs' maps, which says that they do the same work. */
async function difference(maps, explained) {
  const ours = await explained.maps.data();
  let most = 0;
  for (const [tap, map] of maps.entries()) {
    const theirs = await map.data();
    const pixels = size * size;
    theirs.forEach((value, i) => {
      const place = (Math.floor(i / pixels) * maps.length + tap) * pixels + (i % pixels);
      most = Math.max(most, Math.abs(value - ours[place]));
    });
  }
  return most;
}

const folder = mkdtempSync(join(tmpdir(), 'cumulens-bench-'));
const model = makeModel();
await save(model, folder);
const cnn = await Cnn.load(folder, { device: 'cpu' });
rmSync(folder, { recursive: true });

const pixels = Float32Array.from({ length: batch * 3 * size * size }, (_, i) => ((i * 2654435761) % 1024) / 1024);
const images = Tensor.from(pixels, [batch, 3, size, size]);
const theirs = tf.tensor4d(pixels, [batch, 3, size, size]).transpose([0, 2, 3, 1]);
const explain = () => cnn.explain(images, { maps: true, conditions: 0, excludeTarget: false });

const maps = await explainByLayer(model, theirs);
const apart = await difference(maps, await explain());
if (!(apart < 1e-3)) throw new Error(`the two programs' maps differ by ${apart}: they do not do the same work`);
tf.dispose(maps);

const variants = [
  {
    name: 'maps',
    label: 'cumulens: all maps by one pass',
    run: async () => {
      const explained = await explain();
      await explained.maps.data();
      for (const value of Object.values(explained)) if (Tensor.isTensor(value)) value.dispose();
    },
  },
  {
    name: 'tfjs',
    label: `tfjs ${tf.version.tfjs}, cpu: layer by layer`,
    run: async () => tf.dispose(await explainByLayer(model, theirs)),
  },
];
const machine = await describeMachine();
const rows = summarise(variants, await timeInTurn(variants, { rounds: Number(options.rounds) }), {}, 'maps');
if (options.json) {
  console.log(JSON.stringify({ machine, settings: { batch, size }, taps: cnn.taps.length, variants: rows }, null, 2));
} else {
  console.log(machineLine(machine));
  printTable(`${cnn.taps.length} taps, batch ${batch}, ${size}×${size}`, 'cumulens', rows);
}
