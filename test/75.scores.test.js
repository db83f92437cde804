// Every score of METHOD §9 against its statement in NumPy, SciPy and scikit-image (fixtures/make_scores.py).
import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { Cnn, CnnBuilder, createScorer, Tensor } from '../dist/index.js';
import { native } from '../dist/native.js';
import { error, f32, f64 } from './support/arrays.js';

const fixture = JSON.parse(readFileSync(new URL('fixtures/scores.json', import.meta.url), 'utf8'));
const [N, C, H, W] = fixture.shape;
const { seed, first, steps, draws, noise, radius } = fixture.settings;

const images = Tensor.from(Uint8Array.from(fixture.images), [N, C, H, W]);
const maps = f32(fixture.maps, [N, 1, H, W]);
const others = f32(fixture.others, [N, 1, H, W]);
const target = Tensor.from(BigInt64Array.from(fixture.target, BigInt), [N]);

/** The fixture's network. */
async function makeCnn(dtype) {
  const net = new CnnBuilder({ channels: C, height: H, width: W });
  let x = net.add('relu', net.add('conv2d', net.input, { filters: 5, kernel: 3, padding: 'same' }));
  x = net.add('conv2d', x, { filters: 6, kernel: 3, stride: 2, padding: 'valid' });
  x = net.add('linear', net.add('globalAvgPool2d', x), { units: 4 });
  const cnn = await Cnn.create({ ...net.build(x), preprocessing: fixture.preprocessing }, { device: 'cpu', dtype });
  const weights = Object.entries(fixture.weights).map(([name, { shape, data }]) => [name, f64(data, shape)]);
  await cnn.loadStateDict(Object.fromEntries(weights));
  return cnn;
}

describe('Scores against NumPy, SciPy and scikit-image', () => {
  const cnns = {};
  before(async () => {
    for (const dtype of ['float64', 'float32']) cnns[dtype] = await makeCnn(dtype);
  });
  after(() => Object.values(cnns).forEach((cnn) => cnn.dispose()));

  const score = (names, settings = {}, dtype = 'float64') =>
    createScorer(names, settings).score({ cnn: cnns[dtype], images, target, maps, seed, first });

  async function expectScore(scored, name, tolerance = 1e-9) {
    expect(scored.values[name]).to.have.length(N);
    expect(await error(scored.values[name], fixture[name]), name).to.be.below(tolerance);
  }

  it('the network is the same, in both precisions', async () => {
    for (const [dtype, tolerance] of Object.entries({ float64: 1e-12, float32: 1e-5 })) {
      const { logits } = await cnns[dtype].predict(images);
      expect(await error(logits, fixture.logits.flat()), dtype).to.be.below(tolerance);
    }
  });

  it('average drop, increase and gain', async () => {
    const scored = await score(['avgDrop', 'avgIncrease', 'avgGain']);
    for (const name of ['avgDrop', 'avgIncrease', 'avgGain']) await expectScore(scored, name);
    expect(
      fixture.avgGain.some((gain) => gain > 1),
      'the fixture has a gain',
    ).to.equal(true);
    expect(scored.undefined).to.deep.equal({ avgDrop: [false, false, false], avgGain: [false, false, false] });
  });

  it('x⊙E as an image', async () => {
    const masked = await native.maskImages(cnns.float64.native, images, maps);
    expect(await error(masked, fixture.maskedImages)).to.be.below(1e-6);
  });

  for (const baseline of ['zero', 'mean', 'blur', 'noise']) {
    it(`deletion and insertion with the baseline ${baseline}`, async () => {
      const scored = await score(['deletion', 'insertion'], {
        steps,
        deletionBaseline: baseline,
        insertionBaseline: baseline,
      });
      for (const name of ['deletion', 'insertion']) {
        const { areas, curves } = fixture[name][baseline];
        expect(await error(scored.values[name], areas), name).to.be.below(1e-9);
        expect(scored.curves[name]).to.have.length(N);
        expect(await error(scored.curves[name].flat(), curves.flat()), `${name}'s curves`).to.be.below(1e-9);
      }
    });
  }

  it('imputed pixels, against a direct sparse solver', async () => {
    const missing = Tensor.from(Uint8Array.from(fixture.missing), [N, 1, H, W]);
    const values = fixture.images.map((byte) => byte / 255);
    for (const make of [f32, f64]) {
      const filled = await native.imputeMissing(make(values, [N, C, H, W]), missing);
      // The residual is below 1e-4 of the right side; the values are then this near.
      expect(await error(filled, fixture.imputed), filled.dtype).to.be.below(5e-4);
    }
  });

  it('ROAD', async () => {
    for (const dtype of ['float64', 'float32']) {
      const scored = await score(['road'], { roadNoise: noise }, dtype);
      scored.values.road.forEach((value, i) => expect(value, dtype).to.be.closeTo(fixture.road[i], 2e-5));
    }
  });

  it('infidelity', async () => {
    await expectScore(await score(['infidelity'], { infidelityDraws: draws }), 'infidelity');
  });

  it('complexity and sparseness', async () => {
    const scored = await score(['complexity', 'sparseness']);
    await expectScore(scored, 'complexity');
    await expectScore(scored, 'sparseness');
  });

  it("the overlap with a mask behind Otsu's threshold", async () => {
    const { iou } = await native.otsuOverlap(maps, f32(fixture.masks, [N, 1, H, W]));
    expect(await error(iou, fixture.iou)).to.be.below(1e-12);
    // The threshold itself shows where a map is compared with itself cut at it.
    const cut = fixture.maps.map((value, i) => (value >= fixture.otsu[Math.floor(i / (H * W))] ? 1 : 0));
    const exact = await native.otsuOverlap(maps, f32(cut, [N, 1, H, W]));
    expect(Array.from(await exact.iou.data())).to.deep.equal([1, 1, 1]);
  });

  it('correlation and change of two maps', async () => {
    const { pearson } = await native.correlateMaps(maps, others);
    expect(await error(pearson, fixture.pearson)).to.be.below(1e-9);
    const { change } = await native.mapChange(maps, others);
    expect(await error(change, fixture.change)).to.be.below(1e-7);
  });

  it('the noise of a draw', async () => {
    const shaken = await native.shakeImages(images, { seed, first, draw: 2, radius });
    expect(shaken.dtype).to.equal('float32');
    expect(await error(shaken, fixture.shaken)).to.be.below(2e-6);
  });
});
