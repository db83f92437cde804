// Every map method: by hand on a two-layer net, and against plain loops over the formulas.
import { expect } from 'chai';
import fc from 'fast-check';

import { Cnn, CnnBuilder, MAP_METHODS } from '../dist/index.js';
import { error, f32, f64, uniform } from './support/arrays.js';

const values = async (tensor) => [...(await tensor.data())];

describe('Maps of a net computed by hand', () => {
  // A1 = [x, −x], A2 = 2·A1[0] − A1[1] = 3x, logits = [mean A2, −mean A2]: ∂logit0/∂A2 = 1/4, ∂logit0/∂A1 = [1/2, −1/4].
  let cnn;
  const image = f32([1, 2, 3, 4], [1, 1, 2, 2]);
  const explain = (method, target) => cnn.explain(image, { method, target, conditions: 0 });

  before(async () => {
    const net = new CnnBuilder({ channels: 1, height: 2, width: 2 });
    const first = net.add('conv2d', net.input, { filters: 2, kernel: 1, bias: false }, 'first');
    const second = net.add('conv2d', first, { filters: 1, kernel: 1, bias: false }, 'second');
    const out = net.add('linear', net.add('globalAvgPool2d', second), { units: 2, bias: false }, 'out');
    cnn = await Cnn.create(net.build(out), { device: 'cpu' });
    await cnn.loadStateDict({
      'first.weight': f32([1, -1], [2, 1, 1, 1]),
      'second.weight': f32([2, -1], [1, 2, 1, 1]),
      'out.weight': f32([1, -1], [2, 1]),
    });
  });

  const ramp = [0, 1 / 3, 2 / 3, 1];
  const none = [0, 0, 0, 0];
  // [class 0 at the first tap, at the second], then class 1.
  const expected = {
    gradcam: [ramp, ramp, none, none],
    // Of the first tap's channels one is negative and the other has a negative gradient for class 1.
    'guided-gradcam-weights': [ramp, ramp, none, none],
    hirescam: [ramp, ramp, none, none],
    layercam: [ramp, ramp, none, none],
    xgradcam: [ramp, ramp, none, none],
    // The projection on the only direction, centred: relu of (x − 2.5)·const.
    eigencam: [
      [0, 0, 1 / 3, 1],
      [0, 0, 1 / 3, 1],
      [0, 0, 1 / 3, 1],
      [0, 0, 1 / 3, 1],
    ],
  };
  for (const [method, maps] of Object.entries(expected)) {
    it(method, async () => {
      for (const target of [0, 1]) {
        const got = await values((await explain(method, target)).maps);
        const wanted = [...maps[2 * target], ...maps[2 * target + 1]];
        got.forEach((value, i) => expect(value, `class ${target}, value ${i}`).to.be.closeTo(wanted[i], 1e-5));
      }
    });
  }

  it('logits, classes and the target map', async () => {
    const result = await cnn.explain(image, { conditions: 0 });
    expect(await values(result.logits)).to.deep.equal([7.5, -7.5]);
    expect([result.predicted, result.targetClass]).to.deep.equal([[0], [0]]);
    expect(result.targetMap.shape).to.deep.equal([1, 1, 2, 2]);
    (await values(result.targetMap)).forEach((value, i) => expect(value).to.be.closeTo(ramp[i], 1e-6));
    expect('cumulative' in result).to.equal(false);
  });
});

const C = 3;
const [H, W] = [4, 5];

/** METHOD §1 in plain loops: A and g are arrays of C channels of H·W values. */
const formulas = {
  gradcam: (A, g) => relu(combine(A, g.map(mean))),
  'guided-gradcam-weights': (A, g) =>
    combine(
      A,
      g.map((gc, c) => mean(gc.map((v, i) => (A[c][i] > 0 && v > 0 ? v : 0)))),
    ),
  'gradcam++': (A, g) =>
    relu(
      combine(
        A,
        g.map((gc, c) =>
          sum(
            gc.map((v) => {
              const denominator = 2 * v ** 2 + sum(A[c]) * v ** 3 + 1e-6;
              return v > 0 && Math.abs(denominator) > 1e-6 ? (v ** 2 / denominator) * v : 0;
            }),
          ),
        ),
      ),
    ),
  xgradcam: (A, g) =>
    relu(
      combine(
        A,
        g.map((gc, c) => sum(gc.map((v, i) => v * A[c][i])) / (sum(A[c]) + 1e-7)),
      ),
    ),
  hirescam: (A, g) => relu(A[0].map((_, i) => sum(A.map((Ac, c) => Ac[i] * g[c][i])))),
  layercam: (A, g) => relu(A[0].map((_, i) => sum(A.map((Ac, c) => Ac[i] * Math.max(g[c][i], 0))))),
  eigencam: (A) => {
    const centred = A.map((Ac) => Ac.map((v) => v - mean(Ac)));
    let v = [1, 0.7, 0.4];
    for (let k = 0; k < 3000; k++) {
      const projected = centred[0].map((_, i) => sum(centred.map((channel, c) => channel[i] * v[c])));
      v = centred.map((channel) => sum(channel.map((value, i) => value * projected[i])));
      const length = Math.hypot(...v);
      v = v.map((value) => value / length);
    }
    const sign = sum(A.map((Ac, c) => sum(Ac) * v[c])) < 0 ? -1 : 1;
    return relu(centred[0].map((_, i) => sign * sum(centred.map((channel, c) => channel[i] * v[c]))));
  },
};
const sum = (list) => list.reduce((a, b) => a + b, 0);
const mean = (list) => sum(list) / list.length;
const relu = (map) => map.map((v) => Math.max(v, 0));
const combine = (A, w) => A[0].map((_, i) => sum(A.map((Ac, c) => w[c] * Ac[i])));
function minMax(map) {
  const low = Math.min(...map);
  const high = Math.max(...map);
  return high - low <= 1e-6 * Math.max(...map.map(Math.abs))
    ? map.map(() => 0)
    : map.map((v) => (v - low) / (high - low));
}
/** Bilinear with half-pixel centres, edges repeated. */
function resize(map, height, width) {
  const at = (r, c) => map[Math.min(Math.max(r, 0), H - 1) * W + Math.min(Math.max(c, 0), W - 1)];
  return Array.from({ length: height * width }, (_, i) => {
    const y = Math.max(((Math.floor(i / width) + 0.5) * H) / height - 0.5, 0);
    const x = Math.max((((i % width) + 0.5) * W) / width - 0.5, 0);
    const [r, c] = [Math.floor(y), Math.floor(x)];
    const row = (k) => at(k, c) * (1 - (x - c)) + at(k, c + 1) * (x - c);
    return row(r) * (1 - (y - r)) + row(r + 1) * (y - r);
  });
}

describe('Map methods against plain loops', () => {
  // One 1×1 convolution to C channels, silu, mean, linear: A and ∂logit/∂A are known in closed form.
  const kernel = uniform(3, C * 2, -1, 1);
  const head = uniform(4, 2 * C, -1, 1);
  const images = [0, 1, 2].map((n) => uniform(20 + n, 2 * H * W, 0, 1));
  const sigmoid = (v) => 1 / (1 + Math.exp(-v));

  /** The tap and the gradient there of one image, for the convolution's own output or the activation. */
  function known(image, target, tapAt) {
    const conv = Array.from({ length: C }, (_, c) =>
      Array.from({ length: H * W }, (__, i) => kernel[2 * c] * image[i] + kernel[2 * c + 1] * image[H * W + i]),
    );
    if (tapAt === 'conv') {
      const slope = (v) => sigmoid(v) * (1 + v * (1 - sigmoid(v)));
      return [conv, conv.map((channel, c) => channel.map((v) => (head[target * C + c] * slope(v)) / (H * W)))];
    }
    const active = conv.map((channel) => channel.map((v) => v * sigmoid(v)));
    return [active, active.map((channel, c) => channel.map(() => head[target * C + c] / (H * W)))];
  }

  async function build(tapAt) {
    const net = new CnnBuilder({ channels: 2, height: H, width: W });
    const conv = net.add('conv2d', net.input, { filters: C, kernel: 1, bias: false }, 'conv');
    const pooled = net.add('globalAvgPool2d', net.add('silu', conv));
    const spec = net.build(net.add('linear', pooled, { units: 2, bias: false }, 'out'), { tapAt });
    const cnn = await Cnn.create(spec, { device: 'cpu', dtype: 'float64' });
    await cnn.loadStateDict({ 'conv.weight': f64(kernel, [C, 2, 1, 1]), 'out.weight': f64(head, [2, C]) });
    return cnn;
  }

  it('has a formula for every method', () => expect(Object.keys(formulas)).to.have.members([...MAP_METHODS]));

  for (const tapAt of ['conv', 'activation']) {
    for (const [method, formula] of Object.entries(formulas)) {
      it(`${method} at the ${tapAt}`, async () => {
        const cnn = await build(tapAt);
        const batch = f64(images.flat(), [3, 2, H, W]);
        const targets = [1, 0, 1];
        for (const [height, width] of [
          [H, W],
          [9, 7],
        ]) {
          const { maps } = await cnn.explain(batch, { method, target: targets, size: [height, width], conditions: 0 });
          const wanted = images.flatMap((image, n) => {
            const map = formula(...known(image, targets[n], tapAt));
            return minMax(resize(map, height, width));
          });
          expect(await error(maps, wanted)).to.be.below(1e-9);
        }
      });
    }
  }

  it('gives zeros, never NaN or stretched noise, where a map is constant', async () => {
    const cnn = await build('conv');
    const flat = f64(new Array(2 * H * W).fill(0.37), [1, 2, H, W]);
    for (const method of MAP_METHODS) {
      for (const target of [0, 1]) {
        const { maps } = await cnn.explain(flat, { method, target, size: 16, conditions: 0 });
        expect(
          (await values(maps)).every((v) => v === 0),
          method,
        ).to.equal(true);
      }
    }
  });
});

describe('A weight for each channel, in float32', () => {
  // Float32 on the CPU runs a kernel, float64 ATen's operators, which the plain loops above hold to.
  const weighted = ['gradcam', 'guided-gradcam-weights', 'gradcam++', 'xgradcam'];

  it('gives the maps that float64 gives, whatever the channels and the size (property)', async () => {
    const side = fc.integer({ min: 1, max: 40 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 80 }), side, side, fc.nat(), async (filters, height, width, seed) => {
        const net = new CnnBuilder({ channels: 2, height, width });
        const conv = net.add('conv2d', net.input, { filters, kernel: 1, bias: false }, 'conv');
        const pooled = net.add('globalAvgPool2d', net.add('silu', conv));
        const spec = net.build(net.add('linear', pooled, { units: 2, bias: false }, 'out'));
        // All positive, so that nothing cancels out and leaves rounding alone.
        const kernel = uniform(seed, 2 * filters, 0, 1);
        const head = uniform(seed + 1, 2 * filters, 0, 1);
        const image = uniform(seed + 2, 4 * height * width, 0, 1).map(Math.fround);
        const maps = {};
        for (const [dtype, make] of Object.entries({ float32: f32, float64: f64 })) {
          const cnn = await Cnn.create(spec, { device: 'cpu', dtype });
          await cnn.loadStateDict({
            'conv.weight': make(kernel.map(Math.fround), [filters, 2, 1, 1]),
            'out.weight': make(head.map(Math.fround), [2, filters]),
          });
          const images = make(image, [2, 2, height, width]);
          maps[dtype] = [];
          for (const method of weighted) {
            const options = { method, target: [0, 1], size: [height, width], conditions: 0, normalise: false };
            maps[dtype].push((await cnn.explain(images, options)).maps);
          }
          cnn.dispose();
        }
        for (const [i, method] of weighted.entries()) {
          expect(await error(maps.float32[i], maps.float64[i]), method).to.be.below(2e-5);
        }
      }),
      { numRuns: 40 },
    );
  });
});
