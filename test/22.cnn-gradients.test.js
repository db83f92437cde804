// Autograd of every op against central differences in float64.
import { expect } from 'chai';

import { Cnn } from '../dist/index.js';
import { error, f32, f64, product, uniform } from './support/arrays.js';

const STEP = 1e-5;
const node = (op, attrs = {}, inputs = ['input'], name = 'op') => ({ name, op, attrs, inputs });
const flat = node('flatten', {}, ['input'], 'flat');
const gate = node('globalAvgPool2d', { keepDims: true }, ['input'], 'gate');

const bent = node('silu', {}, ['input'], 'bent');
const wide = node('rescale', { scale: 8, offset: -3 }, ['input'], 'wide');

const cases = {
  conv2d: [node('conv2d', { filters: 4, kernel: 3, padding: 'same', stride: 2 })],
  'conv2d of every other pixel': [node('conv2d', { filters: 4, kernel: 1, stride: [2, 3] })],
  'conv2d uneven, dilated': [node('conv2d', { filters: 2, kernel: [2, 3], padding: [0, 1, 2, 0], dilation: [1, 2] })],
  'conv2d depthwise': [node('conv2d', { filters: 4, kernel: 3, groups: 2 })],
  batchNorm: [node('batchNorm')],
  'batchNorm in training': [node('batchNorm')],
  relu: [node('relu')],
  relu6: [node('rescale', { scale: 8 }, ['input'], 'wide'), node('relu6', {}, ['wide'])],
  leakyRelu: [node('leakyRelu', { slope: 0.2 })],
  silu: [node('silu')],
  sigmoid: [node('sigmoid')],
  hardSigmoid: [node('rescale', { scale: 5 }, ['input'], 'wide'), node('hardSigmoid', {}, ['wide'])],
  hardSwish: [node('rescale', { scale: 5 }, ['input'], 'wide'), node('hardSwish', {}, ['wide'])],
  softmax: [node('softmax')],
  maxPool2d: [node('maxPool2d', { kernel: 2, stride: 1, padding: 'same' })],
  avgPool2d: [node('avgPool2d', { kernel: 3, stride: 2, padding: [1, 1, 1, 1] })],
  'avgPool2d of the same rule': [node('avgPool2d', { kernel: 2, stride: 1, padding: 'same' })],
  globalMaxPool2d: [node('globalMaxPool2d')],
  globalAvgPool2d: [node('globalAvgPool2d')],
  linear: [flat, node('linear', { units: 3 }, ['flat'])],
  'flatten hwc': [bent, node('flatten', { order: 'hwc' }, ['bent'])],
  add: [bent, node('add', {}, ['input', 'bent'])],
  multiply: [node('multiply', {}, ['input', 'input'])],
  'multiply by a gate': [gate, node('multiply', {}, ['input', 'gate'])],
  concat: [bent, node('concat', {}, ['bent', 'input', 'bent'])],
  dropout: [node('dropout', { rate: 0.5 })],
  zeroPad2d: [node('zeroPad2d', { padding: [1, 2, 0, 1] })],
  rescale: [node('rescale', { scale: [2, -3], offset: [1, 0.5] })],
  gelu: [node('gelu')],
  'gelu by tanh': [node('gelu', { approximate: 'tanh' })],
  tanh: [node('tanh')],
  erf: [node('erf')],
  elu: [wide, node('elu', { alpha: 0.5 }, ['wide'])],
  selu: [wide, node('selu', {}, ['wide'])],
  mish: [wide, node('mish', {}, ['wide'])],
  softplus: [wide, node('softplus', {}, ['wide'])],
  prelu: [wide, node('prelu', {}, ['wide'])],
  clip: [wide, node('clip', { min: -2, max: 1 }, ['wide'])],
  'linear over channels': [node('linear', { units: 3 })],
  layerNorm: [node('linear', { units: 6 }, ['input'], 'six'), node('layerNorm', { epsilon: 0.1 }, ['six'])],
  groupNorm: [node('groupNorm', { groups: 1 })],
  localResponseNorm: [node('localResponseNorm', { size: 2, alpha: 0.7 })],
  adaptiveMaxPool2d: [node('adaptiveMaxPool2d', { size: [3, 2] })],
  adaptiveAvgPool2d: [node('adaptiveAvgPool2d', { size: [3, 7] })],
  subtract: [bent, node('subtract', {}, ['input', 'bent'])],
  divide: [bent, node('rescale', { offset: 2 }, ['bent'], 'positive'), node('divide', {}, ['input', 'positive'])],
  average: [bent, node('average', {}, ['input', 'bent', 'input'])],
  maximum: [bent, node('maximum', {}, ['input', 'bent'])],
  minimum: [bent, node('minimum', {}, ['input', 'bent'])],
  slice: [bent, node('slice', { begin: 1, end: 2 }, ['bent'])],
  channelShuffle: [bent, node('channelShuffle', { groups: 2 }, ['bent'])],
  'reshape hwc': [bent, node('reshape', { shape: [5, 4, 2], order: 'hwc' }, ['bent'])],
  crop2d: [node('crop2d', { padding: [1, 0, 1, 2] })],
  'upsample2d bilinear': [node('upsample2d', { scale: 2, mode: 'bilinear' })],
  'upsample2d bilinearFromCorners': [node('upsample2d', { scale: [2, 3], mode: 'bilinearFromCorners' })],
  'upsample2d nearest': [node('upsample2d', { scale: [1, 3] })],
};

const shape = [3, 2, 4, 5];

async function build(nodes) {
  const last = { name: 'logits', op: 'flatten', inputs: [nodes.at(-1).name] };
  const [, channels, height, width] = shape;
  const spec = { input: { channels, height, width }, nodes: [...nodes, last], output: 'logits', taps: [] };
  return Cnn.create(spec, { device: 'cpu', dtype: 'float64', seed: 5 });
}

for (const [name, nodes] of Object.entries(cases)) {
  describe(`The gradient of ${name}`, () => {
    const training = name.endsWith('in training');
    const values = uniform(7, product(shape));
    let cnn;
    let weights;
    let gradients;
    const score = async (images) => {
      const { logits } = await cnn.gradients(f64(images, shape), f64(weights, [3, weights.length / 3]), { training });
      return (await logits.data()).reduce((sum, value, i) => sum + value * weights[i], 0);
    };

    before(async () => {
      cnn = await build(nodes);
      weights = uniform(11, 3 * cnn.classes);
      // Biases and norms begin at constants, which would hide a mistake.
      const state = Object.entries(await cnn.stateDict()).map(([key, tensor], i) => {
        const range = key.endsWith('running_var') ? [0.5, 2] : [-1, 1];
        return [key, f64(uniform(100 + i, product(tensor.shape), ...range), tensor.shape)];
      });
      await cnn.loadStateDict(Object.fromEntries(state));
      gradients = await cnn.gradients(f64(values, shape), f64(weights, [3, cnn.classes]), { training });
    });

    it('with respect to the images', async () => {
      const analytic = await gradients.images.data();
      for (let i = 0; i < values.length; i++) {
        const moved = (by) => values.map((value, j) => (i === j ? value + by : value));
        const numeric = ((await score(moved(STEP))) - (await score(moved(-STEP)))) / (2 * STEP);
        expect(analytic[i]).to.be.closeTo(numeric, 1e-7 * (1 + Math.abs(numeric)));
      }
    });

    it('with respect to every parameter', async () => {
      const state = Object.fromEntries(
        await Promise.all(
          Object.entries(await cnn.stateDict()).map(async ([key, tensor]) => [
            key,
            { shape: tensor.shape, data: await tensor.data() },
          ]),
        ),
      );
      const load = (changed, data) =>
        cnn.loadStateDict(
          Object.fromEntries(
            Object.entries(state).map(([key, item]) => [key, f64(key === changed ? data : item.data, item.shape)]),
          ),
        );
      for (const [key, tensor] of Object.entries(gradients.parameters)) {
        const analytic = await tensor.data();
        for (let i = 0; i < analytic.length; i++) {
          const at = async (by) => {
            await load(
              key,
              state[key].data.map((value, j) => (i === j ? value + by : value)),
            );
            return score(values);
          };
          const numeric = ((await at(STEP)) - (await at(-STEP))) / (2 * STEP);
          expect(analytic[i], `${key}[${i}]`).to.be.closeTo(numeric, 1e-7 * (1 + Math.abs(numeric)));
        }
      }
      await load();
    });
  });
}

describe('The gradient of a 1×1 convolution that skips pixels', () => {
  // oneDNN's own of few channels wrote beyond its scratch memory: gradients differed from call to call, and the process could end.
  it("is float64's in float32, to the bit at every call, whatever the channels", async () => {
    const [count, side] = [8, 16];
    for (const channels of [2, 4, 6, 7, 12, 15, 16, 24]) {
      const spec = {
        input: { channels, height: side, width: side },
        nodes: [
          node('conv2d', { filters: 10, kernel: 1, stride: 2, bias: false }),
          { name: 'logits', op: 'globalAvgPool2d', inputs: ['op'] },
        ],
        output: 'logits',
        taps: [],
      };
      const images = uniform(3, count * channels * side * side).map(Math.fround);
      const weights = uniform(4, count * 10).map(Math.fround);
      const gradientOf = async (dtype, make) => {
        const cnn = await Cnn.create(spec, { device: 'cpu', dtype, seed: 5 });
        const { parameters } = await cnn.gradients(
          make(images, [count, channels, side, side]),
          make(weights, [count, 10]),
        );
        return parameters['op.weight'].data();
      };
      const exact = await gradientOf('float64', f64);
      const first = await gradientOf('float32', f32);
      expect(await error(first, exact), `${channels} channels`).to.be.below(1e-5);
      for (let call = 0; call < 5; call++) expect(await gradientOf('float32', f32)).to.deep.equal(first);
    }
  });
});
