// Which of two methods is better, and how many are ranked: paired, by the bootstrap.
import { expect } from 'chai';
import fc from 'fast-check';

import { ScoreTable } from '../dist/index.js';
import { uniform } from './support/arrays.js';

const noise = uniform(3, 60, -0.1, 0.1);
/** A table of a score by method; rows are added in two parts. */
function tableOf(name, methods, flags = {}) {
  const table = new ScoreTable();
  for (const [method, values] of Object.entries(methods)) {
    const undefinedOf = (from, to) => (flags[method] ? { [name]: flags[method].slice(from, to) } : {});
    table.add(method, { values: { [name]: values.slice(0, 2) }, undefined: undefinedOf(0, 2) });
    table.add(method, { values: { [name]: values.slice(2) }, undefined: undefinedOf(2) });
  }
  return table;
}

describe('Paired comparison of two methods', () => {
  const base = [0.1, 0.5, 0.9, 0.3, 0.7];

  it('says better only where the interval of the differences excludes 0', async () => {
    const verdict = async (name, other) =>
      (await tableOf(name, { a: base, b: other }).compare('a', 'b', name, 0)).verdict;
    const [above, below] = [base.map((v) => v + 0.01), base.map((v) => v - 0.01)];
    expect(await verdict('mae', above)).to.equal('better');
    expect(await verdict('mae', below)).to.equal('worse');
    expect(await verdict('ssim', above)).to.equal('worse');
    expect(await verdict('ssim', below)).to.equal('better');
    expect(await verdict('mae', [0.2, 0.4, 1.0, 0.2, 0.7])).to.equal('indistinguishable');
    expect(await verdict('mae', base), 'a method and itself').to.equal('indistinguishable');
  });

  it('is of the samples, not of the means: a small difference at every sample shows through large ones between samples', async () => {
    const spread = uniform(1, 60, 0, 1);
    const table = tableOf('mae', { a: spread, b: spread.map((v, i) => v + 0.05 + noise[i]) });
    const { mean, low, high, verdict } = await table.compare('a', 'b', 'mae', 0);
    const expected = -0.05 - noise.reduce((x, y) => x + y) / 60;
    expect(mean).to.be.closeTo(expected, 1e-12);
    expect(low).to.be.below(mean);
    expect(high).to.be.above(mean);
    expect(verdict).to.equal('better');
    const [a, b] = [await table.summarise('a', 'mae', 0), await table.summarise('b', 'mae', 0)];
    expect(a.high, 'their own intervals overlap').to.be.above(b.low);
  });

  it('refuses scores that are not there, and samples that are not the same', async () => {
    const table = tableOf('mae', { a: base, b: base.slice(1) });
    expect(await table.compare('a', 'c', 'mae', 0).catch((e) => e.message)).to.equal("scores: 'c' has no 'mae'");
    expect(await table.compare('a', 'b', 'mae', 0).catch((e) => e.message)).to.match(
      /'a' has 5 samples of 'mae', 'b' 4/,
    );
  });
});

describe('A ranking', () => {
  it('puts the best mean first and counts only those that are surely better', async () => {
    const spread = uniform(1, 60, 0, 1);
    const table = tableOf(
      'road',
      {
        low: spread.map((v, i) => v - 0.3 + noise[i]),
        high: spread,
        nearlyHigh: spread.map((v, i) => v + noise[(i * 7) % 60] - noise.reduce((x, y) => x + y) / 60 - 1e-4),
      },
      { low: spread.map((_, i) => i % 20 === 0) },
    );
    const ranking = await table.rank('road', 5);
    expect(ranking.map(({ method, rank }) => [method, rank])).to.deep.equal([
      ['high', 1],
      ['nearlyHigh', 1],
      ['low', 3],
    ]);
    expect(ranking[2].undefined).to.equal(3);
    expect(ranking[0].undefined).to.equal(0);
    expect(ranking[0].against.low.verdict).to.equal('better');
    expect(ranking[2].against.high.verdict).to.equal('worse');
    expect(ranking[0].against.nearlyHigh.verdict).to.equal('indistinguishable');
  });

  it('agrees with compare and summarise, and turns round with the order of the methods', async () => {
    const score = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(score, score, async (left, right) => {
        const n = Math.min(left.length, right.length);
        const table = tableOf('deletion', { a: left.slice(0, n), b: right.slice(0, n) });
        const ranking = await table.rank('deletion', 1);
        for (const { method, against, ...summary } of ranking) {
          const other = method === 'a' ? 'b' : 'a';
          const own = await table.summarise(method, 'deletion', 1);
          for (const key of ['mean', 'low', 'high', 'undefined']) expect(summary[key]).to.be.closeTo(own[key], 1e-12);
          const found = against[other];
          const expected = await table.compare(method, other, 'deletion', 1);
          for (const key of ['mean', 'low', 'high']) expect(found[key]).to.be.closeTo(expected[key], 1e-12);
          // Bounds at 0 may round to either side of it.
          if (Math.min(Math.abs(expected.low), Math.abs(expected.high)) > 1e-12)
            expect(found.verdict).to.equal(expected.verdict);
        }
      }),
      { numRuns: 25 },
    );
  });
});
