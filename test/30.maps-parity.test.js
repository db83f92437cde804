// The published code's maps and averages, and the plain ones, on a CNN it made (fixtures/keras-cnn).
import { expect } from 'chai';

import { Cnn, keptPositions, readSafetensors } from '../dist/index.js';
import { error } from './support/arrays.js';

const BOUND = 2e-4;
const PIXELS = 24 * 20;
const LAYERS = 4;

/** Min–max of every picture of PIXELS values, as the published code normalises an average. */
function normalised(values) {
  const result = Float32Array.from(values);
  for (let begin = 0; begin < result.length; begin += PIXELS) {
    const picture = result.subarray(begin, begin + PIXELS);
    const low = Math.min(...picture);
    const high = Math.max(...picture);
    picture.forEach((value, i) => (picture[i] = (value - low) / (high - low)));
  }
  return result;
}

/** Of all L averages [N, L, pixels] those that are kept, [N, P, pixels]. */
function kept(all, positions) {
  const count = all.length / (LAYERS * PIXELS);
  return Float32Array.from({ length: count * positions.length * PIXELS }, (_, i) => {
    const sample = Math.floor(i / (positions.length * PIXELS));
    const position = positions[Math.floor(i / PIXELS) % positions.length];
    return all[(sample * LAYERS + position) * PIXELS + (i % PIXELS)];
  });
}

describe('Parity with the published code', () => {
  // P = 16 keeps every one of 4 averages.
  const options = { conditions: 16, excludeTarget: false };
  const positions = keptPositions(LAYERS, 16);
  let cnn;
  let io;

  before(async () => {
    cnn = await Cnn.load('test/fixtures/keras-cnn.weights.safetensors', { device: 'cpu' });
    ({ tensors: io } = await readSafetensors('test/fixtures/keras-cnn.io.safetensors'));
  });

  it('reads the spec: fused activations are the taps', () => {
    expect(cnn.taps).to.deep.equal(['relu1', 'conv2', 'conv3', 'relu4']);
    expect([...new Set(positions)]).to.deep.equal([0, 1, 2, 3]);
  });

  it('logits', async () => {
    const { logits, predicted } = await cnn.predict(io.image);
    expect(await error(logits, io.logits)).to.be.below(1e-4);
    const values = await io.logits.data();
    const best = [0, 1, 2, 3].map((n) => {
      const row = [...values.slice(5 * n, 5 * n + 5)];
      return row.indexOf(Math.max(...row));
    });
    expect(predicted).to.deep.equal(best);
  });

  it('Grad-CAM of the predicted class at every tap, and its averages', async () => {
    const { maps, cumulative } = await cnn.explain(io.image, options);
    expect(await error(maps, io.gradcam_predicted)).to.be.below(BOUND);
    const expected = kept(await io.cumulative_forward_predicted.data(), positions);
    expect(await error(cumulative, expected)).to.be.below(BOUND);
  });

  it('the published weights for class 0 at every tap, and the reverse averages', async () => {
    const { maps, cumulative } = await cnn.explain(io.image, {
      ...options,
      method: 'guided-gradcam-weights',
      target: 0,
      order: 'reverse',
    });
    expect(await error(maps, io.guided_gradcam_class0)).to.be.below(BOUND);
    const expected = kept(await io.cumulative_reverse_class0.data(), positions);
    expect(await error(normalised(await cumulative.data()), expected)).to.be.below(BOUND);
  });
});
