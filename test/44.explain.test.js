import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect } from 'chai';
import sharp from 'sharp';

import { Cnn, CnnBuilder, CumulensError, Generator, Tensor, explainFiles, readNpy } from '../dist/index.js';
import { native } from '../dist/native.js';
import { smallCnn } from './support/small-cnn.js';
import { tinyGan, writePrepared } from './support/prepared.js';

const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const cumulens = (...args) => promisify(execFile)(process.execPath, [cli, ...args]);

/** The file's pixels as they are decoded: rows of RGB. */
const interleavedOf = (file, height, width, fit) =>
  sharp(file).resize(width, height, { fit, kernel: 'linear', fastShrinkOnLoad: false }).raw().toBuffer();

async function pictureOf(file, height, width, fit) {
  const pixels = await interleavedOf(file, height, width, fit);
  const size = [height, width];
  return native.packImages([pixels], { height, width, layout: 'hwc', size });
}

describe('explaining image files', () => {
  let folder;
  let cnn;
  let generator;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulens-explain-'));
    cnn = await smallCnn(32);
    generator = await Generator.create({
      variant: 'lsft',
      conditions: 2,
      width: 4,
      conditionWidth: 4,
      conditionFeatures: 3,
    });
    await cnn.save(join(folder, 'cnn.safetensors'));
    await generator.save(join(folder, 'generator.safetensors'));
    await mkdir(join(folder, 'images', 'more'), { recursive: true });
    const pixels = Buffer.from(Uint8Array.from({ length: 40 * 50 * 3 }, (_, i) => (i * 7) % 256));
    const image = sharp(pixels, { raw: { width: 50, height: 40, channels: 3 } });
    await image
      .clone()
      .png()
      .toFile(join(folder, 'images', 'a.png'));
    await image
      .clone()
      .flop()
      .jpeg()
      .toFile(join(folder, 'images', 'more', 'a.jpg'));
  });
  after(() => rm(folder, { recursive: true }));

  it('writes pictures, the raw map and a summary', async () => {
    const out = join(folder, 'out');
    const seen = [];
    const summary = await explainFiles([join(folder, 'images')], {
      cnn,
      generator,
      out,
      onProgress: (event) => seen.push(event),
    });
    expect(seen).to.deep.equal([{ done: 2, total: 2 }]);
    expect(summary.images.map(({ map }) => map)).to.deep.equal(['a.npy', 'a-2.npy']);
    expect(JSON.parse(await readFile(join(out, 'summary.json'), 'utf8'))).to.deep.equal(summary);
    const names = ['heatmap.png', 'overlay.png', 'side-by-side.png', 'npy'];
    expect(await readdir(out)).to.have.members([
      'summary.json',
      ...['a', 'a-2'].flatMap((name) => names.map((end) => `${name}.${end}`)),
    ]);
    const sizes = await Promise.all(
      ['a.heatmap.png', 'a.overlay.png', 'a.side-by-side.png'].map((name) => sharp(join(out, name)).metadata()),
    );
    expect(sizes.map(({ width, height, channels }) => [width, height, channels])).to.deep.equal([
      [256, 256, 3],
      [256, 256, 3],
      [784, 256, 3],
    ]);

    // The raw map is what the two networks give when they are asked by hand.
    const { data } = await sharp(join(folder, 'images', 'a.png'))
      .resize(32, 32, { fit: 'cover', kernel: 'linear', fastShrinkOnLoad: false })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const planar = new Uint8Array(data.length);
    for (let i = 0; i < 32 * 32; i++) for (let c = 0; c < 3; c++) planar[c * 1024 + i] = data[3 * i + c];
    const x = Tensor.from(planar, [1, 3, 32, 32]);
    const { cumulative, predicted, probabilities } = await cnn.explain(x, { conditions: 2 });
    const expected = await (await generator.explain(x, cumulative)).data();
    const actual = await readNpy(join(out, 'a.npy'));
    expect(actual.shape).to.deep.equal([32, 32]);
    (await actual.data()).forEach((value, i) => expect(value).to.be.closeTo(expected[i], 1e-5));
    expect(summary.images[0].class).to.equal(String(predicted[0]));
    expect(summary.images[0].probability).to.be.closeTo((await probabilities.data())[predicted[0]], 1e-6);
  });

  /** A generator of the same sizes whose file says this of its training. */
  async function trainedWith(conditioning, size = 32) {
    const usual = {
      method: 'gradcam',
      order: 'forward',
      excludeTarget: true,
      targetTap: cnn.taps.at(-1),
      targetMethod: 'gradcam',
      scale: 1,
      interpolation: 'bilinear',
    };
    const weights = await generator.stateDict();
    return Generator.from(
      generator.config,
      weights,
      { device: 'cpu' },
      {
        size,
        conditioning: { ...usual, target: 'predicted', fit: 'crop', ...conditioning },
      },
    );
  }

  it('gives each file names of its own', async () => {
    const files = ['a.png', 'a.jpg', 'a-2.png', 'b/a.png'].map((name) => join(folder, 'named', name));
    await mkdir(join(folder, 'named', 'b'), { recursive: true });
    for (const file of files) await sharp(join(folder, 'images', 'a.png')).toFile(file);
    const { images } = await explainFiles(files, { cnn, generator, out: join(folder, 'out-named') });
    expect(images.map(({ map }) => map)).to.deep.equal(['a.npy', 'a-2.npy', 'a-2-2.npy', 'a-3.npy']);
  });

  it('explains the class that the generator was trained for', async () => {
    const image = join(folder, 'images', 'a.png');
    const out = join(folder, 'out-class');
    const plain = await explainFiles([image], { cnn, generator, out: join(folder, 'out-plain') });
    const predicted = Number(plain.images[0].class);
    expect(plain.images[0].explained).to.equal(String(predicted));
    expect(plain.warnings).to.deep.equal([]);
    const target = (predicted + 1) % 5;
    const one = await trainedWith({ target });
    const summary = await explainFiles([image], { cnn, generator: one, out });
    expect(summary.images[0]).to.include({ class: String(predicted), explained: String(target) });
    const { cumulative } = await cnn.explain(image, { conditions: 2, target });
    const x = await pictureOf(image, 32, 32, 'cover');
    const expected = await (await generator.explain(x, cumulative)).data();
    (await (await readNpy(join(out, 'a.npy'))).data()).forEach((value, i) =>
      expect(value).to.be.closeTo(expected[i], 1e-5),
    );
    const labelled = await explainFiles([image], { cnn, generator: await trainedWith({ target: 'label' }), out });
    expect(labelled.images[0].explained).to.equal(String(predicted));
    expect(labelled.warnings.join()).to.match(/trained to explain each sample's label/);
  });

  it("makes the generator's picture of the CNN's, as it was made for the training", async () => {
    const net = new CnnBuilder({ channels: 3, height: 16, width: 48 });
    const hidden = net.add('relu', net.add('conv2d', net.input, { filters: 4, kernel: 3, padding: 'same' }));
    const middle = net.add('relu', net.add('conv2d', hidden, { filters: 4, kernel: 3, padding: 'same' }));
    const deep = net.add('relu', net.add('conv2d', middle, { filters: 4, kernel: 3, padding: 'same' }));
    const logits = net.add('linear', net.add('globalAvgPool2d', deep), { units: 3 });
    const wide = await Cnn.create(net.build(logits), { device: 'cpu', seed: 5 });
    const image = join(folder, 'images', 'a.png');
    for (const [fit, resize] of [
      ['crop', 'cover'],
      ['stretch', 'fill'],
    ]) {
      const out = join(folder, `out-${fit}`);
      const trained = await trainedWith({ fit, targetTap: wide.taps.at(-1) });
      await explainFiles([image], { cnn: wide, generator: trained, out });
      const picture = await pictureOf(image, 16, 48, resize);
      const { cumulative } = await wide.explain(picture, { conditions: 2, size: 32 });
      const small = await native.packImages([await interleavedOf(image, 16, 48, resize)], {
        height: 16,
        width: 48,
        layout: 'hwc',
        size: [32, 32],
      });
      const expected = await (await generator.explain(small, cumulative)).data();
      const actual = await (await readNpy(join(out, 'a.npy'))).data();
      actual.forEach((value, i) => expect(value, fit).to.be.closeTo(expected[i], 1e-5));
    }
  });

  it('draws no empty batches', async () => {
    const [x, c] = [3, 2].map((channels) => Tensor.from(new Uint8Array(channels * 1024), [1, channels, 32, 32]));
    const failure = await generator.native.explain(x, c, { raw: false, batchSize: 0 }).catch((error) => error);
    expect(failure)
      .to.include({ code: 'ERR_OPTION' })
      .and.have.property('message')
      .that.matches(/batchSize is 0/);
  });

  it('reports a file that is no image and goes on, or stops there', async () => {
    const bad = join(folder, 'bad.png');
    await writeFile(bad, 'no picture');
    const files = [bad, join(folder, 'images', 'a.png')];
    const problems = [];
    const summary = await explainFiles(files, {
      cnn,
      generator,
      out: join(folder, 'out2'),
      onProblem: (problem) => problems.push(problem),
    });
    expect(summary.images).to.have.length(1);
    expect(summary.failed).to.deep.equal([{ file: bad, reason: problems[0] }]);
    expect(problems[0]).to.match(/bad\.png: not a readable image/);
    const failure = await explainFiles(files, { cnn, generator, out: join(folder, 'out3') }).catch((error) => error);
    expect(failure).to.be.instanceOf(CumulensError).and.include({ code: 'ERR_FORMAT' });
  });

  it('is a command, as is training', async function () {
    const data = await writePrepared(join(folder, 'data'), { size: 32 });
    const run = join(folder, 'run');
    const { width, conditionWidth, conditionFeatures, discriminatorWidth } = tinyGan;
    const sizes = Object.entries({
      '--width': width,
      '--condition-width': conditionWidth,
      '--condition-features': conditionFeatures,
      '--discriminator-width': discriminatorWidth,
    });
    const trained = await cumulens(
      'train',
      data,
      '--out',
      run,
      '--steps',
      '2',
      '--batch-size',
      '4',
      ...sizes.flat().map(String),
      '--device',
      'cpu',
      '--json',
    );
    expect(JSON.parse(trained.stdout)).to.deep.equal({
      generator: join(run, 'generator.safetensors'),
      steps: 2,
      warnings: [],
    });
    const out = join(folder, 'out4');
    const args = [
      '--cnn',
      join(folder, 'cnn.safetensors'),
      '--generator',
      join(run, 'generator.safetensors'),
      '--out',
      out,
      '--json',
    ];
    // The generator remembers how its conditions were made, with a tap that this CNN has not.
    const wrong = await cumulens('explain', join(folder, 'images'), ...args).catch((error) => error);
    expect(wrong.code).to.equal(2);
    expect(wrong.stderr).to.match(/targetTap: 'conv' is not a tap/);
    args[3] = join(folder, 'generator.safetensors');
    const explained = await cumulens('explain', join(folder, 'images'), ...args, '--colormap', 'jet');
    expect(JSON.parse(explained.stdout)).to.include({ colormap: 'jet' }).and.have.property('images').with.length(2);
    const usage = await cumulens('explain', join(folder, 'images')).catch((error) => error);
    expect(usage.code).to.equal(2);
  });
});
