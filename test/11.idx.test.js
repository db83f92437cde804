import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { expect } from 'chai';
import fc from 'fast-check';

import { createFashionMnistDataset, openDataset } from '../dist/index.js';
import { readIdx } from '../dist/data/idx.js';
import { failure, idxBytes, put, someBytes } from './support/data.js';
import { temporaryFolder } from './support/fake-libtorch.js';

describe('IDX files', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'a-idx3-ubyte');

  it('of any shape are read as they were written, gzipped or not', async () => {
    const shapes = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(shapes, fc.boolean(), async (shape, zip) => {
        const values = someBytes(shape.reduce((a, b) => a * b, 1));
        const bytes = idxBytes(shape, values);
        put(path, zip ? gzipSync(bytes) : bytes);
        const read = await readIdx(path);
        expect(read.shape).to.deep.equal(shape);
        expect([...read.data]).to.deep.equal([...values]);
      }),
      { numRuns: 40 },
    );
  });

  const whole = idxBytes([2, 3], someBytes(6));
  const damaged = {
    'cut off': [whole.subarray(0, -1), /ends within its 2×3 values: 6 bytes expected, 5 left/],
    'cut off in the header': [whole.subarray(0, 7), /ends within its header/],
    'with bytes left over': [Buffer.concat([whole, Buffer.from([1])]), /more bytes than its header says/],
    'of floats': [Buffer.from([0, 0, 0x0d, 1, 0, 0, 0, 0]), /type 0xd; only unsigned bytes/],
    'of another format': [Buffer.from('GIF89a..'), /not an IDX file/],
    'with damaged gzip': [gzipSync(whole).subarray(0, 15), /damaged gzip/],
  };
  for (const [how, [bytes, message]] of Object.entries(damaged)) {
    it(`${how} are refused`, async () => {
      const error = await failure(readIdx(put(path, bytes)));
      expect(error.code).to.equal('ERR_FORMAT');
      expect(error.message).to.match(message).and.to.include(path);
    });
  }

  it('that are missing are named', async () => {
    const error = await failure(readIdx(join(folder, 'nothing')));
    expect(error).to.include({ code: 'ERR_IO' });
    expect(error.message).to.include('nothing');
  });
});

describe('data fashion-mnist', () => {
  const folder = temporaryFolder();
  const from = join(folder, 'source');
  const trainImages = someBytes(10 * 4 * 4, 1);
  const testImages = someBytes(3 * 4 * 4, 2);
  put(join(from, 'train-images-idx3-ubyte.gz'), gzipSync(idxBytes([10, 4, 4], trainImages)));
  put(join(from, 'train-labels-idx1-ubyte.gz'), gzipSync(idxBytes([10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])));
  put(join(from, 't10k-images-idx3-ubyte'), idxBytes([3, 4, 4], testImages));
  put(join(from, 't10k-labels-idx1-ubyte'), idxBytes([3], [9, 0, 5]));

  it('keeps the test split, gives three equal channels, and holds validation out by content', async () => {
    const out = join(folder, 'a');
    const report = await createFashionMnistDataset({ from, out, size: 4, validation: 0.5, shardSize: 4 });
    expect(report.splits.test).to.equal(3);
    expect(report.splits.train + report.splits.validation).to.equal(10);
    const dataset = await openDataset(out);
    const { image, label } = await dataset.split('test').batch([0, 1, 2]);
    expect(Array.from(await label.data(), Number)).to.deep.equal([9, 0, 5]);
    const planes = [0, 1, 2].flatMap((i) => [0, 1, 2].flatMap(() => [...testImages.subarray(i * 16, i * 16 + 16)]));
    expect([...(await image.data())]).to.deep.equal(planes);
    dataset.dispose();
  });

  it('resizes bilinearly with half-pixel centres', async () => {
    const out = join(folder, 'b');
    await createFashionMnistDataset({ from, out, size: 8, validation: 0 });
    const dataset = await openDataset(out);
    const { image } = await dataset.split('test').batch([1]);
    const value = (y, x) => testImages[16 + 4 * y + x];
    const expected =
      0.75 * (0.75 * value(0, 0) + 0.25 * value(0, 1)) + 0.25 * (0.75 * value(1, 0) + 0.25 * value(1, 1));
    expect((await image.data())[1 * 8 + 1]).to.be.closeTo(expected, 0.51);
    dataset.dispose();
  });

  it('names a file that is missing, and files that do not belong together', async () => {
    const missing = await failure(createFashionMnistDataset({ from: folder, out: join(folder, 'c') }));
    expect(missing.message).to.match(/train-images-idx3-ubyte \(or train-images-idx3-ubyte\.gz\) is missing/);
    const other = join(folder, 'other');
    for (const name of ['train', 't10k']) {
      put(join(other, `${name}-images-idx3-ubyte`), idxBytes([2, 4, 4], someBytes(32)));
      put(join(other, `${name}-labels-idx1-ubyte`), idxBytes([3], [0, 1, 2]));
    }
    const error = await failure(createFashionMnistDataset({ from: other, out: join(folder, 'c') }));
    expect(error.message).to.match(/\[2, 4, 4\] and .*\[3\] are not N pictures and their N labels/);
  });
});
