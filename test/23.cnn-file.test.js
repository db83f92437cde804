// A CNN's file: one safetensors with the spec in its metadata.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { Cnn, readSafetensors, small, Tensor, writeSafetensors } from '../dist/index.js';
import { error, f32, rejection, uniform } from './support/arrays.js';

describe("A CNN's file", () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-cnn-'));
  const path = join(folder, 'cnn.safetensors');
  const images = f32(uniform(1, 2 * 3 * 28 * 28, 0, 1), [2, 3, 28, 28]);
  const preprocessing = { range: [0, 255], mean: [100, 110, 120], std: [50, 60, 70], channelOrder: 'bgr' };
  after(() => rmSync(folder, { recursive: true }));

  it('gives back the same CNN, and the same bytes when it is saved again', async () => {
    const cnn = await Cnn.create(
      { ...small({ classes: ['a', 'b', 'c'], size: 28 }), preprocessing },
      { device: 'cpu', seed: 9 },
    );
    await cnn.save(path);
    const loaded = await Cnn.load(path, { device: 'cpu' });
    expect(loaded.spec).to.deep.equal(cnn.spec);
    expect(await error((await loaded.predict(images)).logits, (await cnn.predict(images)).logits)).to.equal(0);
    await loaded.save(join(folder, 'again.safetensors'));
    expect(readFileSync(join(folder, 'again.safetensors')).equals(readFileSync(path))).to.equal(true);
  });

  it('draws the same weights from the same seed, and others from another', async () => {
    const weight = async (seed) => {
      const cnn = await Cnn.create(small({ classes: 3 }), { device: 'cpu', seed });
      return [...(await (await cnn.stateDict())['stem.conv.weight'].data())];
    };
    expect(await weight(1)).to.deep.equal(await weight(1));
    expect(await weight(1)).to.not.deep.equal(await weight(2));
  });

  it('carries its preprocessing: range, mean, std and channel order', async () => {
    const spec = (rest) => ({
      input: { channels: 3, height: 2, width: 2 },
      nodes: [{ name: 'out', op: 'flatten', inputs: ['input'] }],
      output: 'out',
      ...rest,
    });
    const cnn = await Cnn.create(spec({ preprocessing }), { device: 'cpu' });
    const x = uniform(3, 12, 0, 1);
    const { logits } = await cnn.predict(f32(x, [1, 3, 2, 2]));
    const wanted = Array.from({ length: 12 }, (_, i) => {
      const channel = Math.floor(i / 4);
      return (255 * x[(2 - channel) * 4 + (i % 4)] - preprocessing.mean[channel]) / preprocessing.std[channel];
    });
    expect(await error(logits, wanted)).to.be.below(1e-6);
    const wrong = await rejection(Cnn.create(spec({ preprocessing: { mean: [1, 2] } }), { device: 'cpu' }));
    expect(wrong.message).to.equal('preprocessing.mean must have one number for each of 3 channels, got 2');
  });

  it('is loaded with some of its preprocessing said anew, and the rest as it was', async () => {
    const spec = {
      input: { channels: 3, height: 2, width: 2 },
      nodes: [{ name: 'out', op: 'flatten', inputs: ['input'] }],
      output: 'out',
      preprocessing: { ...preprocessing, resize: { fit: 'crop', scale: 1.25, interpolation: 'bicubic' } },
    };
    const saved = join(folder, 'prepared.safetensors');
    const cnn = await Cnn.create(spec, { device: 'cpu' });
    await cnn.save(saved);
    const told = async (asked) => (await Cnn.load(saved, { device: 'cpu', preprocessing: asked })).spec.preprocessing;
    const whole = cnn.spec.preprocessing;
    expect(await told({ resize: { fit: 'stretch' } })).to.deep.equal({ ...whole, resize: { ...whole.resize, fit: 'stretch' } }); // prettier-ignore
    expect(await told({ range: [0, 1] })).to.deep.equal({ ...whole, range: [0, 1] });
    expect(await told({ mean: [] })).to.deep.equal({ ...whole, mean: [] });
    expect(await told('tf')).to.deep.equal({ range: [-1, 1], mean: [], std: [], channelOrder: 'rgb', resize: whole.resize }); // prettier-ignore
  });

  it('gives a network of one channel gray pictures', async () => {
    const nodes = [{ name: 'out', op: 'flatten', inputs: ['input'] }];
    const spec = {
      input: { channels: 1, height: 1, width: 2 },
      nodes,
      output: 'out',
      preprocessing: { range: [0, 255] },
    };
    const cnn = await Cnn.create(spec, { device: 'cpu' });
    const bytes = await cnn.predict(Tensor.from(Uint8Array.from([10, 20, 30, 40, 50, 60]), [1, 3, 1, 2]));
    expect(
      await error(bytes.logits, [0.299 * 10 + 0.587 * 30 + 0.114 * 50, 0.299 * 20 + 0.587 * 40 + 0.114 * 60]),
    ).to.be.below(1e-6);
    const gray = await cnn.predict(f32([0.2, 0.4], [1, 1, 1, 2]));
    expect(await error(gray.logits, [51, 102])).to.be.below(1e-6);
    const wrong = await rejection(cnn.predict(f32([1, 2, 3, 4], [1, 2, 1, 2])));
    expect(wrong.message).to.equal('images must be [N, 1 or 3, 1, 2], got [1, 2, 1, 2]');
  });

  it('is refused in words when it is not one', async () => {
    const problem = async (tensors, metadata) => {
      const bad = join(folder, 'bad.safetensors');
      await writeSafetensors(bad, tensors, metadata);
      const { code, message } = await rejection(Cnn.load(bad, { device: 'cpu' }));
      return `${code} ${message.replace(bad, 'FILE')}`;
    };
    const { tensors, metadata } = await readSafetensors(path);
    const without = Object.fromEntries(Object.entries(tensors).filter(([name]) => name !== 'logits.bias'));
    expect(await problem(tensors, {})).to.match(
      /^ERR_FORMAT FILE: weights without a network: its metadata has no 'cumulens'/,
    );
    expect(await problem(tensors, { cumulens: '{' })).to.equal("ERR_FORMAT FILE: its metadata 'cumulens' is not JSON");
    expect(await problem(tensors, { cumulens: '{}' })).to.match(/^ERR_FORMAT FILE\.input: missing/);
    expect(await problem(without, metadata)).to.equal("ERR_FORMAT FILE: the weights have no tensor 'logits.bias'");
    expect(await problem({ ...tensors, more: f32([1], [1]) }, metadata)).to.equal(
      "ERR_FORMAT FILE: the weights have a tensor 'more' that the network does not use",
    );
    expect(await problem({ ...tensors, 'logits.bias': f32([1, 2], [2]) }, metadata)).to.equal(
      "ERR_FORMAT FILE: the weight 'logits.bias' has shape [2], the network needs [3]",
    );
    const huge = (index) => ({ name: `fc${index}`, op: 'linear', inputs: [index === 0 ? 'input' : `fc${index - 1}`], attrs: { units: 2 ** 20 } }); // prettier-ignore
    const claims = { input: { channels: 1, height: 1, width: 1 }, nodes: [{ name: 'row', op: 'flatten', inputs: ['input'] }, ...[0, 1, 2, 3].map(huge)], output: 'fc3' }; // prettier-ignore
    claims.nodes[1].inputs = ['row'];
    const before = process.resourceUsage().maxRSS;
    expect(await problem({}, { cumulens: JSON.stringify(claims) })).to.equal("ERR_FORMAT FILE: the weights have no tensor 'fc0.bias' (and 7 more)"); // prettier-ignore
    expect((process.resourceUsage().maxRSS - before) / 1024, 'MiB').to.be.below(256);
    writeFileSync(join(folder, 'text'), 'not a file of weights');
    expect((await rejection(Cnn.load(join(folder, 'text')))).code).to.equal('ERR_FORMAT');
    expect((await rejection(Cnn.load(join(folder, 'none')))).code).to.equal('ERR_IO');
  });
});
