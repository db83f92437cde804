import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import { createFolderDataset, openDataset } from '../dist/index.js';
import { contentHash, splitOf } from '../dist/data/split.js';
import { failure, imageFolder, put, someBytes, raw } from './support/data.js';
import { temporaryFolder } from './support/fake-libtorch.js';

describe('splits', () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  const part = fc.double({ min: 0, max: 1, noNaN: true });

  it('depend on the content alone, and a greater fraction only adds to test', () => {
    fc.assert(
      fc.property(bytes, part, part, part, (content, a, b, validation) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const hash = contentHash(Uint8Array.from(content));
        const side = (test) => splitOf(hash, { test, validation });
        expect(side(low)).to.equal(side(low));
        if (side(low) === 'test') expect(side(high)).to.equal('test');
        expect(side(1)).to.equal('test');
      }),
    );
  });

  it('have about the sizes that are asked for', () => {
    const counts = { train: 0, validation: 0, test: 0 };
    for (let i = 0; i < 4000; i++)
      counts[splitOf(contentHash(Buffer.from(String(i))), { test: 0.2, validation: 0.1 })] += 1;
    // 4 standard deviations of a binomial of 4000.
    expect(counts.test).to.be.closeTo(800, 102);
    expect(counts.validation).to.be.closeTo(400, 76);
  });
});

describe('data folder', () => {
  let folder;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => rmSync(folder, { recursive: true }));
  const make = (options) =>
    createFolderDataset({ from: join(folder, 'in'), out: join(folder, 'out'), size: 12, ...options });

  it('holds every image once, with its pixels and class, on the side its content says', async () => {
    await imageFolder(join(folder, 'in'), 3, 9);
    const progress = [];
    const report = await make({
      test: 0.3,
      validation: 0.2,
      shardSize: 4,
      onProgress: (event) => progress.push(event),
    });
    expect(report).to.deep.include({ classes: ['class-0', 'class-1', 'class-2'], problems: [] });
    expect(Object.values(report.splits).reduce((a, b) => a + b)).to.equal(27);
    expect(progress.at(-1)).to.deep.equal({ done: 27, total: 27 });
    const dataset = await openDataset(join(folder, 'out'));
    const seen = [];
    for (const split of Object.values(dataset.splits)) {
      if (split.count === 0) continue;
      const { image, label } = await split.batch(split.ids.map((_, i) => i));
      const [pixels, labels] = [await image.data(), await label.data()];
      for (const [i, id] of split.ids.entries()) {
        const [, labelText, numberText] = /class-(\d)\/(\d)\.png/.exec(id);
        const source = someBytes(12 * 12 * 3, 1 + 1000 * labelText + Number(numberText));
        const planes = [0, 1, 2].flatMap((c) => [...source].filter((_, k) => k % 3 === c));
        expect([...pixels.subarray(i * 432, (i + 1) * 432)]).to.deep.equal(planes);
        expect(Number(labels[i])).to.equal(Number(labelText));
        seen.push(id);
      }
    }
    expect(new Set(seen).size).to.equal(27);
    dataset.dispose();
  });

  it('never moves a sample to another side when others come or go', async () => {
    await imageFolder(join(folder, 'in'), 2, 12);
    await make({ out: join(folder, 'a') });
    await imageFolder(join(folder, 'in'), 3, 20);
    await make({ out: join(folder, 'b') });
    const [a, b] = [await openDataset(join(folder, 'a')), await openDataset(join(folder, 'b'))];
    for (const name of ['train', 'validation', 'test'])
      expect(b.split(name).ids).to.include.members([...a.split(name).ids]);
  });

  it('skips what cannot be read, and reports it with empty and small classes, duplicates and other files', async () => {
    await imageFolder(join(folder, 'in'), 2, 4);
    const same = await raw(someBytes(432, 77), 12, 12).png().toBuffer();
    put(join(folder, 'in/class-0/copy.png'), same);
    put(join(folder, 'in/class-1/copy.png'), same);
    put(join(folder, 'in/class-1/broken.jpg'), Buffer.from('no picture'));
    put(join(folder, 'in/class-1/notes.txt'), 'hello');
    put(join(folder, 'in/empty/.keep'), '');
    put(join(folder, 'in/lonely/one.png'), await raw(someBytes(432, 78), 12, 12).png().toBuffer());
    put(join(folder, 'in/outside.png'), same);
    const heard = [];
    const { problems, classes, splits } = await make({ onProblem: (problem) => heard.push(problem) });
    expect(heard).to.deep.equal(problems);
    expect(problems.map(({ kind }) => kind).sort()).to.deep.equal([
      'duplicate',
      'emptyClass',
      'ignored',
      'ignored',
      'singleImage',
      'unreadable',
    ]);
    const messageOf = (kind) => problems.find((problem) => problem.kind === kind).message;
    expect(messageOf('unreadable')).to.match(/class-1\/broken\.jpg: not a readable image: .*; skipped$/);
    expect(messageOf('duplicate')).to.match(
      /class-1\/copy\.png: the same picture as .*class-0\/copy\.png, of another class/,
    );
    expect(messageOf('singleImage')).to.match(/class 'lonely' has one image/);
    expect(messageOf('emptyClass')).to.match(/class 'empty' has no images/);
    expect(classes).to.deep.equal(['class-0', 'class-1', 'lonely']);
    expect(Object.values(splits).reduce((a, b) => a + b)).to.equal(11);
  });

  it('follows links to class folders and to images', async () => {
    await imageFolder(join(folder, 'elsewhere'), 2, 3);
    mkdirSync(join(folder, 'in/class-0'), { recursive: true });
    symlinkSync(join(folder, 'elsewhere/class-1'), join(folder, 'in/linked'));
    symlinkSync(join(folder, 'elsewhere/class-0/0.png'), join(folder, 'in/class-0/a.png'));
    symlinkSync(join(folder, 'elsewhere/class-0/1.png'), join(folder, 'in/class-0/b.png'));
    symlinkSync(join(folder, 'nowhere.png'), join(folder, 'in/class-0/dangling.png'));
    const { classes, splits, problems } = await make();
    expect(classes).to.deep.equal(['class-0', 'linked']);
    expect(Object.values(splits).reduce((a, b) => a + b)).to.equal(5);
    expect(problems.map(({ kind }) => kind)).to.deep.equal(['unreadable']);
    expect(problems[0].message).to.match(/class-0\/dangling\.png: cannot read: .*; skipped$/);
  });

  it('takes at most so many of each class, in the splits that are named', async () => {
    await imageFolder(join(folder, 'in'), 2, 30);
    const whole = await make();
    const labelsOf = async (split) => {
      const dataset = await openDataset(join(folder, 'out'));
      const { label } = await dataset.split(split).batch(dataset.split(split).ids.map((_, i) => i));
      return Array.from(await label.data(), Number);
    };
    const all = await labelsOf('test');
    rmSync(join(folder, 'out'), { recursive: true });
    const { splits } = await make({ perClass: { train: 3, test: 1000 } });
    expect(await labelsOf('train')).to.deep.equal([0, 0, 0, 1, 1, 1]);
    expect(await labelsOf('test')).to.deep.equal(all);
    expect(splits).to.deep.equal({ ...whole.splits, train: 6 });
  });

  it('fails at the first problem when strict, and leaves nothing behind', async () => {
    await imageFolder(join(folder, 'in'), 2, 2);
    put(join(folder, 'in/class-1/broken.jpg'), Buffer.from('no picture'));
    const error = await failure(make({ strict: true }));
    expect(error).to.include({ code: 'ERR_FORMAT' });
    expect(error.message).to.match(/broken\.jpg/);
    expect((await failure(openDataset(join(folder, 'out')))).code).to.equal('ERR_IO');
  });

  it('refuses a folder with nothing in it, one that is missing, and an output that is not empty', async () => {
    put(join(folder, 'in/.hidden'), '');
    expect((await failure(make())).message).to.match(/no images: expected class folders/);
    expect((await failure(make({ from: join(folder, 'none') }))).code).to.equal('ERR_IO');
    await imageFolder(join(folder, 'in'), 1, 2);
    put(join(folder, 'out/file'), '');
    expect((await failure(make())).message).to.match(/out: exists and is not empty/);
    expect((await failure(make({ sise: 3 }))).message).to.match(/unknown name 'sise'; did you mean 'size'\?/);
  });

  it('stops when it is aborted', async () => {
    await imageFolder(join(folder, 'in'), 1, 2);
    expect((await failure(make({ signal: AbortSignal.abort() }))).code).to.equal('ERR_ABORTED');
  });
});
