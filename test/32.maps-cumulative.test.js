// Cumulative averages: which are kept, in which order, and which taps take part.
import { expect } from 'chai';
import fc from 'fast-check';

import { Cnn, keptPositions } from '../dist/index.js';
import { error, rejection } from './support/arrays.js';
import { smallCnn, someImages } from './support/small-cnn.js';

describe('Kept positions', () => {
  it('are those of METHOD', () => {
    expect(keptPositions(13, 8)).to.deep.equal([0, 2, 4, 6, 7, 9, 11, 12]);
    expect(keptPositions(8, 8)).to.deep.equal([0, 2, 3, 4, 5, 6, 7, 7]);
    expect(keptPositions(1, 8)).to.deep.equal(new Array(8).fill(0));
  });

  it('begin at 0, never fall, and end at L − 1, for every L and P', () => {
    for (let layers = 1; layers <= 200; layers++) {
      for (let conditions = 1; conditions <= 16; conditions++) {
        const positions = keptPositions(layers, conditions);
        const where = `L = ${layers}, P = ${conditions}`;
        expect(positions, where).to.have.length(conditions);
        expect(positions.at(-1), where).to.equal(layers - 1);
        if (conditions > 1) expect(positions[0], where).to.equal(0);
        for (let i = 1; i < conditions; i++) expect(positions[i], where).to.be.at.least(positions[i - 1]);
      }
    }
  });

  it('are within one of even spacing (property)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 2, max: 64 }), (layers, conditions) => {
        keptPositions(layers, conditions).forEach((position, i) => {
          const even = (i * (layers - 1)) / (conditions - 1);
          expect(position)
            .to.be.at.least(Math.floor(even))
            .and.at.most(Math.ceil(even + (layers - 1) / 100) + 1);
        });
      }),
    );
  });

  it('are refused for no layers or conditions', () => {
    expect(() => keptPositions(0, 8)).to.throw(/layers must be ≥ 1/);
    expect(() => keptPositions(8, 0)).to.throw(/conditions must be ≥ 1/);
    expect(() => keptPositions(2.5, 8)).to.throw(/whole number/);
  });
});

describe('Cumulative averages', () => {
  const images = someImages(3);
  let cnn;
  let maps;

  before(async () => {
    cnn = await smallCnn();
    maps = await (await cnn.explain(images, { conditions: 0 })).maps.data();
  });

  /** C_k at the kept positions, from all maps [3, 3, 32, 32]. */
  function averages(taps, conditions) {
    const pixels = 32 * 32;
    const positions = keptPositions(taps.length, conditions);
    return Float64Array.from({ length: 3 * conditions * pixels }, (_, i) => {
      const sample = Math.floor(i / (conditions * pixels));
      const used = taps.slice(0, positions[Math.floor(i / pixels) % conditions] + 1);
      return used.reduce((sum, tap) => sum + maps[(sample * 3 + tap) * pixels + (i % pixels)], 0) / used.length;
    });
  }

  const settings = [
    [{ excludeTarget: false }, [0, 1, 2]],
    [{ excludeTarget: false, order: 'reverse' }, [2, 1, 0]],
    [{}, [0, 1]],
    [{ order: 'reverse' }, [1, 0]],
    [{ targetTap: 1 }, [0]],
    [{ targetTap: -2 }, [0]],
    [{ targetTap: 'conv2d_3', order: 'reverse' }, [1, 0]],
  ];
  for (const [options, taps] of settings) {
    it(`average taps ${taps} for ${JSON.stringify(options)}`, async () => {
      for (const conditions of [1, 2, 5]) {
        const { cumulative } = await cnn.explain(images, { ...options, conditions, maps: false });
        expect(cumulative.shape).to.deep.equal([3, conditions, 32, 32]);
        expect(await error(cumulative, averages(taps, conditions))).to.be.below(1e-6);
      }
    });
  }

  it('have a target map of their own method and tap', async () => {
    const layercam = await (await cnn.explain(images, { method: 'layercam', conditions: 0 })).maps.data();
    const { targetMap } = await cnn.explain(images, { targetTap: 1, targetMethod: 'layercam' });
    const pixels = 32 * 32;
    const wanted = [0, 1, 2].flatMap((n) => [...layercam.slice((3 * n + 1) * pixels, (3 * n + 2) * pixels)]);
    expect(await error(targetMap, wanted)).to.be.below(1e-6);
  });

  it('are refused where no tap is left, or there is no such tap', async () => {
    const none = await rejection(cnn.explain(images, { targetTap: 0 }));
    expect([none.code, none.message]).to.deep.equal([
      'ERR_OPTION',
      "excludeTarget leaves no tap to average: the target's is the first of 3; set excludeTarget to false, or take a deeper targetTap",
    ]);
    expect((await rejection(cnn.explain(images, { targetTap: 3 }))).message).to.match(
      /expected −3 … 2 for 3 taps, got 3/,
    );
    expect((await rejection(cnn.explain(images, { targetTap: 'conv2d_4' }))).message).to.match(
      /'conv2d_4' is not a tap; did you mean 'conv2d_/,
    );
  });

  it('need a CNN with taps', async () => {
    const spec = { ...cnn.spec, taps: [] };
    const bare = await Cnn.create(spec, { device: 'cpu' });
    expect((await rejection(bare.explain(images))).message).to.match(/tap/);
  });
});
