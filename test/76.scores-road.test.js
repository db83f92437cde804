// ROAD and its imputation where the right answer is known.
import { expect } from 'chai';
import fc from 'fast-check';

import { createScorer } from '../dist/index.js';
import { native } from '../dist/native.js';
import { f32, f64, rejection, uniform } from './support/arrays.js';
import { classes, disposeMade, linearCnn, sigmoid, values } from './support/scoring.js';

describe('ROAD', () => {
  after(disposeMade);
  // One bright pixel on black, and a network that reads nothing else.
  const S = 9;
  const place = 4 * S + 5;
  const image = (...bright) => Array.from({ length: S * S }, (_, i) => (bright.includes(i) ? 1 : 0));
  const reads = image(place).map((v) => 4 * v);
  const score = async (cnn, pixels, map, settings = { roadNoise: 0 }) =>
    (
      await createScorer(['road'], settings).score({
        ...{ cnn, images: f64(pixels, [1, 1, S, S]), target: classes([0]), seed: 3, first: 0 },
        maps: f32(map, [1, 1, S, S]),
      })
    ).values.road[0];

  it('is half the difference of p with and without the one pixel that counts', async () => {
    const cnn = await linearCnn([1, S, S], [reads, reads.map(() => 0)], [0, 0]);
    // Black neighbours, known or imputed, make the missing pixel black.
    const difference = (sigmoid(4) - sigmoid(0)) / 2;
    expect(await score(cnn, image(place), image(place))).to.be.closeTo(difference, 1e-9);
    const upsideDown = image(place).map((v) => 1 - v);
    expect(await score(cnn, image(place), upsideDown)).to.be.closeTo(-difference, 1e-9);
  });

  it('says nothing where imputation brings back what was removed', async () => {
    const cnn = await linearCnn([1, S, S], [reads, reads.map(() => 0)], [0, 0]);
    const map = uniform(3, S * S, 0, 1);
    expect(await score(cnn, Array(S * S).fill(0.5), map)).to.be.closeTo(0, 1e-4);
    const noisy = await score(cnn, Array(S * S).fill(0.5), map, { roadNoise: 0.05 });
    expect(Math.abs(noisy)).to.be.within(1e-4, 0.1);
  });

  it('imputes to a residual of 1e-4, in any shape and both precisions', async () => {
    const around = (x, H, W, y0, x0) => {
      let [total, weight] = [0, 0];
      for (let dy = -1; dy <= 1; dy++)
        for (let dx = -1; dx <= 1; dx++) {
          const [y, col] = [y0 + dy, x0 + dx];
          if ((dy === 0 && dx === 0) || y < 0 || y >= H || col < 0 || col >= W) continue;
          const w = dy !== 0 && dx !== 0 ? 1 / 12 : 1 / 6;
          total += w * x[y * W + col];
          weight += w;
        }
      return [total, weight];
    };
    const shape = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }));
    await fc.assert(
      fc.asyncProperty(
        shape,
        fc.integer(),
        fc.double({ min: 0, max: 0.98, noNaN: true }),
        async ([H, W], seed, share) => {
          const pixels = uniform(seed, 2 * H * W, 0, 1);
          const missing = uniform(seed + 1, H * W).map((v) => ((v + 1) / 2 < share ? 1 : 0));
          missing[Math.floor((H * W) / 2)] = 0;
          for (const make of [f32, f64]) {
            const filled = await native.imputeMissing(make(pixels, [1, 2, H, W]), f32(missing, [1, 1, H, W]));
            const found = await values(filled);
            for (let c = 0; c < 2; c++) {
              const plane = found.slice(c * H * W, (c + 1) * H * W);
              const known = plane.map((v, i) => (missing[i] ? 0 : v));
              let [residual, right] = [0, 0];
              plane.forEach((value, i) => {
                const at = [H, W, Math.floor(i / W), i % W];
                if (!missing[i])
                  return expect(value).to.equal(
                    make === f32 ? Math.fround(pixels[c * H * W + i]) : pixels[c * H * W + i],
                  );
                const [total, weight] = around(plane, ...at);
                residual += (total - weight * value) ** 2;
                right += around(known, ...at)[0] ** 2;
              });
              expect(Math.sqrt(residual)).to.be.at.most(1.05e-4 * Math.sqrt(right) + 1e-6);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('imputes zeros where nothing is known, and refuses shapes that do not fit', async () => {
    const ones = f32(Array(16).fill(1), [1, 1, 4, 4]);
    expect(await values(await native.imputeMissing(ones, ones))).to.deep.equal(Array(16).fill(0));
    const wrong = await rejection(native.imputeMissing(ones, f32(Array(8).fill(1), [1, 2, 2, 2])));
    expect(wrong).to.include({ code: 'ERR_SHAPE' });
    expect(wrong.message).to.match(/\[1, 2, 2, 2\] for images \[1, 1, 4, 4\]/);
  });
});
