// Keras models: the applications with few filters as Keras 3 saves them, and files of Keras 2 written by hand after its format.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';
import * as hdf5 from 'h5wasm/node';

import { Cnn, CumulensError, readSafetensors } from '../dist/index.js';
import { error, rejection } from './support/arrays.js';
import { assertParity } from './support/parity.js';
import { zip } from './support/zip.js';

const FOLDER = 'test/fixtures/models';
const load = (file, options = {}) => Cnn.load(`${FOLDER}/${file}`, { device: 'cpu', ...options });
const io = (name) => `${FOLDER}/${name}.keras-io.safetensors`;

describe('Keras models', () => {
  for (const file of ['vgg16.h5', 'resnet50.keras', 'inceptionv3.keras', 'mobilenetv2.keras']) {
    it(`${file}: Keras' logits, and its maps at every convolution`, async () => {
      const cnn = await load(file);
      await assertParity(cnn, io(file.split('.')[0]));
      cnn.dispose();
    });
  }

  it('a base in a head, as Keras 2 keeps it: the layers of the base carry its name', async () => {
    const cnn = await load('vgg16-keras2.h5');
    const { tensors, metadata } = await readSafetensors(io('vgg16'));
    expect(cnn.taps).to.deep.equal(JSON.parse(metadata.taps).map((name) => `base.${name}`));
    expect(await error((await cnn.predict(tensors.images)).logits, tensors.logits)).to.be.below(1e-4);
  });

  for (const file of ['many.keras', 'many.h5']) {
    it(`${file}: every kind of layer, a layer called twice, a model in the model, arithmetic`, async () => {
      const { metadata } = await readSafetensors(io('many'));
      const cnn = await load(file, { taps: JSON.parse(metadata.taps) });
      await assertParity(cnn, io('many'));
      expect(cnn.spec.preprocessing.range).to.deep.equal([0, 255]);
      expect(cnn.spec.nodes.find(({ name }) => name === 'shared#2').weights).to.equal('shared');
      expect(cnn.notes).to.deep.equal([
        "layer 'flip' (RandomFlip) works in training alone, and is left out",
        "the softmax at the end ('head.softmax') is left out: the outputs are logits",
        "pictures are given in [0, 255], since 'rescale' scales them first",
      ]);
    });
  }

  for (const file of ['separable.keras', 'separable-keras2.keras']) {
    it(`${file}: both halves of a separable convolution are taps`, async () => {
      const cnn = await load(file);
      const { tensors } = await readSafetensors(io('separable'));
      expect(await error((await cnn.predict(tensors.images)).logits, tensors.logits)).to.be.below(1e-4);
      expect(cnn.taps).to.deep.equal(['first.depthwise', 'first.tanh', 'second.depthwise', 'second']);
    });
  }

  describe('malformed files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cumulens-keras-test-'));
    const temporary = () => readdirSync(tmpdir()).filter((name) => /^cumulens-keras-(?!test-)/.test(name));
    const before = temporary();
    after(() => {
      rmSync(folder, { recursive: true });
      expect(temporary(), 'temporary files').to.deep.equal(before);
    });

    const refusal = async (name, bytes) => {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      const caught = await rejection(Cnn.load(path, { device: 'cpu' }));
      if (!(caught instanceof CumulensError)) throw caught;
      return `${caught.code} ${caught.message.replaceAll(path, 'FILE')}`;
    };
    const source = readFileSync(`${FOLDER}/separable.keras`);
    const archive = (entries) => zip(Object.entries(entries).map(([name, data]) => ({ name, data })));

    it('archives that lack a part, or hold another', async () => {
      const config = JSON.stringify({ class_name: 'Sequential', config: { name: 'net', layers: [] } });
      const metadata = '{"keras_version":"3.15.0"}';
      expect(await refusal('a.keras', archive({ 'config.json': '{' }))).to.equal(
        "ERR_FORMAT FILE: 'config.json' is not JSON",
      );
      expect(await refusal('a.keras', archive({ 'metadata.json': metadata }))).to.equal(
        "ERR_FORMAT FILE: the archive has no 'config.json'",
      );
      expect(await refusal('a.keras', archive({ 'config.json': config }))).to.equal(
        "ERR_FORMAT FILE: the archive has no 'model.weights.h5'",
      );
      expect(await refusal('a.keras', archive({ 'config.json': config, 'model.weights.h5': 'no HDF5' }))).to.equal(
        "ERR_FORMAT FILE: 'model.weights.h5': not a whole HDF5 file: it cannot be opened",
      );
      expect(await refusal('a.keras', source.subarray(0, source.length - 100))).to.match(/^ERR_FORMAT FILE: not a whole and safe zip/); // prettier-ignore
    });

    it('files of data alone, and cut ones', async () => {
      const whole = readFileSync(`${FOLDER}/many.h5`);
      for (const part of [0.1, 0.5, 0.99]) {
        expect(await refusal('a.h5', whole.subarray(0, part * whole.length))).to.match(/^ERR_FORMAT FILE: /);
      }
      const nameless = Buffer.from(whole);
      nameless.write('model_konfig', nameless.indexOf('model_config'));
      expect(await refusal('a.h5', nameless)).to.match(/^ERR_FORMAT FILE: holds no model, only data/);
    });

    it('changed bytes end neither the process nor the next load', async function () {
      this.timeout(300_000);
      const whole = readFileSync(`${FOLDER}/many.h5`);
      const path = join(folder, 'mutated.h5');
      const changes = fc.array(fc.tuple(fc.nat(whole.length - 9), fc.nat(255)), { minLength: 1, maxLength: 30 });
      await fc.assert(
        fc.asyncProperty(changes, async (edits) => {
          const changed = Buffer.from(whole);
          for (const [at, value] of edits) changed[8 + at] = value;
          writeFileSync(path, changed);
          try {
            (await Cnn.load(path, { device: 'cpu' })).dispose();
          } catch (caught) {
            if (!(caught instanceof CumulensError)) throw caught;
          }
        }),
        { numRuns: 40 },
      );
      const cnn = await load('many.h5');
      expect(cnn.classes).to.equal(7);
    });

    it('sizes are believed as far as the file could hold them', async () => {
      const whole = readFileSync(`${FOLDER}/many.h5`);
      const cnn = await load('many.h5');
      const [, features] = (await cnn.stateDict())['head.weight'].shape;
      // The head's kernel [features, 7]: its dataspace lies in the file as two 64-bit sizes.
      const sizes = Buffer.alloc(16);
      sizes.writeBigUInt64LE(BigInt(features));
      sizes.writeBigUInt64LE(7n, 8);
      const changed = Buffer.from(whole);
      changed.writeBigUInt64LE(2n ** 40n, whole.indexOf(sizes));
      expect(await refusal('a.h5', changed)).to.match(/^ERR_FORMAT FILE: not a whole HDF5 file: /);

      const path = join(folder, 'zeros.h5');
      await hdf5.ready;
      const file = new hdf5.File(path, 'w');
      const zeros = { data: new Float32Array(4_000_000), shape: [2000, 2000] };
      file.create_dataset({ name: 'zeros', ...zeros, chunks: [2000, 200], compression: 9 });
      file.close();
      expect((await rejection(Cnn.load(path))).message).to.match(
        /zeros.h5: not a whole HDF5 file: 'zeros' claims 16000000 bytes, more than the file's \d+ can hold$/,
      );
    });

    it('links to other files are not followed', async () => {
      const path = join(folder, 'link.h5');
      await hdf5.ready;
      const file = new hdf5.File(path, 'w');
      file.create_external_link(join(process.cwd(), FOLDER, 'many.h5'), '/model_weights', 'model_weights');
      file.close();
      expect((await rejection(Cnn.load(path))).message).to.equal(
        `${path}: not a whole HDF5 file: 'model_weights' is neither a group nor numbers of this file`,
      );
    });
  });
});
