// Every op against an independent statement (numpy: fixtures/make_ops.py), in float64 and float32.
import { expect } from 'chai';

import { Cnn, readSafetensors } from '../dist/index.js';
import { error } from './support/arrays.js';

const { tensors, metadata } = await readSafetensors('test/fixtures/ops.safetensors');

/** The CNN of a case: its nodes, and a flatten where they end in a picture. */
async function build({ name, shape: [channels, height, width], nodes }, dtype) {
  const flatten = { name: 'logits', op: 'flatten', inputs: [nodes.at(-1).name] };
  const spec = { input: { channels, height, width }, nodes: [...nodes, flatten], output: 'logits', taps: [] };
  const cnn = await Cnn.create(spec, { device: 'cpu', dtype });
  const prefix = `${name}/weights/`;
  const weights = Object.entries(tensors).filter(([key]) => key.startsWith(prefix));
  await cnn.loadStateDict(Object.fromEntries(weights.map(([key, tensor]) => [key.slice(prefix.length), tensor])));
  return cnn;
}

describe('Ops of a CNN', () => {
  for (const item of JSON.parse(metadata.cases)) {
    it(item.name, async () => {
      for (const [dtype, bound] of [
        ['float64', 1e-12],
        ['float32', 2e-6],
      ]) {
        const cnn = await build(item, dtype);
        const { logits } = await cnn.predict(tensors[`${item.name}/input`]);
        expect(logits.shape).to.deep.equal(tensors[`${item.name}/output`].shape);
        expect(await error(logits, tensors[`${item.name}/output`])).to.be.below(bound);
        cnn.dispose();
      }
    });
  }
});
