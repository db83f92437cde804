// What is common to the tests of scores: linear networks whose answers are known, methods made of a function.
import { Cnn, CnnBuilder, Tensor } from '../../dist/index.js';
import { f32, f64 } from './arrays.js';

export const classes = (indices) => Tensor.from(BigInt64Array.from(indices, BigInt), [indices.length]);
export const values = async (tensor) => Array.from(await tensor.data());
export const sum = (list) => list.reduce((a, b) => a + b, 0);
export const sigmoid = (x) => 1 / (1 + Math.exp(-x));

const made = [];
export const disposeMade = () => made.splice(0).forEach((cnn) => cnn.dispose());

/** logits = weights·x + bias of x flattened, [C, H, W]: rows of weights, a class a row. */
export async function linearCnn([channels, height, width], weights, bias, preprocessing = {}) {
  const net = new CnnBuilder({ channels, height, width });
  const output = net.add('linear', net.add('flatten', net.input), { units: weights.length });
  const cnn = await Cnn.create({ ...net.build(output), preprocessing }, { device: 'cpu', dtype: 'float64' });
  await cnn.loadStateDict({
    'linear_1.weight': f64(weights.flat(), [weights.length, weights[0].length]),
    'linear_1.bias': f64(bias, [bias.length]),
  });
  made.push(cnn);
  return cnn;
}

/** A method that answers a request with `explain`. */
export const methodOf = (explain) => ({ name: 'm', label: 'm', kind: 'baseline', source: '', settings: {}, explain });
/** The images' first channel. */
export const firstChannel = methodOf(async ({ images }) => {
  const [n, channels, height, width] = images.shape;
  const pixels = height * width;
  const all = await images.data();
  const first = Array.from(
    { length: n * pixels },
    (_, i) => all[Math.floor(i / pixels) * channels * pixels + (i % pixels)],
  );
  return f32(first, [n, 1, height, width]);
});
