import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import { composeImages, createComposedDataset, openDataset } from '../dist/index.js';
import { readIdx } from '../dist/data/idx.js';
import { contentHash } from '../dist/data/split.js';
import { failure, hashes } from './support/data.js';
import { temporaryFolder } from './support/fake-libtorch.js';

const SIZE = 64;
const draw = (options) => composeImages({ device: 'cpu', size: SIZE, ...options });
const bytesOf = async (tensor) => Buffer.from(await tensor.data());
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

describe('composed images', () => {
  it('depend on seed, split and index alone, whatever they are drawn with', async () => {
    const all = await draw({ count: 70, seed: 5 });
    const [images, masks] = [await bytesOf(all.images), await bytesOf(all.masks)];
    const range = fc.tuple(fc.integer({ min: 0, max: 69 }), fc.integer({ min: 1, max: 70 }));
    await fc.assert(
      fc.asyncProperty(range, async ([first, n]) => {
        const count = Math.min(n, 70 - first);
        const part = await draw({ first, count, seed: 5 });
        const rows = (bytes, row) => bytes.subarray(first * row, (first + count) * row);
        expect((await bytesOf(part.images)).equals(rows(images, 3 * SIZE * SIZE))).to.equal(true);
        expect((await bytesOf(part.masks)).equals(rows(masks, SIZE * SIZE))).to.equal(true);
        expect(part.ids).to.deep.equal(all.ids.slice(first, first + count));
      }),
      { numRuns: 10 },
    );
  });

  it('change with the seed and the split', async () => {
    const base = await bytesOf((await draw({ count: 1 })).images);
    expect(base.equals(await bytesOf((await draw({ count: 1, seed: 1 })).images))).to.equal(false);
    expect(base.equals(await bytesOf((await draw({ count: 1, split: 'validation' })).images))).to.equal(false);
  });

  it('are of classes in turn', async () => {
    const { labels, classes } = await draw({ first: 3, count: 20 });
    expect(classes).to.have.length(6);
    expect(Array.from(await labels.data(), Number)).to.deep.equal(Array.from({ length: 20 }, (_, i) => (i + 3) % 6));
  });

  it('have masks of the garment: about 14 to 25 % of the image, wholly inside it, with sharp sides', async () => {
    const count = 256;
    const masks = await bytesOf((await draw({ count })).masks);
    const areas = [];
    for (let i = 0; i < count; i++) {
      const mask = masks.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE);
      areas.push(mean([...mask]) / 255);
      // Nothing opaque on the rim: the whole garment is in the picture.
      for (let k = 0; k < SIZE; k++) {
        for (const at of [k, (SIZE - 1) * SIZE + k, k * SIZE, k * SIZE + SIZE - 1])
          expect(mask[at], `image ${i}`).to.be.below(250);
      }
      expect(Math.max(...mask)).to.equal(255);
    }
    expect(Math.min(...areas)).to.be.above(0.06);
    expect(Math.max(...areas)).to.be.below(0.255);
    expect(mean(areas)).to.be.closeTo(0.19, 0.015);
  });

  it('show the photograph where the mask is 0 and the garment where it is 255', async () => {
    // The same draw from another garment pool is not at hand, so look at colour: inside, all pixels share the tint's hue (ratios of
    // channels are constant but for rounding); outside, photographs vary.
    const { images, masks } = await draw({ count: 40 });
    const [pixels, mask] = [await bytesOf(images), await bytesOf(masks)];
    const area = SIZE * SIZE;
    let inside = 0;
    for (let i = 0; i < 40; i++) {
      const channel = (c) => pixels.subarray((3 * i + c) * area, (3 * i + c + 1) * area);
      const [r, g, b] = [channel(0), channel(1), channel(2)];
      const full = [...mask.subarray(i * area, (i + 1) * area).keys()].filter((k) => mask[i * area + k] === 255);
      const reference = full.reduce((best, k) => (r[k] + g[k] + b[k] > r[best] + g[best] + b[best] ? k : best));
      for (const k of full) {
        const scale = (r[k] + g[k] + b[k]) / (r[reference] + g[reference] + b[reference]);
        for (const plane of [r, g, b])
          expect(plane[k], `image ${i} pixel ${k}`).to.be.closeTo(scale * plane[reference], 2);
      }
      inside += full.length;
    }
    expect(inside).to.be.above(40 * 100);
  });

  it('come in other sizes', async () => {
    const { images, masks } = await draw({ count: 2, size: 33 });
    expect(images.shape).to.deep.equal([2, 3, 33, 33]);
    expect(masks.shape).to.deep.equal([2, 1, 33, 33]);
  });

  it('say what is wrong with their options', async () => {
    expect((await failure(draw({ count: 1, splitt: 'train' }))).message).to.match(
      /unknown name 'splitt'; did you mean 'split'\?/,
    );
    expect((await failure(draw({ count: 1, split: 'tst' }))).message).to.match(/did you mean 'test'\?/);
    expect((await failure(draw({ count: 100, signal: AbortSignal.abort() }))).code).to.equal('ERR_ABORTED');
  });
});

describe('the sources of composed images', () => {
  const assets = new URL('../assets/composed/', import.meta.url);
  const manifest = JSON.parse(readFileSync(new URL('manifest.json', assets), 'utf8'));
  const splits = Object.values(manifest.splits);

  it('share no garment between splits, and no photograph between test and the others', async () => {
    const garments = [];
    for (const { images, labels } of splits) {
      const { shape, data } = await readIdx(new URL(images, assets).pathname);
      const classes = [...(await readIdx(new URL(labels, assets).pathname)).data];
      expect(shape).to.deep.equal([classes.length, 28, 28]);
      const counts = manifest.classes.map((_, label) => classes.filter((other) => other === label).length);
      expect(new Set(counts).size, 'classes are balanced').to.equal(1);
      for (let i = 0; i < shape[0]; i++) garments.push(contentHash(data.subarray(i * 784, (i + 1) * 784)));
    }
    expect(garments).to.have.length(6000);
    expect(new Set(garments).size).to.equal(6000);
    const { train, validation, test } = manifest.splits;
    expect(
      test.photographs.filter((name) => [...train.photographs, ...validation.photographs].includes(name)),
    ).to.deep.equal([]);
  });

  it('are all credited with a licence', () => {
    const credits = readFileSync(new URL('CREDITS.md', assets), 'utf8');
    const photographs = new Set(splits.flatMap((split) => split.photographs));
    expect(photographs.size).to.be.at.least(8);
    for (const name of photographs) {
      expect(existsSync(new URL(name, assets))).to.equal(true);
      const row = credits.split('\n').find((line) => line.includes(`\`${name.split('/')[1]}\``));
      expect(row, name).to.match(/\| (CC0-1\.0|public domain) \|$/);
    }
    expect(credits)
      .to.match(/Zalando SE/)
      .and.to.match(/Permission is hereby granted/);
  });
});

describe('data composed', () => {
  const folder = temporaryFolder();
  const make = (out, options) =>
    createComposedDataset({
      out: join(folder, out),
      train: 40,
      validation: 8,
      test: 24,
      size: 16,
      device: 'cpu',
      seed: 2,
      ...options,
    });

  it('makes shards that do not depend on where they end, and the same bytes again', async () => {
    const report = await make('a', { shardSize: 16 });
    expect(report.splits).to.deep.equal({ train: 40, validation: 8, test: 24 });
    await make('b', { shardSize: 16 });
    expect(hashes(join(folder, 'a'))).to.deep.equal(hashes(join(folder, 'b')));
    await make('c', { shardSize: 7 });
    const [a, c] = [await openDataset(join(folder, 'a')), await openDataset(join(folder, 'c'))];
    const rows = [39, 0, 16, 15, 7];
    const [ofA, ofC] = [await a.split('train').batch(rows), await c.split('train').batch(rows)];
    for (const name of ['image', 'mask', 'label']) expect(await ofA[name].data()).to.deep.equal(await ofC[name].data());
    expect(a.split('train').ids).to.deep.equal(c.split('train').ids);
  });

  it('uses the split its manifest says for every sample', async () => {
    const assets = JSON.parse(readFileSync(new URL('../assets/composed/manifest.json', import.meta.url), 'utf8'));
    const dataset = await openDataset(join(folder, 'a'));
    for (const [name, { ids }] of Object.entries(dataset.splits)) {
      const photographs = assets.splits[name].photographs.map((path) => /([^/]+)\.png$/.exec(path)[1]);
      for (const id of ids) expect(photographs, id).to.include(id.split('/')[3]);
    }
  });

  it('makes folders of PNG files with the same pixels', async () => {
    await make('d', { format: 'folders' });
    const { default: sharp } = await import('sharp');
    const dataset = await openDataset(join(folder, 'a'));
    const { image } = await dataset.split('test').batch([9]);
    const planes = await image.data();
    const pixels = await sharp(join(folder, 'd/test/sneaker/000009.png')).raw().toBuffer();
    const expected = Array.from({ length: 768 }, (_, i) => planes[(i % 3) * 256 + Math.floor(i / 3)]);
    expect([...pixels]).to.deep.equal(expected);
    expect(existsSync(join(folder, 'd/.shards'))).to.equal(false);
  });
});
