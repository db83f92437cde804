// Methods where the answer is known: linear models, a net computed by hand, the rule of each activation.
import { expect } from 'chai';
import fc from 'fast-check';

import { Cnn, CnnBuilder, createMethod, readSafetensors, Tensor } from '../dist/index.js';
import { native } from '../dist/native.js';
import { f32, f64, taken, uniform } from './support/arrays.js';

const { attribution } = native;
const classes = (...list) => Tensor.from(BigInt64Array.from(list, BigInt), [list.length]);
const values = async (tensor) => [...(await tensor.data())];
/** A method's own values, not normalised. */
async function raw(method, cnn, images, target, settings, batchSize = 0) {
  const subject = { cnn: cnn.native, images, target, batchSize };
  return [...(await taken(await attribution[method](subject, { ...settings, raw: true })))];
}
function expectClose(actual, expected, tolerance = 1e-9) {
  expect(actual).to.have.length(expected.length);
  actual.forEach((value, i) => expect(value, `value ${i}`).to.be.closeTo(expected[i], tolerance));
}

/** s = Σ w·x for class 0 and −Σ w·x for class 1, of gray pictures. */
async function linearModel(height, width, weights) {
  const net = new CnnBuilder({ channels: 1, height, width });
  const out = net.add('linear', net.add('flatten', net.input), { units: 2, bias: false }, 'out');
  const cnn = await Cnn.create(net.build(out), { device: 'cpu', dtype: 'float64' });
  await cnn.loadStateDict({ 'out.weight': f64([...weights, ...weights.map((w) => -w)], [2, weights.length]) });
  return cnn;
}

describe('Methods on a linear model', () => {
  const weights = [1, -2, 0.5, 3, -1, 2];
  const pixels = [0.25, 0.5, 1, 0.75, 0, 0.5];
  const products = weights.map((w, i) => w * pixels[i]);
  const image = f64(pixels, [1, 1, 2, 3]);
  const target = classes(0);
  let cnn;
  before(async () => (cnn = await linearModel(2, 3, weights)));

  it('integrated gradients give w·(x − b), however many steps', async () => {
    const mean = pixels.reduce((a, b) => a + b) / 6;
    for (const steps of [1, 2, 9]) {
      const settings = { steps, reduction: 'net' };
      const zero = await raw('integratedGradients', cnn, image, target, { ...settings, baseline: 'zero' }, 4);
      expectClose(zero, products);
      const grey = await raw('integratedGradients', cnn, image, target, { ...settings, baseline: 'mean' });
      expectClose(
        grey,
        weights.map((w, i) => w * (pixels[i] - mean)),
      );
    }
  });

  it('the gradient is w, with and without noise, and the other class has its opposite', async () => {
    const settings = { samples: 3, noise: 0.5, seed: 1, first: 0 };
    expectClose(await raw('saliency', cnn, image, target, { reduction: 'net' }), weights);
    expectClose(await raw('smoothGrad', cnn, image, target, { ...settings, reduction: 'net' }), weights);
    expectClose(await raw('saliency', cnn, image, classes(1), { reduction: 'max' }), weights.map(Math.abs));
    expectClose(
      await raw('guidedBackprop', cnn, image, classes(1), { reduction: 'net' }),
      weights.map((w) => -w),
    );
  });

  it('occlusion pixel by pixel gives w·x', async () => {
    const settings = { window: 1, stride: 1, baseline: 'zero', score: 'logit' };
    expectClose(await raw('occlusion', cnn, image, target, { ...settings, positive: false }, 4), products);
    const positive = await raw('occlusion', cnn, image, target, { ...settings, positive: true });
    expectClose(
      positive,
      products.map((p) => Math.max(0, p)),
    );
    // Black is what is there.
    expectClose(
      await raw('occlusion', cnn, f64(new Array(6).fill(0), [1, 1, 2, 3]), target, { ...settings, positive: false }),
      [0, 0, 0, 0, 0, 0],
    );
  });

  it('occlusion holds every pixel, whatever the sizes: the mean fall over the windows that hold it', async () => {
    const sizes = fc.record({
      height: fc.integer({ min: 1, max: 9 }),
      width: fc.integer({ min: 1, max: 9 }),
      rows: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), async ({ height, width, rows }, a, b) => {
        const window = 1 + (a % Math.min(height, width));
        const stride = 1 + (b % window);
        const w = uniform(a, height * width);
        const model = await linearModel(height, width, w);
        const x = uniform(b, height * width, 0, 1);
        const starts = (size) => {
          const list = [];
          for (let start = 0; start + window < size; start += stride) list.push(start);
          return [...list, size - window];
        };
        const [sum, times] = [new Array(w.length).fill(0), new Array(w.length).fill(0)];
        for (const top of starts(height)) {
          for (const left of starts(width)) {
            const inside = w.map((_, i) => {
              const [y, column] = [Math.floor(i / width), i % width];
              return y >= top && y < top + window && column >= left && column < left + window;
            });
            const fall = w.reduce((total, weight, i) => total + (inside[i] ? weight * x[i] : 0), 0);
            inside.forEach((is, i) => {
              sum[i] += is ? fall : 0;
              times[i] += is ? 1 : 0;
            });
          }
        }
        const settings = { window, stride, baseline: 'zero', score: 'logit', positive: false };
        const got = await raw('occlusion', model, f64(x, [1, 1, height, width]), classes(0), settings, rows);
        expectClose(
          got,
          sum.map((total, i) => total / times[i]),
        );
        model.dispose();
      }),
      { numRuns: 40 },
    );
  });

  it('RISE with masks that keep all is the score everywhere, which makes no map', async () => {
    const settings = { masks: 5, grid: 2, keep: 1, baseline: 'zero', score: 'logit', seed: 0 };
    const score = products.reduce((a, b) => a + b);
    expectClose(await raw('rise', cnn, image, target, settings), new Array(6).fill(score));
    const { masks, grid, keep, baseline } = settings;
    const maps = await createMethod('rise', { masks, grid, keep, baseline }).explain({
      cnn,
      images: image,
      target,
      seed: 0,
      first: 0,
    });
    expect(await values(maps)).to.deep.equal([0, 0, 0, 0, 0, 0]);
  });
});

describe('Integrated gradients', () => {
  it('sum to the score’s difference from the baseline’s', async () => {
    const cnn = await Cnn.load('test/fixtures/methods.weights.safetensors', { device: 'cpu', dtype: 'float64' });
    const { tensors: io } = await readSafetensors('test/fixtures/methods.io.safetensors');
    const unit = Array.from(await io.images.data(), (byte) => byte / 255);
    const target = await values(io.target);
    const scores = async (pixels) => {
      const logits = await values((await cnn.predict(f64(pixels, [3, 3, 20, 16]))).logits);
      return target.map((label, n) => logits[5 * n + Number(label)]);
    };
    const means = Array.from({ length: 9 }, (_, c) => unit.slice(c * 320, (c + 1) * 320).reduce((a, b) => a + b) / 320);
    const baselines = { zero: unit.map(() => 0), mean: unit.map((_, i) => means[Math.floor(i / 320)]) };
    const whole = await scores(unit);
    for (const [baseline, pixels] of Object.entries(baselines)) {
      const empty = await scores(pixels);
      const settings = { steps: 3200, baseline, reduction: 'net' };
      const map = await raw('integratedGradients', cnn, io.images, io.target, settings);
      for (let n = 0; n < 3; n++) {
        const total = map.slice(320 * n, 320 * (n + 1)).reduce((a, b) => a + b);
        const difference = whole[n] - empty[n];
        expect(Math.abs(difference), 'a difference to explain').to.be.above(0.02);
        expect(total, `${baseline}, image ${n}`).to.be.closeTo(difference, 3e-4);
      }
    }
  });
});

describe('Guided backpropagation', () => {
  it('by hand: negative gradients end at each relu on the way', async () => {
    // h = relu([x, 2.5 − x]), z = relu([h1 − h2, h2 − h1]), logit0 = mean z1 − mean z2.
    const net = new CnnBuilder({ channels: 1, height: 2, width: 2 });
    const h = net.add('relu', net.add('conv2d', net.input, { filters: 2, kernel: 1 }, 'first'));
    const z = net.add('relu', net.add('conv2d', h, { filters: 2, kernel: 1, bias: false }, 'second'));
    const out = net.add('linear', net.add('globalAvgPool2d', z), { units: 2, bias: false }, 'out');
    const cnn = await Cnn.create(net.build(out), { device: 'cpu', dtype: 'float64' });
    await cnn.loadStateDict({
      'first.weight': f64([1, -1], [2, 1, 1, 1]),
      'first.bias': f64([0, 2.5], [2]),
      'second.weight': f64([1, -1, -1, 1], [2, 2, 1, 1]),
      'out.weight': f64([1, -1, -1, 1], [2, 2]),
    });
    const image = f64([1, 2, 3, 4], [1, 1, 2, 2]);
    expectClose(await raw('saliency', cnn, image, classes(0), { reduction: 'net' }), [0.5, 0.5, 0.25, 0.25]);
    expectClose(await raw('guidedBackprop', cnn, image, classes(0), { reduction: 'net' }), [0, 0.25, 0.25, 0.25]);
    // Grad-CAM at the second convolution: A = [h1 − h2, h2 − h1] with mean gradients 3/16 and −1/16 of class 0: relu(A1·3/16 − A2/16).
    const cam = [-0.5, 1.5, 3, 4].map((a) => Math.max(0, a * (3 / 16) + a / 16));
    const top = Math.max(...cam);
    const product = await raw('guidedGradCam', cnn, image, classes(0), { reduction: 'net', tap: -1 });
    expectClose(
      product,
      [0, 0.25, 0.25, 0.25].map((g, i) => (g * cam[i]) / top),
    );
  });

  const rectifiers = {
    relu: {},
    relu6: {},
    leakyRelu: { slope: 0.2 },
    silu: {},
    hardSwish: {},
    gelu: {},
    elu: { alpha: 0.7 },
    selu: {},
    mish: {},
    softplus: {},
    prelu: {},
    clip: { min: 0, max: 2 },
  };
  const others = { sigmoid: {}, tanh: {}, hardSigmoid: {}, clip: { min: -1, max: 2 } };
  const points = [-4.1, -2.2, -0.6, 0.4, 1.3, 1.9, 3.2, 7.1];
  const signs = [1, 1, 1, 1, 1, -1, 1, 1];
  for (const [op, attrs, guided] of [
    ...Object.entries(rectifiers).map((entry) => [...entry, true]),
    ...Object.entries(others).map((entry) => [...entry, false]),
  ]) {
    it(`${op} ${JSON.stringify(attrs)} ${guided ? 'passes where gradient and output are positive' : 'has its ordinary gradient'}`, async () => {
      const nodes = [
        { name: 'wide', op: 'rescale', inputs: ['input'], attrs: { scale: 20, offset: -10 } },
        { name: 'op', op, inputs: ['wide'], attrs },
        { name: 'flat', op: 'flatten', inputs: ['op'] },
        { name: 'out', op: 'linear', inputs: ['flat'], attrs: { units: 1, bias: false } },
      ];
      const spec = { input: { channels: 1, height: 1, width: points.length }, nodes, output: 'out', taps: [] };
      const cnn = await Cnn.create(spec, { device: 'cpu', dtype: 'float64' });
      const { 'op.weight': slope } = await cnn.stateDict();
      await cnn.loadStateDict({
        ...(slope ? { 'op.weight': slope } : {}),
        'out.weight': f64(signs, [1, points.length]),
      });
      const at = (list) =>
        f64(
          list.map((x) => (x + 10) / 20),
          [1, 1, 1, points.length],
        );
      // The op's values and slopes at each point, by the network itself: all others stay.
      const score = async (list) => (await values((await cnn.predict(at(list))).logits))[0];
      const expected = [];
      for (const [i, x] of points.entries()) {
        const moved = (to) => score(points.map((point, j) => (j === i ? to : point)));
        const derivative = (signs[i] * ((await moved(x + 1e-5)) - (await moved(x - 1e-5)))) / 2e-5;
        const single = await Cnn.create(
          { ...spec, output: 'flat', nodes: nodes.slice(0, 3) },
          { device: 'cpu', dtype: 'float64' },
        );
        const output = (await values((await single.predict(at(points))).logits))[i];
        const passes = guided ? (signs[i] > 0 && output > 0 ? derivative : 0) : signs[i] * derivative;
        expected.push(20 * passes);
      }
      expectClose(await raw('guidedBackprop', cnn, at(points), classes(0), { reduction: 'net' }), expected, 1e-5);
    });
  }
});

describe('Score-CAM', () => {
  it('leaves out channels that mask nothing, and has no map where none does', async () => {
    const net = new CnnBuilder({ channels: 1, height: 2, width: 2 });
    const taps = net.add('conv2d', net.input, { filters: 2, kernel: 1 }, 'taps');
    const out = net.add('linear', net.add('globalAvgPool2d', taps), { units: 2, bias: false }, 'out');
    const cnn = await Cnn.create(net.build(out), { device: 'cpu' });
    const explain = async (weight) => {
      await cnn.loadStateDict({
        'taps.weight': f32(weight, [2, 1, 1, 1]),
        'taps.bias': f32([0, 9], [2]),
        'out.weight': f32([1, 1, 0, 0], [2, 2]),
      });
      const images = f32([0, 1, 2, 4], [1, 1, 2, 2]);
      return values(await createMethod('scorecam').explain({ cnn, images, target: classes(0), seed: 0, first: 0 }));
    };
    expectClose(await explain([1, 0]), [0, 0.25, 0.5, 1], 1e-6);
    expect(await explain([0, 0])).to.deep.equal([0, 0, 0, 0]);
  });
});

describe('Baselines of the image', () => {
  it('Sobel sees an edge, luminance the colours, and a gray network gets both', async () => {
    const cnn = await linearModel(3, 4, uniform(1, 12));
    const edge = f64([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1], [1, 1, 3, 4]);
    const ask = { cnn, images: edge, target: classes(0), seed: 0, first: 0 };
    expect(await values(await createMethod('sobel').explain(ask))).to.deep.equal([0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0]);
    expect(await values(await createMethod('luminance').explain(ask))).to.deep.equal(await values(edge));
    const colours = f64([1, 0, 0, 0, 1, 0, 0, 0, 1], [1, 3, 1, 3]);
    const subject = await attribution.imageBaseline(colours, { name: 'luminance', seed: 0, first: 0, device: 'cpu' });
    const [low, high] = [0.0722, 0.7152];
    expectClose(
      await values(subject),
      [0.2126, 0.7152, 0.0722].map((v) => (v - low) / (high - low)),
      1e-6,
    );
  });

  it('random maps are uniform, and independent from image to image', async () => {
    const [count, size] = [3, 100];
    const images = f32(new Array(count * size * size).fill(0), [count, 1, size, size]);
    const noise = await values(
      await attribution.imageBaseline(images, { name: 'random', seed: 1, first: 0, device: 'cpu' }),
    );
    const rows = [0, 1, 2].map((n) => noise.slice(n * size * size, (n + 1) * size * size));
    const mean = (list) => list.reduce((a, b) => a + b) / list.length;
    for (const row of rows) {
      expect(mean(row)).to.be.closeTo(0.5, 0.015);
      expect(mean(row.map((v) => (v - 0.5) ** 2))).to.be.closeTo(1 / 12, 0.005);
      const shifted = row.slice(1).map((v, i) => (v - 0.5) * (row[i] - 0.5));
      expect(mean(shifted)).to.be.closeTo(0, 0.004);
    }
    expect(mean(rows[0].map((v, i) => (v - 0.5) * (rows[1][i] - 0.5)))).to.be.closeTo(0, 0.004);
  });
});
