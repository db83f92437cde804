// Evaluates what its argument says, and prints the most bytes that tensors held meanwhile, those that they hold after, and the images.
// A process of its own: in the tests', tensors of other tests come and go.
import { evaluate, memory } from '../../dist/index.js';

const before = memory().bytes;
let most = 0;
const onProgress = () => (most = Math.max(most, memory().bytes - before));
const { results } = await evaluate({ ...JSON.parse(process.argv[2]), onProgress });
console.log(JSON.stringify({ most, left: memory().bytes - before, images: results.samples }));
