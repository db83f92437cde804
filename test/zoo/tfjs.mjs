// Full-size networks in tfjs' layers with random weights, and what tfjs says of them: see zoo.test.js.
//
//     node test/zoo/tfjs.mjs --list | CASE FOLDER
//
// All filters are there; pictures are the smallest that the networks take, and VGG16 has a pooled head, since tfjs computes
// in plain JavaScript here.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';

import { inceptionv3, mobilenetv2, resnet50, vgg16 } from '../fixtures/models/tfjs_networks.mjs';
import { make } from '../fixtures/models/tfjs_reference.mjs';

const cases = {
  vgg16: { network: vgg16, size: 32, quantization: 'float16' },
  resnet50: { network: resnet50, size: 64 },
  inceptionv3: { network: inceptionv3, size: 107 },
  mobilenetv2: { network: mobilenetv2, size: 64, quantization: 'uint8' },
};

const [name, folder] = process.argv.slice(2);
if (name === '--list') {
  console.log(Object.keys(cases).join('\n'));
} else {
  await tf.setBackend('cpu');
  const { network, size, ...options } = cases[name];
  const build = () => network({ size, classes: 1000, width: (filters) => filters, pooled: true });
  const io = join(folder, 'io.safetensors');
  // Of millions of activations some lie at a kink, as near as single precision rounds: both sides compute in double.
  await make(build, folder, io, { count: 2, size, seed: 50, mapSize: 14, attempts: 4, precise: true, ...options });
  writeFileSync(join(folder, 'case.json'), JSON.stringify({ model: 'model.json', options: { dtype: 'float64' } }));
}
