// Methods with something learned: trained generators and the linear baseline, with conditions taken anew at each request.
import { expect } from 'chai';

import { Cnn, CnnBuilder, Generator, generatorMethod, linearMethod, Tensor } from '../dist/index.js';
import { native } from '../dist/native.js';
import { error, f32, f64, rejection, uniform } from './support/arrays.js';
import { smallCnn, someImages } from './support/small-cnn.js';

const { attribution } = native;
const classes = (...list) => Tensor.from(BigInt64Array.from(list, BigInt), [list.length]);
const values = async (tensor) => [...(await tensor.data())];

describe('Methods with something learned', () => {
  const conditioning = {
    method: 'layercam',
    order: 'reverse',
    excludeTarget: false,
    targetTap: 'conv2d_1',
    targetMethod: 'gradcam',
    target: 'predicted',
    fit: 'crop',
    scale: 1,
    interpolation: 'bilinear',
  };
  const target = classes(2, 0);
  let cnn;
  let images;
  let generator;
  const generators = {};
  before(async () => {
    cnn = await smallCnn(32);
    images = someImages(2);
    conditioning.targetTap = cnn.taps.at(-1);
    const sizes = { conditions: 3, width: 4, conditionWidth: 4, conditionFeatures: 4 };
    for (const variant of ['lsft', 'gsft']) {
      const config = { variant, ...sizes, ...(variant === 'gsft' ? { blocks: 2 } : {}) };
      const made = await Generator.create(config, { device: 'cpu', seed: 2 });
      const origin = { size: 16, conditioning };
      generators[variant] = await Generator.from(made.config, await made.stateDict(), { device: 'cpu' }, origin);
      made.dispose();
    }
    generator = generators.lsft;
  });
  const ask = (more = {}) => ({ cnn, images, target, seed: 0, first: 0, ...more });
  const conditionsOf = async (network, pictures) =>
    (
      await network.explain(pictures, {
        method: 'layercam',
        order: 'reverse',
        excludeTarget: false,
        target,
        conditions: 3,
        size: 16,
      })
    ).cumulative;

  for (const variant of ['lsft', 'gsft']) {
    it(`${variant.toUpperCase()} draws from conditions of the CNN and class that are asked for, at its own size`, async () => {
      const generator = generators[variant];
      const method = generatorMethod(generator, { name: `${variant}:a` });
      expect(method).to.include({ name: `${variant}:a`, label: variant.toUpperCase(), kind: 'generator' });
      const recorded = { ...conditioning };
      delete recorded.target;
      expect(method.settings).to.deep.equal({ variant, conditions: 3, size: 16, conditioning: recorded });
      const other = await Cnn.create(cnn.spec, { device: 'cpu', seed: 8 });
      const small = await native.resizeImages(images, { size: [16, 16] });
      const drawn = [];
      for (const network of [cnn, other]) {
        const maps = await method.explain(ask({ cnn: network }));
        expect([maps.dtype, ...maps.shape]).to.deep.equal(['float32', 2, 1, 32, 32]);
        const expected = await generator.explain(small, await conditionsOf(network, images));
        const resized = await attribution.resizeMaps(expected, { size: [32, 32], device: 'cpu' });
        drawn.push(await values(maps));
        expect(await error(maps, resized)).to.be.below(1e-6);
      }
      expect(await error(drawn[0], drawn[1])).to.be.above(1e-3);
      const elsewhere = await values(await method.explain(ask({ target: classes(1, 4) })));
      expect(await error(elsewhere, drawn[0])).to.be.above(1e-4);
    });
  }

  it('explains another CNN than it was trained on where it is told which tap is meant', async () => {
    const net = new CnnBuilder({ channels: 1, height: 20, width: 20 });
    const x = net.add('relu', net.add('conv2d', net.input, { filters: 4, kernel: 3 }, 'deep'));
    const out = net.add('linear', net.add('globalAvgPool2d', x), { units: 3 });
    const other = await Cnn.create(net.build(out), { device: 'cpu', seed: 1 });
    const gray = f32(uniform(3, 800, 0, 1), [2, 1, 20, 20]);
    const request = ask({ cnn: other, images: gray });
    const caught = await rejection(generatorMethod(generator, { name: 'g' }).explain(request));
    expect(caught).to.include({ code: 'ERR_OPTION' });
    expect(caught.message).to.match(/targetTap: 'conv2d.*' is not a tap/);
    const method = generatorMethod(generator, { name: 'g', label: 'Mine', conditioning: { targetTap: -1 } });
    expect(method.label).to.equal('Mine');
    expect(method.settings.conditioning.targetTap).to.equal(-1);
    const maps = await method.explain(request);
    expect(maps.shape).to.deep.equal([2, 1, 20, 20]);
    expect((await values(maps)).every((v) => v >= 0 && v <= 1)).to.equal(true);
  });

  it('the linear baseline is the conditions’ weighted sum, clamped, at the CNN’s size', async () => {
    const weights = f64([0.5, -0.25, 0.75, 0.1], [4]);
    const method = linearMethod(weights, conditioning, { size: 16 });
    expect(method).to.include({ name: 'linear', label: 'Linear', kind: 'baseline' });
    const maps = await method.explain(ask());
    const conditions = await values(await conditionsOf(cnn, images));
    const sums = Float32Array.from({ length: 2 * 256 }, (_, i) => {
      const at = (k) => conditions[Math.floor(i / 256) * 768 + k * 256 + (i % 256)];
      return Math.min(1, Math.max(0, 0.5 * at(0) - 0.25 * at(1) + 0.75 * at(2) + 0.1));
    });
    const expected = await attribution.resizeMaps(Tensor.from(sums, [2, 1, 16, 16]), { size: [32, 32], device: 'cpu' });
    expect(await error(maps, expected)).to.be.below(1e-6);
    const whole = await linearMethod(weights, conditioning).explain(ask());
    expect(whole.shape).to.deep.equal([2, 1, 32, 32]);
    expect(await error(whole, maps)).to.be.above(0.01);
  });

  it('say what does not fit', async () => {
    expect(() => generatorMethod({}, { name: 'a' })).to.throw(/expected a Generator/);
    expect(() => generatorMethod(generator, {})).to.throw(/generatorMethod\.name: missing/);
    expect(() => generatorMethod(generator, { name: 'a', conditioning: { metod: 'gradcam' } })).to.throw(
      /generatorMethod\.conditioning: unknown name 'metod'; did you mean 'method'\?/,
    );
    expect(() => linearMethod(f64([1], [1]), conditioning)).to.throw(/weights must be a Tensor \[P \+ 1\]/);
    expect(() => linearMethod(f64([1, 2], [2]), { order: 'back' })).to.throw(/linearMethod\.conditioning\.order/);
    const disposed = await Generator.create({ conditions: 3, width: 4 }, { device: 'cpu' });
    disposed.dispose();
    expect(await rejection(generatorMethod(disposed, { name: 'a' }).explain(ask()))).to.include({
      code: 'ERR_DISPOSED',
    });
    const aborted = ask({ signal: AbortSignal.abort() });
    expect(await rejection(generatorMethod(generator, { name: 'a' }).explain(aborted))).to.include({
      code: 'ERR_ABORTED',
    });
  });
});
