// What holds of every score: batches, seeds, ranges, memory, errors, aborts.
import { expect } from 'chai';
import fc from 'fast-check';

import { createScorer, memory, SCORE_NAMES, SCORES, Tensor } from '../dist/index.js';
import { native } from '../dist/native.js';
import { f32, f64, product, rejection, uniform } from './support/arrays.js';
import { collectGarbage } from './support/garbage.js';
import { classes, disposeMade, firstChannel, linearCnn, methodOf, sigmoid, sum } from './support/scoring.js';
import { smallCnn, someImages } from './support/small-cnn.js';

describe('Every score', () => {
  const [N, S] = [6, 12];
  const images = someImages(N, S);
  let cnn;
  before(async () => (cnn = await smallCnn(S)));
  after(() => cnn.dispose());
  after(disposeMade);

  const gradcam = methodOf(async ({ cnn: network, images: shown, target, signal }) => {
    const result = await network.explain(shown, {
      ...{ target, size: S, conditions: 0, excludeTarget: false, maps: false },
      ...(signal ? { signal } : {}),
    });
    result.logits.dispose();
    result.probabilities.dispose();
    return result.targetMap;
  });
  const part = async (tensor, from, to) => {
    const size = product(tensor.shape.slice(1));
    const all = await tensor.data();
    return Tensor.from(all.slice(from * size, to * size), [to - from, ...tensor.shape.slice(1)]);
  };
  /** Maps with ties, so that their random order matters. */
  const tied = f32(
    uniform(5, N * S * S, 0, 1).map((v) => Math.round(v * 6) / 6),
    [N, 1, S, S],
  );
  const whole = {
    ...{ images, target: classes([0, 1, 2, 3, 4, 0]), maps: tied },
    ...{
      masks: f32(uniform(7, N * S * S, 0, 1).map(Math.round), [N, 1, S, S]),
      targets: f32(uniform(8, N * S * S, 0, 1), [N, 1, S, S]),
    },
  };
  const score = async (from, to, options = {}, settings = {}) => {
    const parts = {};
    for (const [name, tensor] of Object.entries(whole)) parts[name] = await part(tensor, from, to);
    const scorer = createScorer(SCORE_NAMES, { steps: 9, infidelityDraws: 7, sensitivityDraws: 2, ...settings });
    return scorer.score({ cnn, method: gradcam, seed: 4, first: from, ...parts, ...options });
  };

  it('is the same however images are cut into batches and passes', async () => {
    const all = await score(0, N);
    expect(Object.keys(all.values)).to.deep.equal([...SCORE_NAMES]);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: N - 1 }), fc.integer({ min: 1, max: 40 }), async (cut, batchSize) => {
        const [left, right] = [await score(0, cut, {}, { batchSize }), await score(cut, N, {}, { batchSize })];
        for (const name of SCORE_NAMES) {
          const joined = [...left.values[name], ...right.values[name]];
          joined.forEach((v, i) => expect(v, name).to.be.closeTo(all.values[name][i], 2e-5));
          if (all.undefined[name])
            expect([...left.undefined[name], ...right.undefined[name]], name).to.deep.equal(all.undefined[name]);
        }
      }),
      { numRuns: 8 },
    );
  });

  it('is drawn from the seed, and from nothing else', async () => {
    const [one, again, other] = [await score(0, N), await score(0, N), await score(0, N, { seed: 5 })];
    expect(again).to.deep.equal(one);
    const drawn = ['deletion', 'insertion', 'road', 'infidelity', 'maxSensitivity', 'adcc'];
    for (const name of SCORE_NAMES) {
      if (drawn.slice(0, 5).includes(name)) expect(other.values[name], name).to.not.deep.equal(one.values[name]);
      else expect(other.values[name], name).to.deep.equal(one.values[name]);
    }
  });

  it('ties fall in another order for every image, on average in the middle', async () => {
    // p is the mean of the pixels' places; with all pixels equal their order alone decides.
    const places = Array.from({ length: S * S }, (_, i) => (i / (S * S) - 0.5) * 0.05);
    const linear = await linearCnn([1, S, S], [places, places.map(() => 0)], [0, 0]);
    const flat = f64(Array(64 * S * S).fill(1), [64, 1, S, S]);
    const request = { cnn: linear, images: flat, target: classes(Array(64).fill(0)), first: 0 };
    const maps = f32(Array(64 * S * S).fill(0.5), [64, 1, S, S]);
    const { values: found } = await createScorer(['deletion']).score({ ...request, maps, seed: 1 });
    expect(new Set(found.deletion).size).to.equal(64);
    // Of exchangeable orders the expected fall is linear: the area is that of the straight line from p(x) to p(0).
    const line = (sigmoid(sum(places)) + 0.5) / 2;
    const spread = Math.max(...found.deletion) - Math.min(...found.deletion);
    expect(sum(found.deletion) / 64).to.be.closeTo(line, spread / 8);
  });

  it('lies in its range for any map', async () => {
    const value = fc.oneof(fc.constantFrom(0, 1, 0.5), fc.double({ min: 0, max: 1, noNaN: true }));
    const map = fc.oneof(
      fc.array(value, { minLength: S * S, maxLength: S * S }),
      value.map((v) => Array(S * S).fill(v)),
    );
    await fc.assert(
      fc.asyncProperty(map, map, async (first, second) => {
        const maps = f32([...first, ...second], [2, 1, S, S]);
        const found = await score(0, 2, { maps }, { steps: 5, batchSize: 64 });
        for (const name of SCORE_NAMES) {
          const [low, high] = SCORES[name].range;
          for (const v of found.values[name]) expect(v, name).to.be.within(low, high);
          found.undefined[name]?.forEach((flag, i) => flag && expect(found.values[name][i], name).to.equal(0));
        }
        for (const name of ['deletion', 'insertion'])
          for (const points of found.curves[name]) expect(points).to.have.length(6);
      }),
      { numRuns: 12 },
    );
  });

  it('runs its passes in a few large batches', async () => {
    const events = [];
    const target = classes(Array(64).fill(0));
    await native.perturbationCurves(
      {
        cnn: cnn.native,
        images: someImages(64, S),
        target,
        maps: f32(uniform(1, 64 * S * S, 0, 1), [64, 1, S, S]),
        batchSize: 1024,
      },
      { seed: 0, first: 0, steps: 20, curves: { deletion: 'zero', insertion: 'blur' } },
      { onProgress: (event) => events.push(event) },
    );
    // 64 images × 2 curves × 21 points
    expect(events.map(({ done }) => done)).to.deep.equal([1024, 2048, 2688]);
    expect(events.every(({ total }) => total === 2688)).to.equal(true);
  });

  it('lets go of every tensor, whether it succeeds or fails', async () => {
    const scorer = createScorer(SCORE_NAMES, { steps: 3, infidelityDraws: 3, sensitivityDraws: 2 });
    const request = { cnn, method: gradcam, seed: 4, first: 0, ...whole };
    await collectGarbage();
    const before = memory().tensors;
    await scorer.score(request);
    expect(memory().tensors).to.equal(before);
    let calls = 0;
    const failing = methodOf(async (asked) => {
      if (++calls > 1) throw new Error('not again');
      return gradcam.explain(asked);
    });
    expect((await rejection(scorer.score({ ...request, method: failing }))).message).to.equal('not again');
    const small = f32(uniform(1, N * 36, 0, 1), [N, 1, 6, 6]);
    const few = classes([0]);
    await rejection(scorer.score({ ...request, maps: small, target: few }));
    small.dispose();
    few.dispose();
    expect(memory().tensors).to.equal(before);
  });
});

describe('A scorer', () => {
  const [N, S] = [2, 12];
  let cnn;
  before(async () => (cnn = await smallCnn(S)));
  after(() => cnn.dispose());
  const maps = f32(uniform(1, N * S * S, 0, 1), [N, 1, S, S]);
  const score = (names, rest = {}) =>
    rejection(
      createScorer(names).score({
        cnn,
        images: someImages(N, S),
        target: classes([0, 1]),
        maps,
        seed: 0,
        first: 0,
        ...rest,
      }),
    );

  it('refuses names and settings that there are not, with what was meant', () => {
    expect(() => createScorer(['deletoin'])).to.throw(/did you mean 'deletion'\?/);
    expect(() => createScorer([])).to.throw(/scores/);
    expect(() => createScorer(['road'], { step: 3 })).to.throw(/unknown name 'step'; did you mean 'steps'\?/);
    expect(() => createScorer(['road'], { deletionBaseline: 'blurr' })).to.throw(/did you mean 'blur'\?/);
    expect(createScorer(['road', 'road']).names).to.deep.equal(['road']);
  });

  it('says what a score needs', async () => {
    expect(await score(['iou'])).to.include({
      code: 'ERR_OPTION',
      message: "scores: 'iou' needs masks, and none were given",
    });
    expect(await score(['mae'])).to.include({ message: "scores: 'mae' needs targets, and none were given" });
  });

  it('refuses shapes, classes and values that do not fit, naming them', async () => {
    for (const name of ['deletion', 'road', 'avgDrop', 'infidelity']) {
      expect(await score([name], { target: classes([0]) }), name).to.include({ code: 'ERR_SHAPE' });
      expect((await score([name], { maps: f32(uniform(1, 3 * S * S, 0, 1), [3, 1, S, S]) })).message, name).to.match(
        /maps have shape \[3, 1, 12, 12\] for images \[2, 3, 12, 12\], expected \[2, 1, 12, 12\]/,
      );
      expect((await score([name], { target: classes([0, 5]) })).message, name).to.match(
        /target classes must lie in 0 … 4, got 0 … 5/,
      );
      expect((await score([name], { images: someImages(N, 8) })).message, name).to.match(
        /images must be \[N, 3, 12, 12\]/,
      );
      for (const bad of [NaN, Infinity, -0.1, 1.5]) {
        const spoilt = f32([bad, ...uniform(1, N * S * S - 1, 0, 1)], [N, 1, S, S]);
        expect((await score([name], { maps: spoilt })).message, `${name} ${bad}`).to.match(/maps must lie in \[0, 1\]/);
      }
    }
    const masks = f32(uniform(1, N * 36, 0, 1), [N, 1, 6, 6]);
    expect((await score(['iou'], { masks })).message).to.match(/\[2, 1, 12, 12\] and \[2, 1, 6, 6\]/);
  });

  it('refuses what was disposed of', async () => {
    const gone = f32(uniform(1, N * S * S, 0, 1), [N, 1, S, S]);
    gone.dispose();
    expect(await score(['deletion'], { maps: gone }).catch((e) => e)).to.include({ code: 'ERR_DISPOSED' });
  });

  it('stops where it is when aborted', async () => {
    const images = someImages(32, S);
    const many = f32(uniform(1, 32 * S * S, 0, 1), [32, 1, S, S]);
    const target = classes(Array(32).fill(0));
    for (const [name, settings] of [
      ['deletion', { steps: 1000, batchSize: 4 }],
      ['infidelity', { infidelityDraws: 10000, batchSize: 4 }],
      ['road', { batchSize: 1 }],
      ['maxSensitivity', { sensitivityDraws: 1000 }],
    ]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 30);
      const request = { cnn, images, target, maps: many, seed: 0, first: 0, signal: controller.signal };
      const stopped = await rejection(createScorer([name], settings).score({ ...request, method: firstChannel }));
      expect(stopped, name).to.include({ code: 'ERR_ABORTED' });
      const before = await rejection(createScorer([name]).score(request));
      expect(before, name).to.include({ code: 'ERR_ABORTED' });
    }
  });
});
