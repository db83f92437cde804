// Prints resident memory after 50 and after 500 explanations, and how many tensors live at the end.
import { memory } from '../../../dist/index.js';
import { disposeAll, smallCnn, someImages } from '../small-cnn.js';

const cnn = await smallCnn();
const images = someImages(8);
const before = memory().tensors;
const rss = {};
for (let call = 1; call <= 500; call += 1) {
  disposeAll(await cnn.explain(images));
  if (call === 50 || call === 500) {
    globalThis.gc();
    rss[call] = process.memoryUsage.rss();
  }
}
console.log(JSON.stringify({ rss, before, after: memory().tensors }));
