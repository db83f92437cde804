// Resizing and normalising a map, METHOD §1, against a statement of both pixel by pixel: float32 runs a kernel, float64 ATen's operators.
import { expect } from 'chai';
import fc from 'fast-check';

import { Cnn, CnnBuilder, Tensor } from '../dist/index.js';

/** A CNN whose one tap is its image and whose gradient there is the same everywhere: its Grad-CAM is the image times a constant. */
async function mirror(height, width, dtype) {
  const net = new CnnBuilder({ channels: 1, height, width });
  const tap = net.add('conv2d', net.input, { filters: 1, kernel: 1, bias: false }, 'tap');
  const logits = net.add('linear', net.add('globalAvgPool2d', tap), { units: 1, bias: false }, 'logits');
  const cnn = await Cnn.create(net.build(logits), { device: 'cpu', dtype });
  const of = (shape) => Tensor.from(new Float32Array([1]), shape);
  await cnn.loadStateDict({ 'tap.weight': of([1, 1, 1, 1]), 'logits.weight': of([1, 1]) });
  return cnn;
}

/** The two input pixels of an output pixel, and the second's share. */
function between(i, from, to) {
  const place = Math.max((from / to) * (i + 0.5) - 0.5, 0);
  const first = Math.min(Math.floor(place), from - 1);
  return [first, Math.min(first + 1, from - 1), place - first];
}

function resize(image, [h, w], [height, width]) {
  return Float64Array.from({ length: height * width }, (_, i) => {
    const [top, bottom, down] = between(Math.floor(i / width), h, height);
    const [left, right, across] = between(i % width, w, width);
    const row = (y) => (1 - across) * image[y * w + left] + across * image[y * w + right];
    return (1 - down) * row(top) + down * row(bottom);
  });
}

function normalise(resized, image) {
  const range = Math.max(...image) - Math.min(...image);
  const low = Math.min(...resized);
  const spread = Math.max(...resized) - low;
  const varies = range > 1e-6 * Math.max(...image.map(Math.abs)) && spread > 0;
  return resized.map((value) => (varies ? (value - low) / spread : 0));
}

async function mapOf(cnn, images, [h, w], size, options = {}) {
  const input = Tensor.from(Float32Array.from(images.flat()), [images.length, 1, h, w]);
  const { maps } = await cnn.explain(input, { size, conditions: 0, excludeTarget: false, ...options });
  return Promise.resolve(maps.data()).then((data) => Array.from(data));
}

const side = fc.integer({ min: 1, max: 40 });

for (const dtype of ['float32', 'float64']) {
  describe(`A map's size and range (${dtype})`, () => {
    it('are those of METHOD, whatever the sizes', async () => {
      await fc.assert(
        fc.asyncProperty(side, side, side, side, fc.integer(), async (h, w, height, width, seed) => {
          const pixel = (i) => Math.abs(Math.sin(seed + i * 12.9898) * 43758.5453) % 1;
          const images = [0, 1, 2].map((n) =>
            Array.from({ length: h * w }, (_, i) => Math.fround(pixel(n * h * w + i))),
          );
          const cnn = await mirror(h, w, dtype);
          const size = [height, width];
          const plain = await mapOf(cnn, images, [h, w], size, { normalise: false });
          const normalised = await mapOf(cnn, images, [h, w], size);
          cnn.dispose();
          images.forEach((image, n) => {
            const resized = resize(image, [h, w], size);
            const scale = 1 / (h * w); // the gradient's mean
            const expected = normalise(resized, image);
            const values = normalised.slice(n * resized.length, (n + 1) * resized.length);
            const ends = values.some((value) => value !== 0) ? [0, 1] : [0, 0];
            expect([Math.min(...values), Math.max(...values)]).to.deep.equal(ends);
            resized.forEach((value, i) => {
              expect(plain[n * resized.length + i]).to.be.closeTo(value * scale, 2e-6 * scale);
              // What the spread divides is rounding too.
              const spread = Math.max(...resized) - Math.min(...resized);
              if (spread > 1e-3)
                expect(normalised[n * resized.length + i]).to.be.closeTo(expected[i], 1e-6 / spread + 2e-6);
            });
          });
        }),
        { numRuns: 60 },
      );
    });

    it('stay as they are at the same size', async () => {
      const cnn = await mirror(2, 3, dtype);
      const map = await mapOf(cnn, [[6, 1, 2, 3, 4, 5]], [2, 3], [2, 3]);
      map.forEach((value, i) => expect(value).to.be.closeTo([1, 0, 0.2, 0.4, 0.6, 0.8][i], 1e-6));
      cnn.dispose();
    });

    it('are zeros for a map that does not vary, or not by more than rounding, or is not finite', async () => {
      const cnn = await mirror(4, 4, dtype);
      const flat = new Array(16).fill(0.7);
      const noise = flat.map((value, i) => Math.fround(value + i * 2e-8));
      const nan = flat.map((value, i) => (i === 5 ? NaN : i * value));
      const infinite = flat.map((value, i) => (i === 5 ? Infinity : i * value));
      const varied = flat.map((_, i) => i / 15);
      const maps = await mapOf(cnn, [flat, noise, nan, infinite, varied], [4, 4], [8, 8]);
      expect(maps.slice(0, 4 * 64).every((value) => value === 0)).to.equal(true);
      expect(Math.max(...maps.slice(4 * 64))).to.equal(1);
      expect(Math.min(...maps.slice(4 * 64))).to.equal(0);
      cnn.dispose();
    });

    it('are zeros where a smaller size leaves nothing of the range', async () => {
      const cnn = await mirror(4, 4, dtype);
      // A 4 → 2 resize takes the mean of 2 × 2 pixels: all alike here.
      const image = Array.from({ length: 16 }, (_, i) => ((Math.floor(i / 4) + i) % 2 === 0 ? 1 : 0));
      expect(await mapOf(cnn, [image], [4, 4], [2, 2])).to.deep.equal([0, 0, 0, 0]);
      cnn.dispose();
    });
  });
}
