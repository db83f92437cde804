// Ends in the middle of native work, in the way its argument names.
import { Worker } from 'node:worker_threads';
import { Generator, Tensor } from '../../../dist/index.js';
import { smallCnn, someImages } from '../small-cnn.js';

const cnn = await smallCnn();
const images = someImages(64);
const work = Array.from({ length: 20 }, () => cnn.explain(images));
// Whoever ends has no use for the results.
for (const promise of work) promise.catch(() => {});
await work[0];

const ways = {
  exit: () => process.exit(7),
  throw: () => {
    throw new Error('thrown in mid-work');
  },
  // Seconds of convolutions are under way in one call when the process ends.
  async generator() {
    const generator = await Generator.create({ conditions: 2 }, { device: 'cpu' });
    const maps = (channels) => Tensor.from(new Float32Array(16 * channels * 64 * 64), [16, channels, 64, 64]);
    generator.explain(maps(3), maps(2)).catch(() => {});
    setTimeout(() => process.exit(7), 200);
    await new Promise(() => {});
  },
  dispose: () => cnn.dispose(),
  abandon: () => undefined,
  async terminate() {
    const worker = new Worker(new URL('worker.js', import.meta.url), { workerData: { forever: true } });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
    await cnn.explain(images);
    console.log('still works');
  },
};
await ways[process.argv[2]]();
