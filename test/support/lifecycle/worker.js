// Explains in a worker: once, sending the averages, or (`forever`) until it is terminated.
import { parentPort, workerData } from 'node:worker_threads';
import { disposeAll, smallCnn, someImages } from '../small-cnn.js';

const cnn = await smallCnn();
const images = someImages(4);
if (workerData.forever) {
  parentPort.postMessage('started');
  for (;;) disposeAll(await cnn.explain(images));
}
const { cumulative } = await cnn.explain(images);
parentPort.postMessage(await cumulative.data());
