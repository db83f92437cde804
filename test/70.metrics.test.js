import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { Tensor } from '../dist/index.js';
import { native } from '../dist/native.js';

const fixture = JSON.parse(readFileSync(new URL('fixtures/map-scores.json', import.meta.url), 'utf8'));
const [N, H, W] = fixture.shape;
const P = fixture.conditionsCount;

const maps = (values, channels = 1) =>
  Tensor.from(new Float32Array(values), [values.length / (channels * H * W), channels, H, W]);
const values = async (tensor) => Array.from(await tensor.data());

function expectClose(actual, expected, tolerance) {
  expect(actual).to.have.length(expected.length);
  actual.forEach((value, i) => expect(value, `sample ${i}`).to.be.closeTo(expected[i], tolerance));
}

describe('map scores', () => {
  it('agree with NumPy, SciPy and scikit-image', async () => {
    const scores = await native.scoreMaps(maps(fixture.maps), maps(fixture.targets));
    for (const name of ['mae', 'ssim', 'pearson']) expectClose(await values(scores[name]), fixture[name], 1e-6);
    expectClose(await values(scores.psnr), fixture.psnr, 1e-4);
  });

  it('count a constant map as undefined for Pearson and score it 0', async () => {
    const scores = await native.scoreMaps(maps(fixture.maps), maps(fixture.targets));
    expect(await values(scores.pearsonUndefined)).to.deep.equal([0, 0, 0, 1]);
    expect((await values(scores.pearson))[3]).to.equal(0);
  });

  it('of a map against itself are perfect', async () => {
    const same = maps(fixture.targets);
    const scores = await native.scoreMaps(same, same);
    expectClose(await values(scores.mae), Array(N).fill(0), 0);
    expectClose(await values(scores.psnr), Array(N).fill(100), 1e-9);
    expectClose(await values(scores.ssim), Array(N).fill(1), 1e-12);
    expectClose(await values(scores.pearson), Array(N).fill(1), 1e-12);
  });

  it('read uint8 maps as value / 255', async () => {
    const bytes = Uint8Array.from({ length: H * W }, (_, i) => (i * 37) % 256);
    const floats = Float32Array.from(bytes, (v) => v / 255);
    const scores = await native.scoreMaps(Tensor.from(bytes, [1, 1, H, W]), Tensor.from(floats, [1, 1, H, W]));
    expectClose(await values(scores.mae), [0], 1e-7);
  });

  it('refuse shapes that do not fit, naming them', async () => {
    const error = await native.scoreMaps(maps(fixture.maps), maps(fixture.maps.slice(0, H * W))).catch((e) => e);
    expect(error).to.include({ code: 'ERR_SHAPE' });
    expect(error.message).to.match(/\[4, 1, 20, 17\] and \[1, 1, 20, 17\]/);
    const small = Tensor.from(new Float32Array(100), [1, 1, 10, 10]);
    expect((await native.scoreMaps(small, small).catch((e) => e)).message).to.match(/smaller than SSIM's 11x11 window/);
  });
});

describe('mask scores', () => {
  it('agree with NumPy', async () => {
    const scores = await native.scoreInMasks(maps(fixture.maps), maps(fixture.masks));
    expectClose(await values(scores.energyInMask), fixture.energyInMask, 1e-6);
    expectClose(await values(scores.pointingGame), fixture.pointingGame, 0);
  });

  it('give a map that is the mask full marks, its complement none, and an empty map 0', async () => {
    const mask = Float32Array.from({ length: H * W }, (_, i) => (i % W < 5 ? 1 : 0));
    const other = mask.map((v) => 1 - v);
    const three = Float32Array.from([...mask, ...other, ...new Float32Array(H * W)]);
    const masks = Float32Array.from([...mask, ...mask, ...mask]);
    const scores = await native.scoreInMasks(maps(three), maps(masks));
    expect(await values(scores.energyInMask)).to.deep.equal([1, 0, 0]);
    expect(await values(scores.energyInMaskUndefined)).to.deep.equal([0, 0, 1]);
    expect((await values(scores.pointingGame)).slice(0, 2)).to.deep.equal([1, 0]);
  });
});

describe('the linear baseline', () => {
  it('is the least-squares fit, however the samples are streamed', async () => {
    const half = (N / 2) * H * W;
    const fit = new native.BaselineFit(P);
    await fit.add(maps(fixture.conditions.slice(0, half * P), P), maps(fixture.targets.slice(0, half)));
    await fit.add(maps(fixture.conditions.slice(half * P), P), maps(fixture.targets.slice(half)));
    const weights = await fit.linearWeights();
    expectClose(await values(weights), fixture.linearWeights, 1e-5);

    const mean = await fit.meanTarget();
    expect(mean.shape).to.deep.equal([1, 1, H, W]);
    const pixels = H * W;
    const firstMean = [0, 1, 2, 3].reduce((sum, n) => sum + fixture.targets[n * pixels], 0) / N;
    expect((await mean.data())[0]).to.be.closeTo(firstMean, 1e-7);

    const images = Tensor.from(
      Uint8Array.from({ length: N * 3 * pixels }, (_, i) => i % 256),
      [N, 3, H, W],
    );
    const answers = await native.baselineMaps(
      { images, conditions: maps(fixture.conditions, P), weights, mean },
      { seed: 1, first: 0 },
    );
    for (const answer of Object.values(answers)) expect(answer.shape).to.deep.equal([N, 1, H, W]);
    const first = fixture.linearWeights.reduce(
      (sum, w, k) => sum + w * (k < P ? fixture.conditions[k * pixels] : 1),
      0,
    );
    expect((await answers.linear.data())[0]).to.be.closeTo(Math.min(1, Math.max(0, first)), 1e-5);
    expect((await answers.meanTarget.data())[pixels * 3]).to.be.closeTo(firstMean, 1e-6);
    const luma = (0.2126 * 0 + 0.7152 * (pixels % 256) + 0.0722 * ((2 * pixels) % 256)) / 255;
    expect((await answers.luminance.data())[0]).to.be.closeTo(luma, 1e-6);

    const condition = fixture.conditions.slice(pixels, 2 * pixels); // of sample 0, the second
    expectClose(await values(answers['condition.1']).then((v) => v.slice(0, pixels)), condition, 1e-7);
    const [low, high] = [Math.min(...condition), Math.max(...condition)];
    expectClose(
      await values(answers['condition.1.normalised']).then((v) => v.slice(0, pixels)),
      condition.map((v) => (v - low) / (high - low)),
      1e-5,
    );
  });

  it('stays finite where conditions repeat', async () => {
    const twice = fixture.conditions.slice(0, H * W);
    const fit = new native.BaselineFit(2);
    await fit.add(maps([...twice, ...twice], 2), maps(twice));
    const [a, b, intercept] = await values(await fit.linearWeights());
    expect(a).to.be.closeTo(0.5, 1e-6);
    expect(b).to.be.closeTo(0.5, 1e-6);
    expect(intercept).to.be.closeTo(0, 1e-6);
  });

  it('refuses what does not fit', async () => {
    const fit = new native.BaselineFit(2);
    expect((await fit.add(maps(fixture.conditions, P), maps(fixture.targets)).catch((e) => e)).message).to.match(
      /\[4, 3, 20, 17\], expected \[n, 2, S, S\]/,
    );
    expect(await fit.linearWeights().catch((e) => e)).to.include({ code: 'ERR_OPTION' });
    expect(() => new native.BaselineFit(0)).to.throw(/at least 1 condition/);
  });
});

describe('the bootstrap', () => {
  it('gives the normal interval of a mean for many samples', async () => {
    const n = 2000;
    const sample = Float64Array.from({ length: n }, (_, i) => ((i * 7919) % n) / n); // uniform: sd = 1/sqrt(12)
    const [low, high] = await values(await native.bootstrapMeans(Tensor.from(sample, [1, n]), 4000, 1));
    const half = (1.96 * Math.sqrt(1 / 12)) / Math.sqrt(n);
    expect(low).to.be.closeTo(0.5 - half, 0.1 * half);
    expect(high).to.be.closeTo(0.5 + half, 0.1 * half);
  });

  it('resamples all scores with the same draws, from the seed alone', async () => {
    const a = Array.from({ length: 40 }, (_, i) => Math.sin(i));
    const table = Tensor.from(Float64Array.from([...a, ...a.map((v) => v + 3)]), [2, 40]);
    const [low, high, low3, high3] = await values(await native.bootstrapMeans(table, 500, 9));
    expect(low3 - low).to.be.closeTo(3, 1e-9);
    expect(high3 - high).to.be.closeTo(3, 1e-9);
    expect(await values(await native.bootstrapMeans(table, 500, 9))).to.deep.equal([low, high, low3, high3]);
    expect((await values(await native.bootstrapMeans(table, 500, 10)))[0]).to.not.equal(low);
  });

  it('compares every score with every other as the bootstrap of their differences does', async () => {
    const rows = [Math.sin, Math.cos, Math.sin, (x) => 0.3 + Math.sin(3 * x)].map((f) =>
      Array.from({ length: 50 }, (_, i) => f(i)),
    );
    const table = (list) => Tensor.from(Float64Array.from(list.flat()), [list.length, 50]);
    const { means, differences } = await native.bootstrapComparisons(table(rows), 400, 4);
    expectClose(await values(means), await values(await native.bootstrapMeans(table(rows), 400, 4)), 1e-14);
    expect(differences.shape).to.deep.equal([4, 4, 2]);
    const found = await values(differences);
    const plain = rows.flatMap((a) => rows.map((b) => a.map((value, k) => value - b[k])));
    expectClose(found, await values(await native.bootstrapMeans(table(plain), 400, 4)), 1e-12);
    const of = (i, j) => found.slice(2 * (4 * i + j), 2 * (4 * i + j) + 2);
    expect([...of(0, 2), ...of(1, 1)], 'equal scores').to.deep.equal([0, 0, 0, 0]);
  });
});
