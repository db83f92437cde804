// Every method to compare with: against plain PyTorch, NumPy and SciPy (fixtures/make_methods.py), as a spec and as TorchScript, and what all
// of them owe.
import { readFileSync } from 'node:fs';

import { expect } from 'chai';
import fc from 'fast-check';

import {
  Cnn,
  createMethod,
  MAP_METHODS,
  memory,
  METHOD_NAMES,
  METHODS,
  readSafetensors,
  Tensor,
} from '../dist/index.js';
import { methodsPage } from '../scripts/methods-docs.mjs';
import { error, rejection, taken } from './support/arrays.js';
import { smallCnn, someImages } from './support/small-cnn.js';

const FIXTURE = 'test/fixtures/methods';
const { tensors: io, metadata } = await readSafetensors(`${FIXTURE}.io.safetensors`);
const cases = JSON.parse(metadata.cases);
const request = { images: io.images, target: io.target, seed: Number(metadata.seed), first: Number(metadata.first) };

/** Settings under which no method takes long. */
const QUICK = {
  rise: { masks: 40 },
  smoothGrad: { samples: 5 },
  integratedGradients: { steps: 5 },
};
const quick = (name, more = {}) => createMethod(name, { ...QUICK[name], ...more });
const targets = (...classes) => Tensor.from(BigInt64Array.from(classes, BigInt), [classes.length]);

const networks = {
  'a spec in float64': {
    load: () => Cnn.load(`${FIXTURE}.weights.safetensors`, { device: 'cpu', dtype: 'float64' }),
    bound: 2e-6,
  },
  'a spec in float32': { load: () => Cnn.load(`${FIXTURE}.weights.safetensors`, { device: 'cpu' }), bound: 2e-4 },
  'TorchScript in float64': {
    load: () =>
      Cnn.load(`${FIXTURE}.pt`, {
        device: 'cpu',
        dtype: 'float64',
        input: { channels: 3, height: 20, width: 16 },
        preprocessing: { mean: [0.4, 0.5, 0.3], std: [0.25, 0.3, 0.2] },
      }),
    bound: 2e-6,
  },
};

for (const [title, { load, bound }] of Object.entries(networks)) {
  describe(`Methods on ${title}`, () => {
    let cnn;
    before(async () => (cnn = await load()));
    after(() => cnn.dispose());

    it('the logits', async () => {
      expect(cnn.taps).to.deep.equal(['conv1', 'conv2', 'conv3', 'conv4']);
      expect(await error((await cnn.predict(io.images)).logits, io.logits)).to.be.below(bound);
    });

    for (const [index, { name, settings }] of cases.entries()) {
      // Bytes, and rows by two and by a number that divides nothing.
      for (const batchSize of [undefined, 2, 7]) {
        it(`${name} ${JSON.stringify(settings)}${batchSize ? ` by ${batchSize}` : ''}`, async () => {
          const method = createMethod(name, { ...settings, ...(batchSize ? { batchSize } : {}) });
          const maps = await method.explain({ ...request, cnn });
          expect([maps.dtype, ...maps.shape]).to.deep.equal(['float32', 3, 1, 20, 16]);
          expect(await error(maps, io[`case/${index}`])).to.be.below(bound);
          maps.dispose();
        });
      }
    }
  });
}

describe('Every method', () => {
  const count = 4;
  const size = 32;
  let cnn;
  let images;
  let target;
  const ask = (more = {}) => ({ cnn, images, target, seed: 3, first: 10, ...more });

  before(async () => {
    cnn = await smallCnn(size);
    images = someImages(count, size);
    target = targets(0, 3, 1, 4);
  });

  it('is described: label, kind, source and every default', () => {
    expect(METHOD_NAMES).to.deep.equal(Object.keys(METHODS));
    for (const name of METHOD_NAMES) {
      const { label, kind, source, defaults, settings } = METHODS[name];
      const method = createMethod(name);
      expect(method).to.deep.include({ name, label, kind, source, settings: defaults });
      expect(label.length * source.length).to.be.above(0);
      expect(Object.keys(settings)).to.deep.equal(Object.keys(defaults));
      for (const meaning of Object.values(settings)) expect(meaning).to.be.a('string').that.is.not.empty;
    }
    expect(METHODS.rise.defaults).to.deep.equal({
      masks: 4000,
      grid: 7,
      keep: 0.5,
      baseline: 'neutral',
      score: 'probability',
    });
    const settings = { window: 0.25, batchSize: 3 };
    expect(createMethod('occlusion', settings).settings, 'what the result depends on').to.deep.equal({
      ...METHODS.occlusion.defaults,
      window: 0.25,
    });
  });

  it('stands in docs/methods.md as it describes itself (node scripts/methods-docs.mjs)', () => {
    expect(readFileSync('docs/methods.md', 'utf8')).to.equal(methodsPage());
  });

  for (const name of METHOD_NAMES) {
    it(`${name}: a map in [0, 1] for each image, whatever the batch, the same for the same seed`, async () => {
      const method = quick(name);
      const maps = await method.explain(ask());
      expect([maps.dtype, ...maps.shape]).to.deep.equal(['float32', count, 1, size, size]);
      const values = await taken(maps);
      for (let n = 0; n < count; n++) {
        const map = values.subarray(n * size * size, (n + 1) * size * size);
        expect([Math.min(...map), Math.max(...map)], `image ${n}`).to.deep.equal([0, 1]);
      }
      expect(await taken(await method.explain(ask()))).to.deep.equal(values);
      const pixels = await images.data();
      const alone = [];
      for (let n = 0; n < count; n++) {
        const one = Tensor.from(pixels.slice(n * 3 * size * size, (n + 1) * 3 * size * size), [1, 3, size, size]);
        const wanted = targets(Number((await target.data())[n]));
        alone.push(...(await taken(await method.explain(ask({ images: one, target: wanted, first: 10 + n })))));
        one.dispose();
        wanted.dispose();
      }
      expect(await error(values, alone)).to.be.below(1e-4);
    });
  }

  it('of one tap is the map that cnn.explain makes by that name, and no other', async () => {
    const byName = {};
    for (const name of MAP_METHODS) {
      for (const tap of [-1, 1]) {
        const options = { method: name, targetMethod: name, target, conditions: 0, maps: false, targetTap: tap, size: [size, size] }; // prettier-ignore
        const { targetMap } = await cnn.explain(images, options);
        const maps = await createMethod(name, { tap }).explain(ask());
        expect(await error(maps, targetMap), `${name} at ${tap}`).to.be.below(1e-6);
        byName[`${name} at ${tap}`] = maps;
      }
    }
    // Before global average pooling several are one: all differ at the other tap.
    const made = Object.entries(byName).filter(([name]) => name.endsWith(' at 1'));
    for (const [i, [a, ours]] of made.entries())
      for (const [b, theirs] of made.slice(i + 1)) expect(await error(ours, theirs), `${a}, ${b}`).to.be.above(1e-3);
  });

  it('draws other numbers for another seed, and for another place in the data set where images have their own', async () => {
    for (const [name, ofImages] of [
      ['random', true],
      ['smoothGrad', true],
      ['rise', false],
    ]) {
      const method = quick(name);
      const maps = await taken(await method.explain(ask()));
      expect(await error(await taken(await method.explain(ask({ seed: 4 }))), maps), name).to.be.above(0.01);
      const moved = await error(await taken(await method.explain(ask({ first: 11 }))), maps);
      if (ofImages) expect(moved, name).to.be.above(0.01);
      else expect(moved, name).to.equal(0);
    }
  });

  it('is of the class that is asked for, unless it is a baseline that knows no CNN', async () => {
    for (const name of METHOD_NAMES) {
      const method = quick(name);
      const own = await taken(await method.explain(ask()));
      const other = await taken(await method.explain(ask({ target: targets(1, 0, 4, 2) })));
      const change = await error(other, own);
      if (['luminance', 'sobel', 'random', 'eigencam'].includes(name)) expect(change, name).to.equal(0);
      else expect(change, name).to.be.above(1e-3);
    }
  });

  it('takes bytes as it takes floats', async () => {
    const bytes = Tensor.from(
      Uint8Array.from({ length: count * 3 * size * size }, (_, i) => (i * 7919) % 251),
      [count, 3, size, size],
    );
    const floats = Tensor.from(
      Float32Array.from(await bytes.data(), (value) => value / 255),
      [count, 3, size, size],
    );
    for (const name of METHOD_NAMES) {
      const method = quick(name);
      const ofBytes = await taken(await method.explain(ask({ images: bytes })));
      const ofFloats = await taken(await method.explain(ask({ images: floats })));
      expect(await error(ofBytes, ofFloats), name).to.be.below(1e-4);
    }
  });

  it('keeps maps in [0, 1] and finite for any image, empty ones included', async () => {
    const pixel = fc.oneof(fc.constant(0), fc.constant(1), fc.float({ min: 0, max: 1, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...METHOD_NAMES),
        fc.array(pixel, { minLength: 1, maxLength: 7 }),
        fc.integer({ min: 0, max: 4 }),
        async (name, pattern, label) => {
          const values = Float32Array.from({ length: 3 * size * size }, (_, i) => pattern[i % pattern.length]);
          const images = Tensor.from(values, [1, 3, size, size]);
          const settings = name === 'rise' ? { masks: 9 } : {};
          const maps = await quick(name, settings).explain(ask({ images, target: targets(label) }));
          const map = await maps.data();
          expect(map.every((value) => value >= 0 && value <= 1)).to.equal(true);
          for (const tensor of [images, maps]) tensor.dispose();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('leaves no tensor behind but its maps', async () => {
    const explained = [];
    for (const name of METHOD_NAMES) explained.push(await quick(name).explain(ask()));
    const { tensors } = memory();
    for (const name of METHOD_NAMES) (await quick(name).explain(ask())).dispose();
    expect(memory().tensors).to.be.at.most(tensors);
    for (const maps of explained) maps.dispose();
  });

  it('says what is wrong with a name, a setting, a tap, a class or an image', async () => {
    const wrong = [
      [() => createMethod('gradcam+'), /unknown method 'gradcam\+'; did you mean 'gradcam'\?/],
      [() => createMethod('shap'), /unknown method 'shap'; expected one of gradcam, .*, target/],
      [() => createMethod('linear'), /fitted to training samples: use linearMethod/],
      [() => createMethod('toString'), /unknown method 'toString'/],
      [() => createMethod('rise', { mask: 10 }), /rise: unknown name 'mask'; did you mean 'masks'\?/],
      [() => createMethod('rise', { masks: 0 }), /rise\.masks: too small/],
      [() => createMethod('scorecam', { channels: 'some' }), /scorecam\.channels: expected 'all' or a whole number/],
      [() => createMethod('occlusion', { baseline: 'blue' }), /occlusion\.baseline: .*; did you mean 'blur'\?/],
      [() => createMethod('luminance', { tap: 1 }), /luminance: unknown name 'tap'/],
    ];
    for (const [make, message] of wrong) {
      expect(make).to.throw(message).with.property('code', 'ERR_OPTION');
    }
    const refused = [
      ['scorecam', { tap: 'conv4' }, {}, 'ERR_OPTION', /scorecam\.tap: 'conv4' is not a tap/],
      ['guidedGradcam', { tap: 3 }, {}, 'ERR_OPTION', /guidedGradcam\.tap: expected −3 … 2/],
      ['occlusion', { window: 0.1, stride: 0.5 }, {}, 'ERR_OPTION', /stride: expected 1 … 3 pixels/],
      ['rise', { grid: 40 }, {}, 'ERR_OPTION', /grid: expected 1 … 32 cells for images of 32×32, got 40/],
      ['gradcam', {}, { target: targets(0, 1, 2, 5) }, 'ERR_OPTION', /target classes must lie in 0 … 4/],
      ['rise', {}, { target: targets(0) }, 'ERR_SHAPE', /target classes must be int64 \[4\]/],
      ['smoothGrad', {}, { images: someImages(4, 16) }, 'ERR_SHAPE', /images must be \[N, 3, 32, 32\]/],
      ['ablationcam', {}, { images: undefined }, 'ERR_OPTION', /images: expected a Tensor/],
    ];
    for (const [name, settings, more, code, message] of refused) {
      const caught = await rejection(createMethod(name, settings).explain(ask(more)));
      expect(caught.message, name).to.match(message);
      expect(caught.code, name).to.equal(code);
    }
    const disposed = await smallCnn();
    disposed.dispose();
    expect(await rejection(createMethod('rise').explain(ask({ cnn: disposed })))).to.include({ code: 'ERR_DISPOSED' });
  });

  it('ends soon after an abort, in mid-work', async () => {
    const slow = {
      rise: { masks: 1_000_000 },
      smoothGrad: { samples: 10_000 },
      integratedGradients: { steps: 10_000 },
      occlusion: { window: 1 / 32, stride: 1 / 32, batchSize: 1 },
    };
    for (const [name, settings] of Object.entries(slow)) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 20);
      const begin = performance.now();
      const caught = await rejection(createMethod(name, settings).explain(ask({ signal: controller.signal })));
      expect(caught, name).to.include({ code: 'ERR_ABORTED' });
      expect(performance.now() - begin, name).to.be.below(5000);
    }
    expect(await rejection(createMethod('rise').explain(ask({ signal: AbortSignal.abort() })))).to.include({
      code: 'ERR_ABORTED',
    });
  });
});
