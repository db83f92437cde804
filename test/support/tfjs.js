// Writes tfjs layers models of layers' configs and plain numbers: the shortest way to a model of any layers.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A sequential model's topology; layers are [class_name, config]. */
export const sequential = (shape, layers) => ({
  class_name: 'Sequential',
  config: {
    name: 'net',
    layers: layers.map(([class_name, config], i) => ({
      class_name,
      config: {
        name: class_name.toLowerCase(),
        ...(i === 0 ? { batch_input_shape: [null, ...shape] } : {}),
        ...config,
      },
    })),
  },
});

/** A functional model's topology; layers are [class_name, config, inputs]. */
export const functional = (shape, layers, output) => ({
  class_name: 'Model',
  config: {
    name: 'net',
    layers: [
      {
        class_name: 'InputLayer',
        name: 'image',
        config: { name: 'image', batch_input_shape: [null, ...shape] },
        inbound_nodes: [],
      },
      ...layers.map(([class_name, config, ...calls]) => ({
        class_name,
        name: config.name,
        config,
        inbound_nodes: calls.map((inputs) => inputs.map((input) => [...[input].flat(), 0, 0, {}].slice(0, 4))),
      })),
    ],
    input_layers: [['image', 0, 0]],
    output_layers: [[output, 0, 0]],
  },
});

/** Writes a model.json and one shard; weights are { name: { shape, data } }. @returns the path of model.json */
export function writeTfjs(folder, modelTopology, weights = {}, change = (json) => json) {
  mkdirSync(folder, { recursive: true });
  const entries = Object.entries(weights);
  const parts = entries.map(([, { data }]) => Buffer.from(Float32Array.from(data).buffer));
  writeFileSync(join(folder, 'weights.bin'), Buffer.concat(parts));
  const manifest = [
    { paths: ['weights.bin'], weights: entries.map(([name, { shape }]) => ({ name, shape, dtype: 'float32' })) },
  ];
  const path = join(folder, 'model.json');
  writeFileSync(path, JSON.stringify(change({ format: 'layers-model', modelTopology, weightsManifest: manifest })));
  return path;
}
