import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { expect } from 'chai';

import { createCifar10Dataset, openDataset } from '../dist/index.js';
import { failure, put, someBytes } from './support/data.js';
import { temporaryFolder } from './support/fake-libtorch.js';

describe('data cifar10', () => {
  const folder = temporaryFolder();
  const from = join(folder, 'cifar-10-batches-bin');
  const record = (label, seed) => Buffer.concat([Buffer.from([label]), someBytes(3072, seed)]);
  put(join(from, 'batches.meta.txt'), 'airplane\n');
  for (let i = 1; i <= 5; i++)
    put(join(from, `data_batch_${i}.bin`), Buffer.concat([record(i, 10 * i), record(i - 1, 10 * i + 1)]));
  put(join(from, 'test_batch.bin'), Buffer.concat([record(9, 91), record(3, 92)]));
  execFileSync('tar', ['-czf', join(folder, 'cifar.tar.gz'), '-C', folder, 'cifar-10-batches-bin']);
  execFileSync('tar', ['-cf', join(folder, 'cifar.tar'), '-C', folder, 'cifar-10-batches-bin']);

  for (const source of ['cifar-10-batches-bin', '.', 'cifar.tar.gz', 'cifar.tar']) {
    it(`reads ${source}`, async () => {
      const out = join(folder, `out-${source.replace(/\W/g, '')}`);
      const report = await createCifar10Dataset({ from: join(folder, source), out, size: 32, validation: 0 });
      expect(report.splits).to.deep.equal({ train: 10, validation: 0, test: 2 });
      expect(report.classes[9]).to.equal('truck');
      const dataset = await openDataset(out);
      const { image, label } = await dataset.split('test').batch([1, 0]);
      expect(Array.from(await label.data(), Number)).to.deep.equal([3, 9]);
      expect([...(await image.data())]).to.deep.equal([...someBytes(3072, 92), ...someBytes(3072, 91)]);
      const train = dataset.split('train');
      const row = train.ids.indexOf('data_batch_4.bin/1');
      expect([...(await (await train.batch([row], { names: ['image'] })).image.data())]).to.deep.equal([
        ...someBytes(3072, 41),
      ]);
      dataset.dispose();
    });
  }

  it('refuses cut-off batches, labels over 9, other archives and folders without batches', async () => {
    const attempt = (path) => failure(createCifar10Dataset({ from: path, out: join(folder, 'never') }));
    const cut = join(folder, 'cut');
    put(join(cut, 'test_batch.bin'), record(1, 1).subarray(0, 3000));
    expect((await attempt(cut)).message).to.match(/test_batch\.bin has 3000 bytes, no multiple of the 3073/);
    const wrong = join(folder, 'wrong');
    put(join(wrong, 'test_batch.bin'), record(10, 1));
    expect((await attempt(wrong)).message).to.match(/record 0 of test_batch\.bin has label 10, expected 0 to 9/);
    expect((await attempt(put(join(folder, 'x.tar'), Buffer.alloc(2048, 65)))).message).to.match(/not a tar archive/);
    put(join(folder, 'empty/readme'), '');
    expect((await attempt(join(folder, 'empty'))).message).to.match(/none of CIFAR-10's binary batches/);
    execFileSync('tar', ['-czf', join(folder, 'none.tar.gz'), '-C', folder, 'empty']);
    expect((await attempt(join(folder, 'none.tar.gz'))).message).to.match(/holds none of CIFAR-10's binary batches/);
    expect((await attempt(join(folder, 'missing'))).code).to.equal('ERR_IO');
  });
});
