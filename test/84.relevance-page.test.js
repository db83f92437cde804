// `cumulens relevance`: its folder, its text, its page, and going on after an interruption.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import { Generator, relevance } from '../dist/index.js';
import { Journal } from '../dist/journal.js';
import { barChart } from '../dist/report/bar_chart.js';
import { makeRelevanceReport } from '../dist/report/relevance_report.js';
import { formatPercent } from '../dist/report/relevance_results.js';
import { relevanceText } from '../dist/report/relevance_text.js';
import { rejection } from './support/arrays.js';
import { accessibilityProblems, launchChromium, openFile } from './support/browser.js';
import { writePrepared } from './support/prepared.js';

const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const AVERAGED = ['stem.conv', 'stage1.conv', 'stage2.conv', 'stage3.conv', 'stage4.conv'];

describe('cumulens relevance', function () {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-relevance-page-'));
  const data = join(folder, 'prepared');
  const out = join(folder, 'out');
  const file = (variant) => join(folder, `${variant}.safetensors`);
  const command = (...args) =>
    spawnSync(
      process.execPath,
      [CLI, 'relevance', '--gan', file('lsft'), file('gsft'), '--data', data, '--device', 'cpu', ...args],
      { encoding: 'utf8' },
    );
  const json = (path) => JSON.parse(readFileSync(path, 'utf8'));
  let run;

  before(async () => {
    await writePrepared(data, {
      train: 8,
      test: 14,
      conditions: 3,
      classes: ['coat <a>', 'boot'],
      settings: { averaged: AVERAGED },
    });
    const sizes = { conditions: 3, width: 4, conditionWidth: 4, conditionFeatures: 4 };
    for (const variant of ['lsft', 'gsft']) {
      const generator = await Generator.create(
        { variant, ...sizes, ...(variant === 'gsft' ? { blocks: 2 } : {}) },
        { device: 'cpu', seed: 1 },
      );
      await generator.save(file(variant));
      generator.dispose();
    }
    run = command('--out', out, '--shown', '6');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('writes what relevance finds of each generator, with the depth of each condition', async () => {
    expect(run.status, run.stderr).to.equal(0);
    const results = json(join(out, 'results.json'));
    expect(results).to.deep.include({ format: 'cumulens.relevance/1', kinds: ['zero', 'mean', 'swap', 'gradient'] });
    expect(results.data).to.deep.include({ samples: 14, classes: ['coat <a>', 'boot'], conditions: 3, size: 16 });
    expect(results.generators.map(({ label }) => label)).to.deep.equal(['LSFT', 'GSFT']);
    for (const { label, file: from, parameters, ...found } of results.generators) {
      expect(from).to.equal(file(label.toLowerCase()));
      const generator = await Generator.load(file(label.toLowerCase()), { device: 'cpu' });
      expect(found).to.deep.equal(JSON.parse(JSON.stringify(await relevance({ generator, data }))));
      expect(parameters).to.equal(generator.parameterCount);
      generator.dispose();
    }
    expect(results.generators[0].depths.map(({ label, upTo }) => [label, upTo])).to.deep.equal([
      ['1', 'stem.conv'],
      ['1–3', 'stage2.conv'],
      ['1–5', 'stage4.conv'],
    ]);
    expect(results.shown.map(({ index }) => index)).to.deep.equal([0, 2, 4, 7, 9, 11]);
  });

  it('answers in words on the terminal, within 80 columns', () => {
    const { generators } = json(join(out, 'results.json'));
    const lines = run.stdout.split('\n');
    for (const line of lines.filter((one) => !one.startsWith('open ') && !one.includes(folder)))
      expect(line.length, line).to.be.at.most(80);
    const text = run.stdout.replace(/\s+/g, ' ');
    expect(text).to.include(`Are the first and the last condition equally important here? ${generators[0].answer}`);
    expect(text).to.include(`By gradient: ${generators[1].kinds.gradient.firstAndLast.answer}`);
    expect(text).to.match(/condition: taps zeros mean swapped gradient 1: 1 [\d.]+ ±[\d.]+/);
    expect(lines.at(-2)).to.match(/^open file:\/\/.*relevance\.html$/);
    // Longer words than usual.
    const results = json(join(out, 'results.json'));
    results.generators[0].answer = 'word '.repeat(60).trim();
    expect(
      Math.max(
        ...relevanceText(results)
          .split('\n')
          .map((line) => (line.includes(folder) ? 0 : line.length)),
      ),
    ).to.be.at.most(80);
  });

  it('does nothing twice, and leaves the same bytes', () => {
    const [page, results] = ['relevance.html', 'results.json'].map((name) => readFileSync(join(out, name), 'utf8'));
    const again = command('--out', out, '--shown', '6', '--json');
    expect(again.status, again.stderr).to.equal(0);
    const document = JSON.parse(again.stdout);
    expect(document.generators[0]).to.not.have.property('samples');
    expect(document.generators[0].answer).to.equal(JSON.parse(results).generators[0].answer);
    expect(document.page).to.equal(join(out, 'relevance.html'));
    expect(readFileSync(join(out, 'relevance.html'), 'utf8')).to.equal(page);
    expect(readFileSync(join(out, 'results.json'), 'utf8')).to.equal(results);
  });

  it('goes on where it was interrupted or killed, to the same results', async () => {
    const other = join(folder, 'interrupted');
    const options = {
      generators: [file('lsft'), file('gsft')],
      data,
      out: other,
      shown: 6,
      device: 'cpu',
      batchSize: 4,
    };
    const controller = new AbortController();
    const onProgress = ({ generator, done }) => generator === 'GSFT' && done >= 8 && controller.abort();
    const aborted = await rejection(makeRelevanceReport({ ...options, signal: controller.signal, onProgress }));
    expect(aborted.code).to.equal('ERR_ABORTED');
    expect(readdirSync(other)).to.not.include('results.json');
    // A kill may leave a part of a line.
    const journals = readdirSync(other).filter((name) => name.startsWith('measured-'));
    expect(journals).to.have.length(2);
    for (const name of journals) appendFileSync(join(other, name), '{"id":"test-0');
    const seen = [];
    const { results } = await makeRelevanceReport({ ...options, onProgress: (event) => seen.push(event) });
    expect(seen.map(({ generator, done }) => [generator, done])).to.deep.equal([
      ['GSFT', 12],
      ['GSFT', 14],
    ]);
    const whole = json(join(out, 'results.json'));
    expect(JSON.parse(JSON.stringify(results.generators.map(({ answer }) => answer)))).to.deep.equal(
      whole.generators.map(({ answer }) => answer),
    );
    results.generators.forEach(({ samples }, i) =>
      samples.forEach(({ relevance: found }, j) => {
        for (const [kind, values] of Object.entries(found))
          values.forEach((value, k) => {
            const expected = whole.generators[i].samples[j].relevance[kind][k];
            expect(value).to.be.closeTo(expected, 1e-4 * expected);
          });
      }),
    );
  });

  it('says what does not fit', () => {
    const other = command('--out', out, '--seed', '3');
    expect(other).to.include({ status: 2, stdout: '' });
    expect(other.stderr).to.match(/out: was begun with seed 0, not 3; name another folder/);
    const missing = command('--out', join(folder, 'new'), '--split', 'tset');
    expect(missing.stderr).to.match(/there is no split 'tset'; did you mean 'test'/);
    expect(command('--out', out, '--kinds', 'zeros').stderr).to.match(/Allowed choices are zero, mean, swap, gradient/);
    const { stderr, status } = spawnSync(process.execPath, [CLI, 'relevance', '--data', data, '--out', out], {
      encoding: 'utf8',
    });
    expect(status).to.equal(2);
    expect(stderr).to.match(/required option '--gan <files\.\.\.>'/);
  });

  it('makes its page anew from what it left, by cumulens report', () => {
    const copy = join(folder, 'copy');
    cpSync(out, copy, { recursive: true });
    rmSync(join(copy, 'relevance.html'));
    const report = (...args) => spawnSync(process.execPath, [CLI, 'report', ...args], { encoding: 'utf8' });
    const { status, stdout, stderr } = report(copy);
    expect(status, stderr).to.equal(0);
    expect(stdout).to.match(/^open file:.*copy\/relevance\.html\n$/);
    expect(readFileSync(join(copy, 'relevance.html'), 'utf8')).to.equal(
      readFileSync(join(out, 'relevance.html'), 'utf8'),
    );
    const whole = json(join(copy, 'results.json'));
    const refused = (results) => {
      writeFileSync(join(copy, 'results.json'), JSON.stringify(results));
      const failed = report(copy);
      expect(failed.status).to.equal(1);
      return failed.stderr.trim().slice(`cumulens: ${join(copy, 'results.json')}`.length);
    };
    expect(refused({ ...whole, format: 'other/1' })).to.equal(
      ': format: expected one of which there is a page (cumulens.relevance/1, cumulens.evaluation/1, cumulens.study/1), got other/1',
    );
    expect(refused([])).to.match(/expected object/);
    expect(refused({ ...whole, generators: [] })).to.match(/^\.generators: too small/);
    const [shown] = whole.shown;
    expect(
      refused({ ...whole, shown: [{ ...shown, pictures: { ...shown.pictures, image: '../../secret.webp' } }] }),
    ).to.match(/expected a picture in pictures\//);
    expect(report(join(folder, 'nowhere')).stderr).to.match(/nowhere\/results\.json: cannot read/);
  });

  it('takes the folder of a training, and tells two generators of one variant apart', async () => {
    const training = join(folder, 'training');
    cpSync(file('lsft'), join(training, 'generator.safetensors'));
    const { results } = await makeRelevanceReport({
      generators: [training, file('lsft')],
      data,
      out: join(folder, 'twice'),
      kinds: ['zero'],
      limit: 2,
      shown: 0,
      device: 'cpu',
    });
    expect(results.generators.map(({ label }) => label)).to.deep.equal([
      'LSFT training/generator.safetensors',
      `LSFT ${folder.split('/').at(-1)}/lsft.safetensors`,
    ]);
    expect(readFileSync(join(folder, 'twice', 'relevance.html'), 'utf8')).to.not.include('Image by image');
  });

  describe('its page, in a browser', () => {
    let browser;
    before(async function () {
      browser = await launchChromium();
      if (!browser) this.skip();
    });
    after(async () => browser?.close());
    const open = (options) => openFile(browser, join(out, 'relevance.html'), options);

    it('asks the network for nothing, says the answer, and is sound for all', async () => {
      for (const colorScheme of ['light', 'dark']) {
        const page = await open({ colorScheme });
        expect(await accessibilityProblems(page)).to.deep.equal([]);
        expect(page.problems).to.deep.equal([]);
        const { generators } = json(join(out, 'results.json'));
        expect(await page.locator('.verdict').allTextContents()).to.deep.equal(
          generators.map(({ label, answer }) => `${label}. ${answer}`),
        );
        await page.close();
      }
    });

    it('shows one measure at a time, and one image, by slider and by class', async () => {
      const page = await open();
      const panels = page.locator('[role=tabpanel]:visible h3');
      expect(await panels.allTextContents()).to.deep.equal(['Replaced by zeros', 'Replaced by zeros']);
      await page.getByRole('tab', { name: 'By gradient' }).first().click();
      expect(await panels.first().textContent()).to.equal('By gradient');
      const shown = () => page.locator('article:visible h3').allTextContents();
      expect(await shown()).to.deep.equal(['coat <a> test-0-0']);
      await page.getByRole('slider', { name: 'Image' }).focus();
      await page.keyboard.press('ArrowRight');
      expect(await shown()).to.deep.equal(['coat <a> test-0-2']);
      await page.locator('[data-role=choice]').selectOption('boot');
      expect(await shown()).to.deep.equal(['boot test-0-7']);
      await page.getByRole('button', { name: 'Next' }).click();
      expect(await shown()).to.deep.equal(['boot test-0-9']);
      // Bars are as high as their numbers.
      const bars =
        await page.evaluate(`[...document.querySelectorAll('article:not([hidden]) .bars tbody tr:nth-child(2) .bar')].map((bar) => [
        Number(bar.textContent), parseFloat(getComputedStyle(bar, '::after').height)])`);
      expect(bars).to.have.length(6);
      const most = bars.reduce((a, b) => (b[1] > a[1] ? b : a));
      for (const [value, height] of bars) expect(height / most[1]).to.be.closeTo(value / most[0], 0.02);
      await page.close();
    });

    it('fits a phone', async () => {
      const page = await open({ width: 420, height: 800 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(420);
      const table = await page.locator('article:visible .bars').boundingBox();
      expect(table.width).to.be.at.most(400);
      await page.close();
    });
  });
});

describe('Bars', () => {
  const series = [0, 1].map((id) => ({
    style: { id, colour: `c${id}`, dash: 'solid', width: 2 },
    bars: [1, 2, 4].map((mean) => ({ mean: mean * (id + 1), low: mean * (id + 1) - 0.5, high: mean * (id + 1) + 0.5 })),
  }));

  it('are as high as their means, side by side, with whiskers', () => {
    const svg = barChart(['a', 'b', 'c'], series, { x: 'x', y: 'y', width: 400, height: 300 }, 'two series').text;
    const paths = (pattern) => [...svg.matchAll(pattern)].map(([, ...groups]) => groups.map(Number));
    // From the left top: width to the right, height down.
    const bars = paths(/<path d="M([\d.]+) ([\d.]+)l([\d.]+) 0l0 ([\d.]+)l-\3 0Z" data-series="(\d)" style="fill/g);
    expect(bars.map(([, , , , id]) => id)).to.deep.equal([0, 0, 0, 1, 1, 1]);
    const unit = bars[0][3];
    expect(unit).to.be.above(10);
    bars.forEach(([x, y, width, height], i) => {
      expect(height / unit).to.be.closeTo([1, 2, 4, 2, 4, 8][i], 0.02);
      expect(y + height).to.be.closeTo(bars[0][1] + unit, 0.1);
      // The second series' stands to the right of the first's.
      if (i >= 3) expect(x - bars[i - 3][0]).to.be.closeTo(width + 1, 0.2);
    });
    const whiskers = paths(/<path d="M([\d.]+) ([\d.]+)L\1 ([\d.]+)" fill="none" data-series/g);
    expect(whiskers).to.have.length(6);
    whiskers.forEach(([x, low, high], i) => {
      expect(low - high).to.be.closeTo(unit, 0.2);
      expect((low + high) / 2).to.be.closeTo(bars[i][1], 0.2);
      expect(x).to.be.closeTo(bars[i][0] + bars[i][2] / 2, 0.2);
    });
    expect(svg).to.include('aria-label="two series"');
  });

  it('have three digits', () => {
    expect([0, 0.00012, 0.0123, 1.234, 12.34, 123.4].map(formatPercent)).to.deep.equal([
      '0',
      '0.0001',
      '0.0123',
      '1.23',
      '12.3',
      '123',
    ]);
  });
});

describe('Journals', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-journal-'));
  after(() => rmSync(folder, { recursive: true }));

  it('hold what was appended, whatever of a last line is left', async () => {
    const path = join(folder, 'rows.jsonl');
    const first = await Journal.open(path);
    expect(first.rows).to.deep.equal([]);
    await first.append([{ a: 1 }, { a: 'ä\n' }]);
    await first.append([{ a: 3 }]);
    await first.close();
    const length = readFileSync(path).length;
    for (let cut = 1; cut < 9; cut++) {
      const copy = join(folder, `cut-${cut}.jsonl`);
      cpSync(path, copy);
      truncateSync(copy, length - cut);
      const journal = await Journal.open(copy);
      expect(journal.rows).to.deep.equal([{ a: 1 }, { a: 'ä\n' }]);
      await journal.append([{ a: 4 }]);
      await journal.close();
      const again = await Journal.open(copy);
      expect(again.rows).to.deep.equal([{ a: 1 }, { a: 'ä\n' }, { a: 4 }]);
      await again.close();
    }
  });

  it('say which line is not JSON, and what cannot be read', async () => {
    const path = join(folder, 'broken.jsonl');
    writeFileSync(path, '{}\n{"a":\n{}\n');
    expect(await rejection(Journal.open(path))).to.include({
      code: 'ERR_FORMAT',
      message: `${path}: line 2 is not JSON`,
    });
    expect((await rejection(Journal.open(folder))).code).to.equal('ERR_IO');
  });
});
