import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import { createFolderDataset, openDataset, readSafetensors, Tensor, writeSafetensors } from '../dist/index.js';
import { failure, imageFolder } from './support/data.js';
import { temporaryFolder } from './support/fake-libtorch.js';

describe('dataset directories', () => {
  const folder = temporaryFolder();
  const good = join(folder, 'good');
  let copies = 0;

  before(async () => {
    await imageFolder(join(folder, 'in'), 2, 15, 8);
    await createFolderDataset({ from: join(folder, 'in'), out: good, size: 8, shardSize: 6, test: 0, validation: 0 });
  });

  it('give any samples in any order, across shards', async () => {
    const dataset = await openDataset(good);
    const train = dataset.split('train');
    expect(train.shards.map((shard) => shard.image.shape[0])).to.deep.equal([6, 6, 6, 6, 6]);
    const rows = await Promise.all(train.shards.map((shard) => shard.image.data()));
    const sample = (i) => [...rows[Math.floor(i / 6)].subarray((i % 6) * 192, (i % 6) * 192 + 192)];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 29 }), { maxLength: 40 }), async (indices) => {
        const { image, label } = await train.batch(indices);
        expect(image.shape).to.deep.equal([indices.length, 3, 8, 8]);
        expect([...(await image.data())]).to.deep.equal(indices.flatMap(sample));
        expect(Array.from(await label.data(), Number)).to.deep.equal(indices.map((i) => Number(i >= 15)));
      }),
      { numRuns: 30 },
    );
    dataset.dispose();
    expect((await failure(train.batch([0]))).code).to.equal('ERR_DISPOSED');
  });

  it('refuse samples, tensors and splits that they have not, by name', async () => {
    const dataset = await openDataset(good);
    const train = dataset.split('train');
    expect((await failure(train.batch([30]))).message).to.match(/index 30 is outside the 30 samples/);
    expect((await failure(train.batch([0.5]))).message).to.match(/whole numbers, got 0\.5/);
    expect((await failure(train.batch([0], { names: ['imag'] }))).message).to.match(
      /no 'imag'; did you mean 'image'\?/,
    );
    expect(() => dataset.split('tain')).to.throw(/no split 'tain'; did you mean 'train'\?/);
    dataset.dispose();
  });

  /** Opens a copy that `change` has spoiled. */
  async function spoiled(change) {
    const copy = join(folder, `copy-${copies++}`);
    cpSync(good, copy, { recursive: true });
    await change(copy);
    return failure(openDataset(copy));
  }
  const edit = (change) => (copy) => {
    const path = join(copy, 'dataset.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    change(manifest);
    writeFileSync(path, JSON.stringify(manifest));
  };
  const shard = 'shard-train-00001.safetensors';
  const cases = {
    'another format': [edit((m) => (m.format = 'other')), /dataset\.json\.format: expected "cumulens-dataset"/],
    'a later version': [edit((m) => (m.version = 2)), /dataset\.json\.version: expected 1/],
    'a misspelt name': [edit((m) => ((m.clases = m.classes), delete m.classes)), /dataset\.json/],
    'a count that is not the sum': [
      edit((m) => (m.splits.train.count = 31)),
      /splits\.train\.count is 31, its shards hold 30/,
    ],
    'a shard of another count': [
      edit((m) => ((m.splits.train.shards[1].count = 5), (m.splits.train.count = 29))),
      /shard-train-00001\.safetensors: 'image' is uint8 \[6, 3, 8, 8\], expected uint8 \[5, 3, 8, 8\]/,
    ],
    'another image size': [
      edit((m) => (m.size = [8, 9])),
      /'image' is uint8 \[6, 3, 8, 8\], expected uint8 \[6, 3, 8, 9\]/,
    ],
    'a path that leaves the folder': [
      edit((m) => (m.splits.train.shards[0].file = '../x')),
      /expected the name of a file in this folder/,
    ],
    'prepared data without its tensors': [
      edit((m) => ((m.kind = 'prepared'), (m.conditions = 8))),
      /has no 'conditions'/,
    ],
    'no JSON': [(copy) => writeFileSync(join(copy, 'dataset.json'), '{'), /dataset\.json: not JSON/],
    'a shard that is cut off': [
      (copy) => writeFileSync(join(copy, shard), readFileSync(join(copy, shard)).subarray(0, 900)),
      /shard-train-00001\.safetensors/,
    ],
    'labels of another type': [
      async (copy) => {
        const { tensors, metadata } = await readSafetensors(join(copy, shard));
        await writeSafetensors(join(copy, shard), { ...tensors, label: Tensor.from(new Int32Array(6), [6]) }, metadata);
      },
      /'label' is int32 \[6\], expected int64 \[6\]/,
    ],
  };
  for (const [what, [change, message]] of Object.entries(cases)) {
    it(`refuse ${what}`, async () => {
      const error = await spoiled(change);
      expect(error.code).to.equal('ERR_FORMAT');
      expect(error.message).to.match(message);
    });
  }

  it('say when they or a shard are missing', async () => {
    expect((await failure(openDataset(join(folder, 'none')))).code).to.equal('ERR_IO');
    const error = await spoiled(edit((m) => (m.splits.train.shards[0].file = 'gone.safetensors')));
    expect(error).to.include({ code: 'ERR_IO' });
    expect(error.message).to.include('gone.safetensors');
  });
});
