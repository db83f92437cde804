import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { Cnn, createComposedDataset, openDataset, prepare } from '../dist/index.js';
import { failure, hashes, imageFolder, put, someBytes } from './support/data.js';
import { temporaryFolder } from './support/fake-libtorch.js';
import { smallCnn } from './support/small-cnn.js';

const SIZE = 32;
const bytesOf = async (values) => Array.from(await values, (v) => Math.round(255 * v));

function expectBytes(actual, expected) {
  expect(actual.length).to.equal(expected.length);
  // A value that falls on a rounding edge may go either way between two batch sizes.
  expect(actual.findIndex((value, i) => Math.abs(value - expected[i]) > 1)).to.equal(-1);
}

describe('prepare', () => {
  const folder = temporaryFolder();
  const data = join(folder, 'composed');
  const cnnFile = join(folder, 'cnn.safetensors');
  const common = { data, size: 16, conditions: 2, batchSize: 4, shardSize: 8 };
  let cnn;
  let runs = 0;
  const out = () => join(folder, `prepared-${runs++}`);

  before(async () => {
    cnn = await smallCnn(SIZE);
    await cnn.save(cnnFile);
    await createComposedDataset({ out: data, train: 40, validation: 0, test: 12, size: SIZE, device: 'cpu' });
  });

  it('stores what explain gives, as bytes, with image, mask, classes and ids', async () => {
    const prepared = await prepare({ cnn, ...common, out: out() });
    expect(prepared.manifest).to.deep.include({ kind: 'prepared', size: [16, 16], conditions: 2, targetChannels: 1 });
    expect(prepared.manifest.settings).to.deep.include({
      method: 'gradcam',
      order: 'forward',
      excludeTarget: true,
      target: 'predicted',
      averaged: cnn.taps.slice(0, -1),
    });
    const source = await openDataset(data);
    for (const name of ['train', 'test']) {
      const [from, to] = [source.split(name), prepared.split(name)];
      expect(to.ids).to.deep.equal(from.ids);
      const rows = to.ids.map((_, i) => i);
      const [images, samples] = [await from.batch(rows), await to.batch(rows)];
      const explained = await cnn.explain(images.image, { size: 16, conditions: 2, maps: false });
      expectBytes([...(await samples.conditions.data())], await bytesOf(explained.cumulative.data()));
      expectBytes([...(await samples.target.data())], await bytesOf(explained.targetMap.data()));
      expect(Array.from(await samples.predicted.data(), Number)).to.deep.equal(explained.predicted);
      expect(Array.from(await samples.targetClass.data(), Number)).to.deep.equal(explained.targetClass);
      expect(await samples.label.data()).to.deep.equal(await images.label.data());
      // Halving with antialiasing is a triangle of weights 1 3 3 1 / 8 along each axis.
      const [mask, half] = [await images.mask.data(), await samples.mask.data()];
      const weights = [1, 3, 3, 1];
      const at = (i, y, x) => mask[i * SIZE * SIZE + y * SIZE + x];
      let expected = 0;
      weights.forEach((wy, dy) => weights.forEach((wx, dx) => (expected += (wy * wx * at(3, 13 + dy, 13 + dx)) / 64)));
      expect(half[3 * 256 + 7 * 16 + 7]).to.be.closeTo(expected, 0.51);
    }
    prepared.dispose();
    source.dispose();
  });

  it('leaves nothing to do when it is finished', async () => {
    const path = out();
    const first = await prepare({ cnn, ...common, out: path });
    first.dispose();
    const before = hashes(path);
    const events = [];
    (
      await prepare({ cnn: cnnFile, device: 'cpu', ...common, out: path, onProgress: (event) => events.push(event) })
    ).dispose();
    expect(events).to.deep.equal([]);
    expect(hashes(path)).to.deep.equal(before);
  });

  it('is alone in its folder', async () => {
    const path = out();
    const [one, other] = await Promise.allSettled([1, 2].map(() => prepare({ cnn, ...common, out: path })));
    const [done, refused] = one.status === 'fulfilled' ? [one, other] : [other, one];
    expect(refused.reason).to.include({
      code: 'ERR_IO',
      message: `${path}: is being worked in already, by this process or another`,
    });
    done.value.dispose();
    const opened = await Promise.all([1, 2].map(() => prepare({ cnn, ...common, out: path })));
    for (const data of opened) data.dispose();
    expect(existsSync(join(path, '.cumulens.lock'))).to.equal(false);
  });

  it('killed again and again, continues to the same bytes', async () => {
    const [whole, killed] = [out(), out()];
    const options = { cnn: cnnFile, device: 'cpu', ...common, shardSize: 4 };
    (await prepare({ ...options, out: whole })).dispose();
    const script = fileURLToPath(new URL('support/prepare-child.js', import.meta.url));
    let kills = 0;
    for (let code = null; code !== 0;) {
      const child = spawn(process.execPath, [script, JSON.stringify({ ...options, out: killed })], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // Some work each time, and never at the same place: the first progress event tells where it begins.
      let seen = 0;
      child.stdout.on('data', () => {
        if (++seen > 2 + kills && kills < 4) child.kill('SIGKILL');
      });
      let signal;
      [code, signal] = await once(child, 'exit');
      if (signal === 'SIGKILL') kills += 1;
      else expect(code).to.equal(0);
    }
    expect(kills).to.equal(4);
    expect(hashes(killed)).to.deep.equal(hashes(whole));
  });

  it('aborted, continues to the same bytes, and clears what was half-written', async () => {
    const [whole, aborted] = [out(), out()];
    (await prepare({ cnn, ...common, out: whole })).dispose();
    const controller = new AbortController();
    const onProgress = ({ done }) => done >= 16 && controller.abort();
    const error = await failure(prepare({ cnn, ...common, out: aborted, signal: controller.signal, onProgress }));
    expect(error.code).to.equal('ERR_ABORTED');
    const shards = readdirSync(aborted).filter((name) => name.startsWith('shard-'));
    expect(shards.length).to.be.within(1, 6);
    expect(readdirSync(aborted)).to.not.include('dataset.json');
    writeFileSync(join(aborted, 'shard-train-00004.safetensors.tmp-1-2'), 'half');
    const starts = [];
    (await prepare({ cnn, ...common, out: aborted, onProgress: ({ done }) => starts.push(done) })).dispose();
    expect(starts[0]).to.equal(8 * shards.length);
    expect(hashes(aborted)).to.deep.equal(hashes(whole));
  });

  it('refuses to continue with other settings, another CNN or other images, and to write among other files', async () => {
    const path = out();
    (await prepare({ cnn, ...common, out: path })).dispose();
    const again = (options) => failure(prepare({ cnn, ...common, out: path, ...options }));
    expect((await again({ conditions: 1 })).message).to.match(/was begun with conditions 2, not 1/);
    expect((await again({ order: 'reverse' })).message).to.match(/order "forward", not "reverse"/);
    const other = await Cnn.create(cnn.spec, { device: 'cpu', seed: 4 });
    expect((await again({ cnn: other })).message).to.match(/another CNN \(its weights differ\)/);
    const data2 = join(folder, 'composed-2');
    await createComposedDataset({ out: data2, train: 40, validation: 0, test: 12, size: SIZE, device: 'cpu', seed: 9 });
    expect((await again({ data: data2 })).message).to.match(/another set of images/);
    const foreign = join(folder, 'foreign');
    put(join(foreign, 'photo.txt'), 'keep me');
    expect((await failure(prepare({ cnn, ...common, out: foreign }))).message).to.match(
      /holds nothing that prepare began/,
    );
  });

  it("explains the label's class, or one class for all, when asked", async () => {
    const byLabel = await failure(prepare({ cnn, ...common, out: out(), target: 'label' }));
    // The CNN has 5 classes, the data 6: label 5 cannot be explained.
    expect(byLabel.message).to.match(/target classes must lie in 0 … 4/);
    const fixed = await prepare({ cnn, ...common, out: out(), target: 2 });
    const { targetClass, target } = await fixed.split('test').batch([0, 5, 11]);
    expect(Array.from(await targetClass.data(), Number)).to.deep.equal([2, 2, 2]);
    const source = await openDataset(data);
    const { image } = await source.split('test').batch([0, 5, 11]);
    const explained = await cnn.explain(image, { size: 16, target: 2, conditions: 2 });
    expectBytes([...(await target.data())], await bytesOf(explained.targetMap.data()));
  });

  it('has the published preset: reverse order, class 0, the first tap, coloured targets', async () => {
    const reference = await prepare({ cnn, ...common, out: out(), preset: 'reference' });
    const { settings, targetChannels } = reference.manifest;
    expect(targetChannels).to.equal(3);
    expect(settings).to.deep.include({
      method: 'guided-gradcam-weights',
      order: 'reverse',
      excludeTarget: false,
      target: 0,
      targetTap: 0,
      targetColors: 'jet',
      averaged: [...cnn.taps].reverse(),
    });
    const { target, targetClass } = await reference.split('test').batch([4]);
    expect(target.shape).to.deep.equal([1, 3, 16, 16]);
    expect(Number((await targetClass.data())[0])).to.equal(0);
    const source = await openDataset(data);
    const { image } = await source.split('test').batch([4]);
    const explained = await cnn.explain(image, {
      size: 16,
      target: 0,
      conditions: 2,
      targetMethod: 'guided-gradcam-weights',
      targetTap: 0,
      excludeTarget: false,
    });
    const map = await explained.targetMap.data();
    const colours = await target.data();
    // Jet is blue below, green in the middle, red above.
    map.forEach((value, i) => {
      const [red, green, blue] = [0, 1, 2].map((c) => colours[c * 256 + i]);
      if (value < 0.1) expect(blue).to.be.above(120).and.above(red);
      if (value > 0.45 && value < 0.55) expect(green).to.be.above(230);
      if (value > 0.9) expect(red).to.be.above(120).and.above(blue);
    });
  });

  describe('of image files', () => {
    const images = join(folder, 'images');

    before(async () => {
      await imageFolder(images, 2, 8, 20);
      put(join(images, 'class-0/broken.png'), someBytes(100));
    });

    it('decodes as it goes, skips what it cannot read, and splits by content', async () => {
      const problems = [];
      const options = { cnn, images, size: 16, conditions: 2, shardSize: 4, fit: 'stretch', test: 0.4 };
      const prepared = await prepare({ ...options, out: out(), onProblem: (problem) => problems.push(problem) });
      expect(problems.map(({ kind }) => kind)).to.deep.equal(['unreadable']);
      expect(prepared.manifest.settings).to.include({ fit: 'stretch', target: 'predicted' });
      const counts = Object.values(prepared.splits).map(({ count }) => count);
      expect(counts.reduce((a, b) => a + b)).to.equal(16);
      expect(prepared.classes).to.deep.equal(['class-0', 'class-1']);
      const train = prepared.split('train');
      const { label } = await train.batch(train.ids.map((_, i) => i));
      expect(Array.from(await label.data(), (v) => `class-${v}`)).to.deep.equal(
        train.ids.map((id) => id.split('/')[0]),
      );
      expect((await failure(prepare({ ...options, out: out(), strict: true }))).message).to.match(/broken\.png/);
    });

    it('skips a file that cannot be opened, and reports it', async () => {
      const linked = join(folder, 'linked');
      await imageFolder(linked, 1, 3, 20);
      const dangling = join(linked, 'class-0', 'dangling.png');
      symlinkSync(join(folder, 'nowhere.png'), dangling);
      const problems = [];
      const options = { cnn, images: linked, size: 16, conditions: 2, test: 0, validation: 0 };
      const prepared = await prepare({ ...options, out: out(), onProblem: (problem) => problems.push(problem) });
      expect(problems.map(({ kind, path }) => [kind, path])).to.deep.equal([['unreadable', dangling]]);
      expect(problems[0].message).to.match(/dangling\.png: cannot read: .*; skipped$/);
      expect([...prepared.split('train').ids].sort()).to.deep.equal([0, 1, 2].map((i) => `class-0/${i}.png`));
      prepared.dispose();
      const strict = await failure(prepare({ ...options, out: out(), strict: true }));
      expect(strict.message).to.match(/dangling\.png: cannot read/);
    });

    it('takes a folder without classes, whose labels are −1', async () => {
      const flat = join(folder, 'flat');
      rmSync(flat, { recursive: true, force: true });
      await imageFolder(flat, 1, 5, 20);
      const prepared = await prepare({
        cnn,
        images: join(flat, 'class-0'),
        out: out(),
        size: 16,
        conditions: 2,
        test: 0,
        validation: 0,
      });
      expect(prepared.classes).to.deep.equal([]);
      const { label } = await prepared.split('train').batch([0, 4]);
      expect([...(await label.data())]).to.deep.equal([-1n, -1n]);
    });
  });

  it('says what is wrong with its options', async () => {
    const attempt = async (options) => (await failure(prepare({ cnn, out: out(), ...options }))).message;
    expect(await attempt({})).to.match(/give either data .* or images/);
    expect(await attempt({ data, images: data })).to.match(/give either data .* or images/);
    expect(await attempt({ data, excludTarget: true })).to.match(
      /unknown name 'excludTarget'; did you mean 'excludeTarget'\?/,
    );
    expect(await attempt({ data, targetTap: 'nothing' })).to.match(/'nothing' is not a tap/);
    expect(await attempt({ data, preset: 'refrence' })).to.match(/did you mean 'reference'\?/);
    expect(await attempt({ data: join(folder, 'none') })).to.match(/dataset\.json: cannot read/);
  });
});
