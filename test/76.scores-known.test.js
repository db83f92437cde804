// Scores where the right answer is known: a linear model, known maps, methods whose answers are known.
import { expect } from 'chai';
import fc from 'fast-check';

import { createScorer, SCORE_NAMES, SCORES } from '../dist/index.js';
import { native } from '../dist/native.js';
import { error, f32, f64, uniform } from './support/arrays.js';
import { classes, disposeMade, firstChannel, linearCnn, methodOf, sigmoid, sum, values } from './support/scoring.js';
import { smallCnn, someImages } from './support/small-cnn.js';

describe('Scores of a linear model', () => {
  // p(x) of class 0 is the sigmoid of w·x + b.
  const weights = [0.9, -0.4, 0.1, 1.7, 0.6, -1.1];
  const pixels = [0.8, 0.3, 0.9, 0.7, 0.2, 0.5];
  const [H, W] = [2, 3];
  const bias = -0.3;
  let cnn;
  before(async () => {
    cnn = await linearCnn([1, H, W], [weights, weights.map(() => 0)], [bias, 0]);
  });
  after(disposeMade);

  const p = (x) => sigmoid(bias + sum(x.map((v, i) => v * weights[i])));
  const score = (names, map, settings = {}, rest = {}) =>
    createScorer(names, settings).score({
      ...{ cnn, images: f64(pixels, [1, 1, H, W]), target: classes([0]), seed: 0, first: 0 },
      ...{ maps: f32(map, [1, 1, H, W]), ...rest },
    });
  const orderOf = (map) =>
    map
      .map((value, i) => [value, i])
      .sort((a, b) => b[0] - a[0])
      .map(([, i]) => i);
  const area = (points) => sum(points.slice(1).map((v, i) => (v + points[i]) / 2)) / (points.length - 1);

  it('deletion and insertion follow the curve by hand', async () => {
    const map = [0.5, 0.1, 0.9, 0.3, 0.7, 0.2];
    const points = (insertion) =>
      Array.from({ length: 7 }, (_, k) => {
        const changed = new Set(orderOf(map).slice(0, k));
        return p(pixels.map((v, i) => (changed.has(i) === insertion ? v : 0)));
      });
    const { values: found, curves } = await score(['deletion', 'insertion'], map, {
      steps: 6,
      insertionBaseline: 'zero',
    });
    expect(await error(curves.deletion[0], points(false))).to.be.below(1e-12);
    expect(await error(curves.insertion[0], points(true))).to.be.below(1e-12);
    expect(found.deletion[0]).to.be.closeTo(area(points(false)), 1e-12);
    expect(found.insertion[0]).to.be.closeTo(area(points(true)), 1e-12);
  });

  it('no order of the pixels does better than the contributions themselves', async () => {
    const contributions = pixels.map((v, i) => v * weights[i]);
    const low = Math.min(...contributions);
    const range = Math.max(...contributions) - low;
    const settings = { steps: 6, insertionBaseline: 'zero' };
    const best = (
      await score(
        ['deletion', 'insertion'],
        contributions.map((v) => (v - low) / range),
        settings,
      )
    ).values;
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }), async (order) => {
        const { values: other } = await score(
          ['deletion', 'insertion'],
          order.map((v) => v / 5),
          settings,
        );
        expect(other.deletion[0]).to.be.at.least(best.deletion[0] - 1e-12);
        expect(other.insertion[0]).to.be.at.most(best.insertion[0] + 1e-12);
      }),
      { numRuns: 40 },
    );
  });

  it('steps that are not whole pixels count by their true fractions', async () => {
    // 4 steps of 6 pixels: 0, 2 (1.5 rounded), 3, 5 (4.5 rounded), 6.
    const map = [0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
    const { values: found, curves } = await score(['deletion'], map, { steps: 4 });
    const left = [0, 2, 3, 5, 6].map((k) => p(pixels.map((v, i) => (i < k ? 0 : v))));
    expect(await error(curves.deletion[0], left)).to.be.below(1e-12);
    const widths = [2, 1, 2, 1];
    expect(found.deletion[0]).to.be.closeTo(sum(widths.map((w, i) => (w * (left[i] + left[i + 1])) / 12)), 1e-12);
  });

  it('a map of ones changes nothing, a map of zeros leaves the bias', async () => {
    const names = ['avgDrop', 'avgIncrease', 'avgGain'];
    const ones = await score(names, Array(6).fill(1));
    expect(ones.values).to.deep.equal({ avgDrop: [0], avgIncrease: [0], avgGain: [0] });
    const zeros = await score(names, Array(6).fill(0));
    const [whole, none] = [p(pixels), sigmoid(bias)];
    expect(whole).to.be.above(none);
    expect(zeros.values.avgDrop[0]).to.be.closeTo((100 * (whole - none)) / whole, 1e-10);
    expect(zeros.values.avgGain[0]).to.equal(0);
    const gained = await score(names, [1, 0, 1, 1, 1, 0]); // without the pixels that speak against the class
    const more = p(pixels.map((v, i) => (weights[i] < 0 ? 0 : v)));
    expect(gained.values.avgIncrease[0]).to.equal(100);
    expect(gained.values.avgGain[0]).to.be.closeTo((100 * (more - whole)) / (1 - whole), 1e-10);
  });

  it('infidelity is 0 for the weights themselves, and the mean square of what a map of zeros leaves unsaid', async () => {
    const positive = weights.map(Math.abs);
    const straight = await linearCnn([1, H, W], [positive, positive.map(() => 0)], [bias, 0]);
    const right = await score(
      ['infidelity'],
      positive.map((w) => w / 1.7),
      {},
      { cnn: straight },
    );
    expect(right.values.infidelity[0]).to.be.closeTo(0, 1e-12);
    const wrong = await score(['infidelity'], [0, 1, 0, 0, 0, 0], {}, { cnn: straight });
    const silent = await score(['infidelity'], Array(6).fill(0), {}, { cnn: straight });
    expect(wrong.values.infidelity[0]).to.be.above(1e-3);
    // Squares of one pixel, the only size at 2×3: the mean of (w·x)² over the places drawn lies between their extremes.
    expect(silent.values.infidelity[0]).to.be.at.least(wrong.values.infidelity[0]);
    const squares = positive.map((w, i) => (w * pixels[i]) ** 2);
    expect(silent.values.infidelity[0]).to.be.within(Math.min(...squares), Math.max(...squares));
    const many = await score(['infidelity'], Array(6).fill(0), { infidelityDraws: 5000 }, { cnn: straight });
    expect(many.values.infidelity[0]).to.be.closeTo(sum(squares) / 6, 0.05 * (sum(squares) / 6));
  });

  it('p(x) = 1 leaves no gain, p(x) = 0 no drop: 0 and flagged', async () => {
    for (const [extreme, name] of [
      [60, 'avgGain'],
      [-800, 'avgDrop'],
    ]) {
      const sure = await linearCnn([1, H, W], [weights, weights.map(() => 0)], [extreme, 0]);
      const found = await score(['avgDrop', 'avgGain'], Array(6).fill(0.5), {}, { cnn: sure });
      expect(found.values[name]).to.deep.equal([0]);
      for (const one of ['avgDrop', 'avgGain']) expect(found.undefined[one]).to.deep.equal([one === name]);
      const { values: flat } = await score(['deletion'], pixels, {}, { cnn: sure });
      expect(flat.deletion[0]).to.be.closeTo(extreme > 0 ? 1 : 0, 1e-12);
    }
  });

  it("the target's class is followed, not the predicted one", async () => {
    const map = [0.5, 0.1, 0.9, 0.3, 0.7, 0.2];
    const [own, other] = await Promise.all(
      [0, 1].map(
        async (t) => (await score(['deletion'], map, { steps: 6 }, { target: classes([t]) })).curves.deletion[0],
      ),
    );
    own.forEach((v, i) => expect(v + other[i]).to.be.closeTo(1, 1e-12));
  });
});

describe('x⊙E as an image', () => {
  after(disposeMade);
  const identity = (n) => Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));
  const preprocessings = {
    none: {},
    bgr: { range: [0, 255], mean: [103, 116, 123], channelOrder: 'bgr' },
    scaled: { range: [-1, 1], mean: [0.1, 0.2, 0.3], std: [0.5, 0.6, 0.7] },
  };
  for (const [name, preprocessing] of Object.entries({ ...preprocessings, gray: { mean: [0.4], std: [0.2] } })) {
    it(`is what the network sees as x⊙E: preprocessing ${name}`, async () => {
      const channels = name === 'gray' ? 1 : 3;
      const inputs = channels * 4;
      // A network that says what it sees.
      const cnn = await linearCnn([channels, 2, 2], identity(inputs), Array(inputs).fill(0), preprocessing);
      const images = f64(uniform(1, 24, 0, 1), [2, 3, 2, 2]);
      const map = uniform(2, 8, 0, 1);
      const seen = await values((await cnn.predict(images)).logits);
      const masked = await native.maskImages(cnn.native, images, f32(map, [2, 1, 2, 2]));
      expect(masked.shape).to.deep.equal([2, 3, 2, 2]);
      const found = await values((await cnn.predict(masked)).logits);
      const expected = seen.map((v, i) => v * Math.fround(map[Math.floor(i / inputs) * 4 + (i % 4)]));
      expect(await error(found, expected)).to.be.below(1e-10);
    });
  }
});

describe('Scores of maps that are known', () => {
  const [N, S] = [3, 12];
  const mask = Array.from({ length: S * S }, (_, i) => (i % S < 4 ? 1 : 0));
  const maps = f32([...mask, ...mask.map((v) => 1 - v), ...Array(S * S).fill(0.5)], [N, 1, S, S]);
  const masks = f32([...mask, ...mask, ...mask], [N, 1, S, S]);
  const names = SCORE_NAMES.filter((name) => SCORES[name].needs || ['complexity', 'sparseness'].includes(name));
  let cnn;
  before(async () => (cnn = await smallCnn(S)));
  after(() => cnn.dispose());
  const request = (rest) => ({ cnn, images: someImages(N, S), target: classes([0, 1, 2]), seed: 0, first: 0, ...rest });

  it('the mask itself, its complement, and a constant map', async () => {
    const found = await createScorer(names).score(request({ maps, masks, targets: masks }));
    expect(found.values).to.deep.include({
      energyInMask: [1, 0, 1 / 3],
      pointingGame: [1, 0, 1], // every pixel of a constant map is a maximum
      iou: [1, 0, 0],
      mae: [0, 1, 0.5],
      pearson: [1, -1, 0],
      complexity: [1 / 3, 2 / 3, 0.5],
    });
    // Gini of k ones among M values is 1 − k/M.
    expect(await error(found.values.sparseness, [2 / 3, 1 / 3, 0])).to.be.below(1e-12);
    expect(found.undefined).to.deep.equal({
      energyInMask: [false, false, false],
      pointingGame: [false, false, false],
      iou: [false, false, true],
      pearson: [false, false, true],
      sparseness: [false, false, true],
    });
  });

  it('an empty map, and an empty mask', async () => {
    const empty = f32(Array(3 * S * S).fill(0), [N, 1, S, S]);
    const some = await createScorer(['energyInMask', 'iou', 'sparseness']).score(request({ maps: empty, masks }));
    for (const name of ['energyInMask', 'iou', 'sparseness']) {
      expect(some.values[name], name).to.deep.equal([0, 0, 0]);
      expect(some.undefined[name], name).to.deep.equal([true, true, true]);
    }
    const none = await createScorer(['energyInMask', 'pointingGame', 'iou']).score(request({ maps, masks: empty }));
    for (const name of ['energyInMask', 'pointingGame', 'iou']) {
      expect(none.values[name], name).to.deep.equal([0, 0, 0]);
      expect(none.undefined[name], name).to.deep.equal([true, true, true]);
    }
  });

  it('one bright pixel is as sparse as can be', async () => {
    const one = f32(
      Array.from({ length: S * S }, (_, i) => (i === 30 ? 1 : 0)),
      [1, 1, S, S],
    );
    const { sparseness } = await native.mapStatistics(one);
    expect((await values(sparseness))[0]).to.be.closeTo(1 - 1 / (S * S), 1e-12);
  });

  it('are resized to the images, as bilinear interpolation does it', async () => {
    const small = f32(uniform(4, 3 * 36, 0, 1), [N, 1, 6, 6]);
    const large = await native.attribution.resizeMaps(small, { size: [S, S], device: 'cpu' });
    const scorer = createScorer(['complexity', 'deletion']);
    const [from, to] = await Promise.all([small, large].map((one) => scorer.score(request({ maps: one }))));
    expect(from).to.deep.equal(to);
    const [a, b, , , , , c, d] = await values(small);
    // The second pixel's centre lies a quarter of a small pixel to the right of and below the first small one's.
    expect((await values(large))[S + 1]).to.be.closeTo((9 * a + 3 * b + 3 * c + d) / 16, 1e-6);
  });
});

describe('Scores that run the method again', () => {
  const [N, S] = [4, 10];
  const images = f32(uniform(6, N * 3 * S * S, 0, 1), [N, 3, S, S]);
  let cnn;
  before(async () => (cnn = await smallCnn(S)));
  after(() => cnn.dispose());
  const score = async (names, method, maps, rest = {}) => {
    const request = { cnn, images, target: classes([0, 1, 2, 3]), seed: 9, first: 20, method, ...rest };
    return createScorer(names).score({ ...request, maps: maps ?? (await method.explain(request)) });
  };

  it('max-sensitivity is the largest change of ten draws', async () => {
    const { values: found } = await score(['maxSensitivity'], firstChannel);
    const own = await values(await firstChannel.explain({ images }));
    const changes = [];
    for (let draw = 0; draw < 10; draw++) {
      const shaken = await native.shakeImages(images, { seed: 9, first: 20, draw, radius: 0.02 });
      const others = await values(await firstChannel.explain({ images: shaken }));
      changes.push(
        Array.from({ length: N }, (_, n) => {
          const of = (list) => list.slice(n * S * S, (n + 1) * S * S);
          const moved = of(others).map((v, i) => v - of(own)[i]);
          expect(Math.max(...moved.map(Math.abs)), 'within the radius').to.be.within(0.018, 0.0200001);
          return Math.hypot(...moved) / Math.hypot(...of(own));
        }),
      );
    }
    expect(new Set(changes.flat()).size, 'draws and images differ').to.equal(10 * N);
    const largest = Array.from({ length: N }, (_, n) => Math.max(...changes.map((draw) => draw[n])));
    expect(await error(found.maxSensitivity, largest)).to.be.below(1e-5);
  });

  it('a method that ignores the image is never sensitive; one that says nothing is undefined', async () => {
    const fixed = uniform(8, S * S, 0, 1);
    const ignorant = methodOf(async () => f32([...fixed, ...fixed, ...fixed, ...fixed], [N, 1, S, S]));
    const same = await score(['maxSensitivity', 'coherency'], ignorant);
    expect(same.values.maxSensitivity).to.deep.equal([0, 0, 0, 0]);
    expect(await error(same.values.coherency, [1, 1, 1, 1])).to.be.below(1e-12);
    const silent = methodOf(async () => f32(Array(N * S * S).fill(0), [N, 1, S, S]));
    const nothing = await score(['maxSensitivity', 'coherency', 'adcc'], silent);
    for (const name of ['maxSensitivity', 'coherency', 'adcc']) {
      expect(nothing.values[name], name).to.deep.equal([0, 0, 0, 0]);
      expect(nothing.undefined[name], name).to.deep.equal([true, true, true, true]);
    }
  });

  it('coherency is (Pearson + 1)/2 of the maps of x and of x⊙E; opposite maps have none', async () => {
    const asked = [];
    const turning = methodOf(async (request) => {
      asked.push(request);
      const own = await values(await firstChannel.explain(request));
      return f32(
        own.map((v) => 1 - v),
        [N, 1, S, S],
      );
    });
    // E = the first channel, so x⊙E has its square there; the method answers with the opposite of that.
    const maps = await firstChannel.explain({ images });
    const { values: found } = await score(['coherency'], turning, maps);
    const expected = await native.correlateMaps(
      maps,
      f32(
        (await values(maps)).map((v) => 1 - v * v),
        [N, 1, S, S],
      ),
    );
    const correlation = await values(expected.pearson);
    expect(
      await error(
        found.coherency,
        correlation.map((r) => (r + 1) / 2),
      ),
    ).to.be.below(1e-5);
    expect(Math.max(...found.coherency)).to.be.below(0.1);
    expect(asked).to.have.length(1);
    expect(asked[0]).to.include({ seed: 9, first: 20, cnn });
    expect(await values(asked[0].target)).to.deep.equal([0n, 1n, 2n, 3n]);
  });

  it('ADCC is the harmonic mean of its parts, which need not be asked for', async () => {
    const { values: found } = await score(['adcc'], firstChannel);
    expect(Object.keys(found)).to.deep.equal(['adcc']);
    const { values: parts } = await score(['coherency', 'complexity', 'avgDrop'], firstChannel);
    const expected = parts.coherency.map(
      (coherency, i) => 3 / (1 / coherency + 1 / (1 - parts.complexity[i]) + 1 / (1 - parts.avgDrop[i] / 100)),
    );
    expect(await error(found.adcc, expected)).to.be.below(1e-12);
    const full = methodOf(async () =>
      f32(
        Array.from({ length: N * S * S }, (_, i) => (i % (S * S) ? 1 : 0.999)),
        [N, 1, S, S],
      ),
    );
    const one = await score(['adcc', 'complexity'], full);
    expect(one.values.adcc.every((v) => v > 0 && v < 0.001)).to.equal(true);
  });
});
