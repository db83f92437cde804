// How much each condition matters to a generator (METHOD §8), against one replaced slice at a time and central differences.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

import { conditionDepths } from '../dist/evaluate/depths.js';
import { compareFirstAndLast, firstAndLastAnswer } from '../dist/evaluate/relevance_summary.js';
import { Generator, keptPositions, openDataset, relevance } from '../dist/index.js';
import { native } from '../dist/native.js';
import { error, f64, rejection, uniform } from './support/arrays.js';
import { writePrepared } from './support/prepared.js';

const [N, P, S] = [3, 3, 8];
const images = f64(uniform(1, N * 3 * S * S, 0, 1), [N, 3, S, S]);
const values = uniform(2, N * P * S * S, 0, 1);
const conditions = f64(values, [N, P, S, S]);
const pixels = S * S;

/** Σ over the pixels of each sample of |a − b|. */
const change = (a, b) =>
  Array.from({ length: N }, (_, n) =>
    a.slice(n * pixels, (n + 1) * pixels).reduce((sum, v, i) => sum + Math.abs(v - b[n * pixels + i]), 0),
  );

for (const [variant, outputChannels] of [
  ['lsft', 1],
  ['gsft', 1],
  ['lsft', 3],
]) {
  describe(`Relevance in a generator: ${variant}, ${outputChannels} channel${outputChannels > 1 ? 's' : ''}`, () => {
    let generator;
    /** The raw map: the output's mean over its channels. */
    const draw = async (slices) => {
      const raw = await generator.explain(images, f64(slices, [N, P, S, S]), { raw: true });
      const out = await raw.data();
      return Array.from({ length: N * pixels }, (_, i) => {
        const [n, pixel] = [Math.floor(i / pixels), i % pixels];
        const channels = Array.from(
          { length: outputChannels },
          (_, c) => out[(n * outputChannels + c) * pixels + pixel],
        );
        return channels.reduce((a, b) => a + b) / outputChannels;
      });
    };

    before(async () => {
      const sizes = { width: 6, conditionWidth: 5, conditionFeatures: 4, ...(variant === 'gsft' ? { blocks: 4 } : {}) };
      generator = await Generator.create(
        { variant, conditions: P, outputChannels, ...sizes },
        { device: 'cpu', dtype: 'float64', seed: 3 },
      );
    });
    after(() => generator.dispose());

    it('is the change of the raw output when one slice is replaced', async () => {
      const replaced = uniform(5, N * P * pixels, 0, 1);
      for (const [what, tensor, of] of [
        ['zeros', f64(new Array(P * pixels).fill(0), [1, P, S, S]), () => 0],
        ['one for all', f64(replaced.slice(0, P * pixels), [1, P, S, S]), (n, i) => replaced[i]],
        ['one for each', f64(replaced, [N, P, S, S]), (n, i) => replaced[n * P * pixels + i]],
      ]) {
        const plain = await draw(values);
        const expected = Array.from({ length: N }, () => []);
        for (let k = 0; k < P; k++) {
          const slices = values.map((value, i) => {
            const [n, within] = [Math.floor(i / (P * pixels)), i % (P * pixels)];
            return Math.floor(within / pixels) === k ? of(n, within) : value;
          });
          change(await draw(slices), plain).forEach((sum, n) => expected[n].push(sum));
        }
        for (const batchSize of [1, 100]) {
          const found = await generator.native.replacementRelevance(images, conditions, tensor, { batchSize });
          expect(found.shape).to.deep.equal([N, P]);
          expect(await error(found, expected.flat()), `${what}, batch ${batchSize}`).to.be.below(1e-10);
        }
      }
    });

    it('by gradient is |C·∂ΣG/∂C| by central differences', async () => {
      const found = await (await generator.native.gradientRelevance(images, conditions, { batchSize: 2 })).data();
      const step = 1e-6;
      const total = async (slices, n) =>
        (await draw(slices)).slice(n * pixels, (n + 1) * pixels).reduce((a, b) => a + b);
      // One slice of one sample, pixel by pixel.
      const [n, k] = [1, 2];
      let expected = 0;
      for (let pixel = 0; pixel < pixels; pixel++) {
        const at = (n * P + k) * pixels + pixel;
        const moved = (by) => values.map((value, i) => (i === at ? value + by : value));
        expected += Math.abs(
          (values[at] * ((await total(moved(step), n)) - (await total(moved(-step), n)))) / (2 * step),
        );
      }
      expect(found[n * P + k]).to.be.closeTo(expected, 1e-6 * expected);
    });

    it('refuses shapes that do not fit', async () => {
      const wrong = await rejection(
        generator.native.replacementRelevance(images, conditions, f64([1, 2, 3, 4], [1, 1, 2, 2]), { batchSize: 4 }),
      );
      expect(wrong.code).to.equal('ERR_SHAPE');
    });
  });
}

describe('Relevance over a prepared dataset', () => {
  let folder;
  let generator;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulens-relevance-'));
    await writePrepared(folder, { train: 11, test: 7, size: 16, conditions: 2 });
    generator = await Generator.create(
      { variant: 'lsft', conditions: 2, width: 4, conditionWidth: 4, conditionFeatures: 4 },
      { device: 'cpu', dtype: 'float64', seed: 1 },
    );
  });
  after(async () => {
    generator.dispose();
    await rm(folder, { recursive: true });
  });

  it('gives every kind for every sample, whatever the batch, and its means', async () => {
    const whole = await relevance({ generator, data: folder });
    const parts = await relevance({ generator, data: folder, batchSize: 2 });
    expect(whole.samples.map(({ id }) => id)).to.deep.equal(Array.from({ length: 7 }, (_, i) => `test-0-${i}`));
    for (const kind of ['zero', 'mean', 'swap', 'gradient']) {
      const rows = whole.samples.map((sample) => sample.relevance[kind]);
      expect(
        await error(
          parts.samples.flatMap((sample) => sample.relevance[kind]),
          rows.flat(),
        ),
        kind,
      ).to.be.below(1e-9);
      whole.kinds[kind].overall.forEach(({ mean, low, high }, k) => {
        expect(mean).to.be.closeTo(rows.reduce((sum, row) => sum + row[k], 0) / 7, 1e-9);
        expect(low).to.be.below(mean).and.above(0);
        expect(high).to.be.above(mean);
      });
      expect(whole.kinds[kind].byClass).to.have.length(1);
      expect(whole.kinds[kind].byClass[0]).to.deep.include({
        class: 'a',
        count: 7,
        conditions: whole.kinds[kind].overall,
      });
    }
  });

  it('is averaged over the samples of each class by itself', async () => {
    const mixed = join(folder, 'classes');
    // Classes take turns: samples 0, 3 and 6 are coats, 1 and 4 boots, 2 and 5 bags; there is no hat.
    await writePrepared(mixed, { test: 7, classes: ['coat', 'boot', 'bag'] });
    const { samples, kinds } = await relevance({ generator, data: mixed, kinds: ['zero'] });
    const rows = samples.map((sample) => sample.relevance.zero);
    const of = { coat: [0, 3, 6], boot: [1, 4], bag: [2, 5] };
    expect(kinds.zero.byClass.map((one) => [one.class, one.count])).to.deep.equal([['coat', 3], ['boot', 2], ['bag', 2]]); // prettier-ignore
    for (const { class: name, count, conditions } of kinds.zero.byClass) {
      for (const [k, { mean, low, high }] of conditions.entries()) {
        const own = of[name].map((i) => rows[i][k]);
        expect(mean).to.be.closeTo(own.reduce((a, b) => a + b) / count, 1e-9);
        // Of draws of so few, the least and the greatest of the samples are the bounds.
        expect(low).to.be.closeTo(Math.min(...own), 1e-9);
        expect(high).to.be.closeTo(Math.max(...own), 1e-9);
      }
    }
  });

  it('replaces by the training mean, and by another sample', async () => {
    const dataset = await openDataset(folder);
    const [train, test] = [dataset.split('train'), dataset.split('test')];
    const all = await train.batch(
      Array.from({ length: 11 }, (_, i) => i),
      { names: ['conditions'] },
    );
    const sums = new Float64Array(2 * 256);
    (await all.conditions.data()).forEach((byte, i) => (sums[i % 512] += byte / 255 / 11));
    const { samples, settings } = await relevance({ generator, data: dataset, kinds: ['mean', 'swap'], limit: 2 });
    const first = await test.batch([0], { names: ['image', 'conditions'] });
    const other = await test.batch([settings.swappedBy % 7], { names: ['conditions'] });
    expect(settings.swappedBy % 7).to.not.equal(0);
    const of = async (replaced) => [
      ...(await (
        await generator.native.replacementRelevance(first.image, first.conditions, replaced, { batchSize: 8 })
      ).data()),
    ];
    expect(await error(samples[0].relevance.mean, await of(f64(sums, [1, 2, 16, 16])))).to.be.below(1e-9);
    expect(await error(samples[0].relevance.swap, await of(other.conditions))).to.be.below(1e-9);
    expect(samples).to.have.length(2);
    dataset.dispose();
  });

  it('goes on from what was measured before', async () => {
    const whole = await relevance({ generator, data: folder });
    const before = whole.samples.slice(0, 3);
    const measured = [];
    const onSamples = async (rows) => void measured.push(...rows);
    const rest = await relevance({ generator, data: folder, batchSize: 2, done: before, onSamples });
    expect(measured.map(({ id }) => id)).to.deep.equal([3, 4, 5, 6].map((i) => `test-0-${i}`));
    const numbers = ({ kinds }) => Object.values(kinds).flatMap(({ overall }) => overall.flatMap(Object.values));
    expect(await error(numbers(rest), numbers(whole))).to.be.below(1e-9);
    for (const done of [before.slice(1), [{ ...before[0], relevance: {} }], [...whole.samples, before[0]]])
      expect((await rejection(relevance({ generator, data: folder, done }))).message).to.equal(
        'relevance: done: these are not the first samples of this work',
      );
  });

  it('says what does not fit', async () => {
    const three = await Generator.create({ variant: 'lsft', conditions: 3, width: 4 }, { device: 'cpu' });
    const wrong = await rejection(relevance({ generator: three, data: folder }));
    expect(wrong.message).to.equal(`${folder}: has 2 conditions, the generator takes 3 conditions`);
    const reverse = await mkdtemp(join(tmpdir(), 'cumulens-reverse-'));
    const settings = { method: 'gradcam', order: 'reverse', excludeTarget: true };
    await writePrepared(reverse, { settings });
    const conditioning = { ...settings, order: 'forward', targetTap: -1, targetMethod: 'gradcam', target: 'predicted', fit: 'crop', scale: 1, interpolation: 'bilinear' }; // prettier-ignore
    const forward = await Generator.from(generator.config, await generator.stateDict(), { device: 'cpu' }, { conditioning }); // prettier-ignore
    const other = await rejection(relevance({ generator: forward, data: reverse }));
    expect(`${other.code} ${other.message}`).to.equal(
      `ERR_FORMAT ${reverse}: its conditions were made with order "reverse", those that the generator learnt from with "forward"`,
    );
    await rm(reverse, { recursive: true });
    expect((await rejection(relevance({ generator, data: folder, kinds: ['swp'] }))).message).to.match(
      /did you mean 'swap'/,
    );
    const controller = new AbortController();
    controller.abort();
    expect((await rejection(relevance({ generator, data: folder, signal: controller.signal }))).code).to.equal(
      'ERR_ABORTED',
    );
  });

  it('takes a mean batch by batch', async () => {
    const table = uniform(9, 7 * 4, 0, 1);
    const part = (a, b) => f64(table.slice(4 * a, 4 * b), [b - a, 4]);
    const some = await native.runningMean(undefined, 0, part(0, 3));
    const mean = await native.runningMean(some, 3, part(3, 7));
    const expected = Array.from(
      { length: 4 },
      (_, j) => table.filter((_, i) => i % 4 === j).reduce((a, b) => a + b) / 7,
    );
    expect(await error(mean, expected)).to.be.below(1e-12);
    expect((await rejection(native.runningMean(undefined, 2, part(0, 1)))).code).to.equal('ERR_OPTION');
  });
});

describe('First and last', () => {
  const noise = uniform(4, 200, -0.1, 0.1);
  const last = noise.map((v) => 1 + v);
  const scaled = (factor) => last.map((v, i) => factor * v + noise[199 - i]);

  it('are equal, or one is greater, or nobody can tell', async () => {
    const equal = await compareFirstAndLast(scaled(1.02), last, 0);
    expect(equal.verdict).to.equal('equal');
    expect(equal.answer).to.match(
      /^Yes: they differ by \d+ % of their mean, and surely by less than 20 % \(95 % interval \+\d+ % … \+\d+ %\)\.$/,
    );
    const first = await compareFirstAndLast(scaled(1.5), last, 0);
    expect(first.verdict).to.equal('first');
    // (1.5 − 1) / 1.25
    expect(first.difference.mean).to.be.closeTo(0.4, 0.01);
    expect((await compareFirstAndLast(last, scaled(2), 0)).verdict).to.equal('last');
    const few = await compareFirstAndLast([1, 3, 0.2], [2, 1, 1], 0);
    expect(few.verdict).to.equal('unclear');
    expect((await compareFirstAndLast([0, 0], [0, 0], 0)).verdict).to.equal('equal');
  });
});

describe('The answer of several measures', () => {
  const kinds = (verdicts) =>
    Object.fromEntries(
      Object.entries(verdicts).map(([kind, verdict]) => [kind, { firstAndLast: { verdict, answer: `${verdict}.` } }]),
    );

  it('is one where they agree, and says who says what where they do not', () => {
    expect(firstAndLastAnswer(kinds({ swap: 'last' }))).to.equal('last.');
    expect(firstAndLastAnswer(kinds({ zero: 'last', gradient: 'last' }))).to.equal(
      'No: the last matters more, by all of the measures.',
    );
    expect(firstAndLastAnswer(kinds({ zero: 'equal', mean: 'equal' }))).to.equal(
      'Yes: they are equally important, by all of the measures.',
    );
    expect(firstAndLastAnswer(kinds({ zero: 'unclear', mean: 'unclear' }))).to.equal(
      'These samples do not tell, by any of the measures.',
    );
    expect(firstAndLastAnswer(kinds({ zero: 'last', mean: 'equal', swap: 'last', gradient: 'unclear' }))).to.equal(
      "That depends on the measure: the last matters more (replaced by zeros, by another sample's); " +
        'they are equally important (by its mean); these samples do not tell (by gradient).',
    );
  });

  it('is none where there is one condition', async () => {
    const values = [1, 2, 3];
    expect((await compareFirstAndLast(values, values, 0)).answer).to.equal('There is one condition alone.');
  });
});

describe('How deep a condition reaches', () => {
  const averaged = Array.from({ length: 14 }, (_, i) => `conv${i + 1}`);
  const manifest = (order, taps) => ({ conditions: 8, settings: { order, averaged: taps } });

  it('is told by the taps that it averages', () => {
    const depths = conditionDepths(manifest('forward', averaged));
    const positions = keptPositions(14, 8);
    expect(positions).to.deep.equal([0, 2, 4, 6, 8, 10, 12, 13]);
    expect(depths.map(({ label }) => label)).to.deep.equal(['1', '1–3', '1–5', '1–7', '1–9', '1–11', '1–13', '1–14']);
    expect(depths[1]).to.deep.equal({ label: '1–3', taps: 3, of: 14, upTo: 'conv3' });
    const back = conditionDepths(manifest('reverse', [...averaged].reverse()));
    expect(back.map(({ label }) => label).slice(0, 3)).to.deep.equal(['14', '14–12', '14–10']);
    expect(back.at(-1)).to.deep.equal({ label: '14–1', taps: 14, of: 14, upTo: 'conv1' });
  });

  it('is its number alone where the data does not say', () => {
    expect(conditionDepths({ conditions: 2, settings: { order: 'forward' } })).to.deep.equal([
      { label: '1' },
      { label: '2' },
    ]);
  });
});
