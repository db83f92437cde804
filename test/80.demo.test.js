import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import sharp from 'sharp';

import { runDemo } from '../dist/demo/demo.js';
import { html } from '../dist/report/html.js';
import { demoTables } from '../dist/report/tables.js';

const RECIPE = {
  size: 64,
  images: { train: 48, validation: 16, test: 20 },
  cnn: { epochs: 1, batchSize: 16 },
  conditions: 8,
  gan: {
    preset: 'small',
    steps: 3,
    batchSize: 4,
    width: 8,
    conditionWidth: 8,
    conditionFeatures: 8,
    discriminatorWidth: 4,
  },
  gallery: 3,
};

describe('the demo, at a very small size', function () {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-demo-'));
  const out = join(folder, 'demo-output');
  const options = { out, seed: 3, device: 'cpu', recipe: RECIPE };
  let result;

  before(async () => {
    const controller = new AbortController();
    const onStage = (stage) => {
      if (stage === 'prepare') controller.abort();
      return () => undefined;
    };
    const interrupted = await runDemo({ ...options, signal: controller.signal, onStage }).catch((error) => error);
    expect(interrupted).to.include({ code: 'ERR_ABORTED' });
    result = await runDemo(options); // continues
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('scores every answer on every held-out image', () => {
    const { target, mask, samples, settings } = result.comparison;
    expect(samples).to.equal(20);
    expect(settings.excludeTarget).to.equal(true);
    const names = [
      'condition.0',
      'condition.7.normalised',
      'generator',
      'linear',
      'luminance',
      'meanTarget',
      'sobel',
      'random',
    ];
    expect(target.map(({ name }) => name))
      .to.include.members(names)
      .and.to.have.length(6 + 2 * 8);
    expect(mask.map(({ name }) => name)).to.deep.equal([
      'generator',
      'target',
      'cumulative',
      'linear',
      'luminance',
      'sobel',
      'random',
    ]);
    for (const { scores } of [...target, ...mask]) {
      for (const { mean, low, high } of Object.values(scores)) expect(low <= mean && mean <= high).to.equal(true);
    }
  });

  it('finds that uniform noise lies in the mask by its area alone', () => {
    const random = result.comparison.mask.find(({ name }) => name === 'random').scores.energyInMask.mean;
    expect(random).to.be.within(0.02, 0.5);
  });

  it('writes a page with its pictures, and nothing from a network', async () => {
    const page = readFileSync(result.page, 'utf8');
    expect(page).to.not.match(/https?:\/\//);
    const sources = [...page.matchAll(/<img src="([^"]+)"/g)].map(([, source]) => source);
    expect(sources).to.have.length(3 * 4);
    for (const source of sources) expect(existsSync(join(out, source)), source).to.equal(true);
    expect(await sharp(join(out, 'pictures/01-image.png')).metadata()).to.include({ width: 256, height: 256 });
    expect(await sharp(join(out, 'pictures/01-conditions.png')).metadata()).to.include({
      width: 8 * 66 - 2,
      height: 64,
    });
  });

  it('run again does nothing twice and finds the same', async () => {
    const again = await runDemo(options);
    expect(again.comparison).to.deep.equal(result.comparison);
    expect(again.cnnAccuracy).to.equal(result.cnnAccuracy);
    expect(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')).comparison).to.deep.equal(result.comparison);
  });

  it('leaves what the README script needs, which runs as written', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const [, script] = /```js\n([\s\S]*?)```/.exec(readme);
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(fileURLToPath(new URL('..', import.meta.url)), join(folder, 'node_modules/cumulens'));
    writeFileSync(join(folder, 'script.mjs'), `${script}\nconsole.log(JSON.stringify(heat.shape));\n`);
    const { stdout, stderr } = spawnSync(process.execPath, ['script.mjs'], { cwd: folder, encoding: 'utf8' });
    expect(stderr).to.equal('');
    expect(JSON.parse(stdout.trim().split('\n').at(-1))).to.deep.equal([4, 1, 64, 64]);
  });

  it('refuses a folder with other settings or other contents', async () => {
    expect(await runDemo({ ...options, seed: 4 }).catch((error) => error)).to.include({ code: 'ERR_OPTION' });
    for (const fresh of [false, true]) {
      const other = await runDemo({ ...options, out: folder, fresh }).catch((error) => error);
      expect(other.message).to.match(/holds no demo/);
    }
    expect(existsSync(result.page)).to.equal(true);
  });

  it('begun afresh removes the old one, unless another is at work there', async () => {
    const stopped = new AbortController();
    const fresh = { ...options, seed: 4, fresh: true, signal: stopped.signal };
    const [first, second] = [fresh, fresh].map((one) =>
      runDemo({ ...one, onStage: () => (stopped.abort(), () => undefined) }).catch((error) => error),
    );
    expect([(await first).code, (await second).code]).to.have.members(['ERR_ABORTED', 'ERR_IO']);
    const left = readdirSync(out);
    expect(left).to.include('demo.json');
    for (const old of ['results.json', 'index.html', 'pictures', 'gan', 'cnn', '.cumulens.lock'])
      expect(left).to.not.include(old);
    expect(JSON.parse(readFileSync(join(out, 'demo.json'), 'utf8')).seed).to.equal(4);
  });

  it('prints tables that fit 80 columns', () => {
    const lines = demoTables(result).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).to.be.at.most(80);
  });
});

describe('html templates', () => {
  it('escape values and keep markup', () => {
    expect(html`<p>${'<b> & "x"'}${[html`<i></i>`, html`<u></u>`]}</p>`.text).to.equal(
      '<p>&lt;b&gt; &amp; &quot;x&quot;<i></i><u></u></p>',
    );
  });
});
