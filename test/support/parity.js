// A network against the framework that it came from: logits, and plain Grad-CAM before normalisation at every tap.
import { expect } from 'chai';

import { readSafetensors, Tensor } from '../../dist/index.js';

/** max|a − b| and max|b| of each of `groups` slices of equal layout: index → group. */
function errorsByGroup(a, b, groups, groupOf) {
  const difference = new Float64Array(groups);
  const scale = new Float64Array(groups);
  for (let i = 0; i < b.length; i++) {
    const group = groupOf(i);
    const apart = Math.abs(a[i] - b[i]);
    difference[group] = Number.isNaN(apart) ? Infinity : Math.max(difference[group], apart);
    scale[group] = Math.max(scale[group], Math.abs(b[i]));
  }
  return { difference, scale };
}

/**
 * Compares a network with what `path` (safetensors) says of it: `images` [N, C, H, W], before preprocessing, or `input`, after it (for a CNN
 * whose preprocessing is none), `logits` [N, K], `maps` [N, L, S, S]: relu(Σ_c mean(g)·A) of the predicted class at every tap, resized;
 * metadata `taps`, their names as JSON, where they are to be compared.
 * @returns the largest errors, relative to the largest logit and to each tap's largest value
 */
export async function parity(cnn, path) {
  const { tensors, metadata } = await readSafetensors(path);
  const images = tensors.images ?? tensors.input;
  const [count, taps, height, width] = tensors.maps.shape;
  if (metadata.taps) expect(cnn.taps, 'taps').to.deep.equal(JSON.parse(metadata.taps));
  expect(cnn.taps, 'taps').to.have.length(taps);
  const result = await cnn.explain(images, {
    size: [height, width],
    conditions: 0,
    excludeTarget: false,
    normalise: false,
  });
  const [logits, expectedLogits, maps, expectedMaps] = await Promise.all(
    [result.logits, tensors.logits, result.maps, tensors.maps].map((tensor) => tensor.data()),
  );
  expect(result.logits.shape).to.deep.equal(tensors.logits.shape);
  const ofLogits = errorsByGroup(logits, expectedLogits, 1, () => 0);
  const pixels = height * width;
  const ofMaps = errorsByGroup(maps, expectedMaps, taps, (i) => Math.floor(i / pixels) % taps);
  const zeros = Array.from({ length: count * taps }, (_, i) =>
    expectedMaps.subarray(i * pixels, (i + 1) * pixels).every((value) => value === 0),
  ).filter(Boolean).length;
  for (const tensor of Object.values({ ...tensors, ...result })) if (Tensor.isTensor(tensor)) tensor.dispose();
  return {
    predicted: result.predicted,
    logits: ofLogits.difference[0] / ofLogits.scale[0],
    maps: Array.from(ofMaps.difference, (apart, tap) => (apart === 0 ? 0 : apart / ofMaps.scale[tap])),
    zeros: zeros / (count * taps),
  };
}

/** The same, asserted: logits to 1e-4, maps to 1e-3, of a fixture that says something. */
export async function assertParity(cnn, path) {
  const result = await parity(cnn, path);
  expect(result.zeros, 'share of maps that are zero in the fixture').to.be.at.most(0.1);
  expect(new Set(result.predicted).size, 'different classes predicted').to.be.above(1);
  expect(result.logits, 'error of the logits').to.be.at.most(1e-4);
  result.maps.forEach((error, tap) => expect(error, `error of the maps at ${cnn.taps[tap]}`).to.be.at.most(1e-3));
  return result;
}
