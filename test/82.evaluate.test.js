// evaluate, end to end at a very small size: what it finds, that it goes on after a kill, and what it refuses.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import fc from 'fast-check';

import { Program } from '../dist/cli/program.js';
import { matchClasses, spread } from '../dist/evaluate/evaluation/data.js';
import { csvField } from '../dist/evaluate/evaluation/csv.js';
import { chooseCases } from '../dist/evaluate/evaluation/gallery.js';
import { selectMethods, selectMetrics, selectRanking } from '../dist/evaluate/evaluation/options.js';
import { MeanRanks } from '../dist/evaluate/evaluation/ranking.js';
import {
  Cnn,
  createComposedDataset,
  createMethod,
  createScorer,
  evaluate,
  openDataset,
  prepare,
  readEvaluation,
  small,
  Tensor,
  trainGan,
} from '../dist/index.js';
import { evaluationText } from '../dist/report/evaluation_text.js';
import { native } from '../dist/native.js';
import { remakePage } from '../dist/report/remake.js';
import { accessibilityProblems, launchChromium, openFile } from './support/browser.js';
import { failure, imageFolder } from './support/data.js';
import { tinyGan } from './support/prepared.js';

const CHILD = fileURLToPath(new URL('support/evaluate-child.js', import.meta.url));

describe('the parts of an evaluation', () => {
  it('choose methods and scores by name, all, default and !name, in the order of tables', () => {
    expect(selectMethods(['gradcam'])).to.deep.equal(['gradcam', 'luminance', 'sobel', 'random']);
    expect(selectMethods(['rise', 'gradcam']).slice(0, 2)).to.deep.equal(['gradcam', 'rise']);
    expect(selectMethods(['!eigencam']))
      .to.include('gradcam')
      .and.to.not.include('eigencam');
    expect(selectMethods(['all', '!rise']))
      .to.include('scorecam')
      .and.to.not.include('rise');
    expect(selectMetrics(['ssim', 'deletion'])).to.deep.equal(['deletion', 'ssim']);
    expect(() => selectMethods(['gradcan'])).to.throw("unknown name 'gradcan'; did you mean 'gradcam'?");
    expect(() => selectMetrics(['insertio'])).to.throw(/did you mean 'insertion'/);
    expect(() => selectMetrics(['ssim', '!ssim'])).to.throw(/none are left/);
    expect(selectRanking({}, ['deletion', 'road', 'mae'])).to.deep.equal({
      rankBy: ['deletion', 'road'],
      headline: 'road',
    });
    expect(selectRanking({}, ['mae'])).to.deep.equal({ rankBy: ['mae'], headline: 'mae' });
    expect(() => selectRanking({ rankBy: ['deletion'] }, ['mae'])).to.throw(/rankBy: unknown name 'deletion'/);
  });

  it('spread images evenly, each once', () => {
    expect(spread(10, 4)).to.deep.equal([0, 2, 5, 7]);
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (total, count) => {
        const rows = spread(total, count);
        expect(rows).to.have.length(Math.min(total, count));
        expect(new Set(rows).size).to.equal(rows.length);
        expect(rows.every((row) => row >= 0 && row < total)).to.equal(true);
      }),
    );
  });

  it('match classes by name, else by number, and say what does not fit', () => {
    expect(matchClasses(['b', 'a'], { names: ['a', 'b'], count: 2 })).to.deep.equal({ indices: [1, 0] });
    const lost = matchClasses(['b', 'x'], { names: ['a', 'b'], count: 2 });
    expect(lost.indices).to.deep.equal([1, -1]);
    expect(lost.note).to.match(/no class 'x'/);
    expect(matchClasses(['x', 'y'], { names: undefined, count: 2 })).to.deep.equal({ indices: [0, 1] });
    expect(matchClasses(['x', 'y'], { names: undefined, count: 3 }).indices).to.deep.equal([-1, -1]);
  });

  it('rank methods image by image, ties sharing their mean rank', async () => {
    const ranks = new MeanRanks(3, 2);
    ranks.add([Float64Array.of(0.1, 0.5), Float64Array.of(0.3, 0.5), Float64Array.of(0.2, 0.9)], 'higher');
    ranks.add([Float64Array.of(1, 1), Float64Array.of(2, 2), Float64Array.of(3, 3)], 'lower');
    // First score: [3, 2.5], [1, 2.5], [2, 1]; second: 1, 2, 3 for both images.
    const places = await ranks.places(0);
    expect(places.map(({ meanRank }) => meanRank.mean)).to.deep.equal([
      (2 + 1.75) / 2,
      (1.5 + 2.25) / 2,
      (2.5 + 2) / 2,
    ]);
  });

  it('choose the best and the worst in turn, and fill up at random', () => {
    const values = new Map([
      ['a', Float64Array.from({ length: 40 }, (_, i) => i)],
      ['b', Float64Array.from({ length: 40 }, (_, i) => -i)],
    ]);
    const chosen = chooseCases({ values, better: 'higher', count: 8, methods: 2 });
    expect(chosen).to.have.length(8);
    expect(chosen.filter(({ cases }) => cases.length === 0)).to.have.length(2);
    const of = (index) => chosen.find((one) => one.index === index).cases;
    expect(of(39)).to.deep.equal([
      { method: 'a', kind: 'best', value: 39 },
      { method: 'b', kind: 'worst', value: -39 },
    ]);
    expect(chooseCases({ values, better: 'higher', count: 480, methods: 25 }), 'bounded').to.have.length(40);
    expect(chooseCases({ values, better: 'higher', count: 40, methods: 119 }), 'bounded').to.have.length(10);
  });

  it('quote what CSV must quote', () => {
    expect(['plain', 'a,b', 'say "no"', 'two\nlines'].map(csvField)).to.deep.equal([
      'plain',
      '"a,b"',
      '"say ""no"""',
      '"two\nlines"',
    ]);
  });
});

describe('evaluate', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-evaluate-'));
  const at = (...names) => join(folder, ...names);
  const options = {
    cnn: at('cnn.safetensors'),
    data: at('images'),
    generators: { mine: at('gan') },
    methods: ['gradcam', 'hirescam', 'smoothGrad'],
    metrics: ['deletion', 'insertion', 'adcc', 'energyInMask', 'iou', 'mae', 'pearson'],
    methodSettings: { smoothGrad: { samples: 3 } },
    scoreSettings: { steps: 4 },
    chunkSize: 3,
    sanity: 3,
    gallery: 4,
    seed: 2,
    device: 'cpu',
  };
  const METHODS = ['mine', 'gradcam', 'hirescam', 'smoothGrad', 'luminance', 'sobel', 'random', 'linear'];
  const read = (out, name) => readFileSync(join(out, name), 'utf8');
  let done;

  before(async () => {
    const { classes } = await createComposedDataset({
      out: at('images'),
      size: 16,
      train: 12,
      validation: 0,
      test: 8,
      device: 'cpu',
    });
    const cnn = await Cnn.create(small({ classes, size: 16, width: 4 }), { device: 'cpu', seed: 5 });
    await cnn.save(options.cnn);
    const data = await prepare({ cnn, data: options.data, out: at('prepared'), size: 16, conditions: 2 });
    const run = trainGan({ ...tinyGan, data, out: at('gan'), steps: 1 });
    (await run.result).generator.dispose();
    data.dispose();
    cnn.dispose();
    done = await evaluate({ ...options, out: at('whole') });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('scores every method, baselines among them, and writes what it returns', async () => {
    const { results } = done;
    expect(results.methods.map(({ name }) => name)).to.deep.equal(METHODS);
    expect(results.methods.filter(({ kind }) => kind === 'baseline').map(({ name }) => name)).to.deep.equal(
      METHODS.slice(4),
    );
    expect(results.samples).to.equal(8);
    expect(results.ranking.scores).to.deep.equal(['deletion', 'insertion', 'adcc', 'energyInMask']);
    expect([...results.ranking.order].sort()).to.deep.equal([...METHODS].sort());
    expect(results).to.deep.equal(await readEvaluation(done.json));
    const gradcam = results.methods[1];
    expect(gradcam.isTarget, 'Grad-CAM is what the generator learnt to draw').to.equal(true);
    expect(Object.keys(gradcam.scores)).to.deep.equal(['deletion', 'insertion', 'adcc', 'energyInMask', 'iou']);
    for (const { name, scores, sanity, meanRank } of results.methods) {
      expect(sanity?.modelRandomisation.stages.length, name).to.be.above(1);
      expect(meanRank.mean).to.be.within(1, METHODS.length);
      for (const score of results.scores.filter(({ order }) => order.includes(name))) {
        const found = scores[score.name];
        expect(found.low <= found.mean && found.mean <= found.high, `${name} ${score.name}`).to.equal(true);
        expect('versusBest' in found).to.equal(score.order[0] !== name);
        expect('versusLinear' in found).to.equal(name !== 'linear');
      }
    }
    expect(results.settings.agreement).to.deep.equal({ method: 'gradcam', tap: -1 });
    for (const { needs, settings } of results.scores)
      expect(settings.endsWith('; the target is gradcam at tap -1')).to.equal(needs === 'target');
    expect(results.curves.deletion.fractions).to.deep.equal([0, 0.25, 0.5, 0.75, 1]);
    expect(results.gallery).to.have.length(4);
    expect(results.notes).to.deep.equal([]);
  });

  it('finds what the scorer finds of all images at once', async () => {
    const cnn = await Cnn.load(options.cnn, { device: 'cpu' });
    const data = await openDataset(options.data);
    const { image, mask } = await data.split('test').batch([0, 1, 2, 3, 4, 5, 6, 7], { names: ['image', 'mask'] });
    const { predicted } = await cnn.predict(image);
    const target = Tensor.from(BigInt64Array.from(predicted, BigInt), [8]);
    const request = { cnn, images: image, target, seed: options.seed, first: 0 };
    const method = createMethod('smoothGrad', { samples: 3 });
    const { values } = await createScorer(['insertion', 'energyInMask'], { steps: 4 }).score({
      ...request,
      method,
      maps: await method.explain(request),
      masks: mask,
    });
    const [header, ...rows] = read(at('whole'), 'results.csv')
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const column = (name) => rows.map((row) => Number(row[header.indexOf(name)]));
    for (const name of ['insertion', 'energyInMask']) {
      column(`smoothGrad.${name}`).forEach((value, i) =>
        expect(value, `${name} ${i}`).to.be.closeTo(values[name][i], 1e-5),
      );
      const mean = values[name].reduce((a, b) => a + b) / 8;
      expect(done.results.methods[3].scores[name].mean).to.be.closeTo(mean, 1e-5);
    }
    cnn.dispose();
    data.dispose();
  });

  it('weighs each method against the linear baseline, image by image', () => {
    const { results } = done;
    const [head, ...rows] = read(at('whole'), 'results.csv').trim().split('\n').map((line) => line.split(',')); // prettier-ignore
    const column = (name) => rows.map((row) => Number(row[head.indexOf(name)]));
    for (const score of ['deletion', 'adcc', 'energyInMask']) {
      const [ours, theirs] = [column(`mine.${score}`), column(`linear.${score}`)];
      const { mean, low, high, to, verdict } = results.methods[0].scores[score].versusLinear;
      expect(to).to.equal('linear');
      expect(mean).to.be.closeTo(ours.reduce((sum, value, i) => sum + value - theirs[i], 0) / 8, 1e-5);
      const better = score === 'deletion' ? high < 0 : low > 0;
      const worse = score === 'deletion' ? low > 0 : high < 0;
      expect(verdict).to.equal(better ? 'better' : worse ? 'worse' : 'indistinguishable');
    }
  });

  it('writes an image a row, with the same columns for every run', () => {
    const lines = read(at('whole'), 'results.csv').trim().split('\n');
    expect(lines).to.have.length(1 + 8);
    const scores = ['deletion', 'insertion', 'adcc', 'energyInMask', 'iou', 'mae', 'pearson'];
    const expected = METHODS.flatMap((method) => scores.map((score) => `${method}.${score}`));
    expect(lines[0].split(',')).to.deep.equal([
      ...['index', 'id', 'label', 'predicted', 'target', 'probability'],
      ...expected,
      'undefined',
    ]);
    for (const [i, line] of lines.slice(1).entries()) {
      const fields = line.split(',');
      expect(fields).to.have.length(7 + expected.length);
      expect(fields[0]).to.equal(String(i));
      expect(fields.slice(5, -1).every((field) => Number.isFinite(Number(field)))).to.equal(true);
    }
  });

  it('takes prepared data, and fits the linear baseline to its conditions as they lie there', async () => {
    const { results } = await evaluate({ ...options, data: at('prepared'), metrics: ['mae', 'deletion'], sanity: 0, out: at('of-prepared') }); // prettier-ignore
    expect(results.data).to.include({ kind: 'prepared', split: 'test' });
    expect(results.samples).to.equal(8);
    const [fit] = JSON.parse(read(at('of-prepared'), 'linear.json'));
    expect(fit).to.include({ images: 12, from: 'as it was prepared' });
    const data = await openDataset(at('prepared'));
    const rows = Array.from({ length: 12 }, (_, i) => i);
    const { conditions, target } = await data.split('train').batch(rows, { names: ['conditions', 'target'] });
    const once = new native.BaselineFit(2);
    await once.add(conditions, target, {});
    const expected = [...(await (await once.linearWeights()).data())];
    fit.weights.forEach((weight, k) => expect(weight).to.be.closeTo(expected[k], 1e-9));
    // Of images, conditions are made anew, before they are rounded to bytes.
    const [anew] = JSON.parse(read(at('whole'), 'linear.json'));
    expect(anew).to.include({ images: 12, from: 'conditions made anew' });
    anew.weights.forEach((weight, k) => expect(weight).to.be.closeTo(expected[k], 0.02));
    data.dispose();
  });

  it('holds as much in memory whatever the number of images, and leaves nothing behind', () => {
    const script = fileURLToPath(new URL('support/evaluate-memory.js', import.meta.url));
    const measured = (split) => {
      const given = { ...options, split, out: at(`memory-${split}`) };
      const { stdout, stderr } = spawnSync(process.execPath, [script, JSON.stringify(given)], { encoding: 'utf8' });
      expect(stdout, stderr).to.not.equal('');
      return JSON.parse(stdout);
    };
    const [few, many] = [measured('test'), measured('all')];
    expect([few.images, many.images]).to.deep.equal([8, 20]);
    expect(many.most).to.be.above(0).and.at.most(few.most);
    expect([few.left, many.left]).to.deep.equal([0, 0]);
  });

  it('tells the curves by the fractions of whole pixels', async () => {
    const { results } = await evaluate({ ...options, methods: ['gradcam'], methodSettings: {}, metrics: ['deletion'], sanity: 0, scoreSettings: { steps: 7 }, out: at('sevenths') }); // prettier-ignore
    const pixels = [0, 37, 73, 110, 146, 183, 219, 256];
    results.curves.deletion.fractions.forEach((fraction, i) => expect(fraction).to.be.closeTo(pixels[i] / 256, 1e-6));
  });

  it('has its page made anew by cumulens report, from no pictures but its own', async () => {
    const copy = at('copy');
    cpSync(at('whole'), copy, { recursive: true });
    rmSync(join(copy, 'report.html'));
    expect(await remakePage(copy)).to.equal(join(copy, 'report.html'));
    expect(read(copy, 'report.html')).to.equal(read(at('whole'), 'report.html'));
    const results = JSON.parse(read(copy, 'results.json'));
    results.gallery[0].files = 'gallery/../../secret';
    writeFileSync(join(copy, 'results.json'), JSON.stringify(results));
    expect((await failure(remakePage(copy))).message).to.match(
      /results\.json\.gallery\.0\.files: expected a picture in/,
    );
    rmSync(join(copy, 'timing.json'));
    writeFileSync(join(copy, 'results.json'), read(at('whole'), 'results.json'));
    expect((await failure(remakePage(copy))).message).to.match(/timing\.json: cannot read/);
  });

  it('killed again and again, continues to the same bytes', async () => {
    const out = at('killed');
    for (const stop of ['score 3', 'score 6', 'sanity 2', 'gallery 1']) {
      const child = spawn(process.execPath, [CHILD, JSON.stringify({ ...options, out })], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => {
        let text = '';
        child.stdout.on('data', (data) => {
          text += data;
          if (`\n${text}`.includes(`\n${stop}\n`)) child.kill('SIGKILL');
        });
        child.on('close', resolve);
      });
      expect(child.signalCode, stop).to.equal('SIGKILL');
      expect(existsSync(join(out, 'results.json')), stop).to.equal(false);
    }
    await evaluate({ ...options, out });
    for (const name of ['results.json', 'results.csv'])
      expect(read(out, name) === read(at('whole'), name), name).to.equal(true);
  });

  it('aborted, says so, and continues; run again when it is done, it gives the same', async () => {
    const out = at('aborted');
    const controller = new AbortController();
    const onProgress = ({ stage, done: at }) => (stage === 'score' && at >= 3 ? controller.abort() : undefined);
    const stopped = await failure(evaluate({ ...options, out, onProgress, signal: controller.signal }));
    expect(stopped).to.include({ code: 'ERR_ABORTED' });
    await evaluate({ ...options, out });
    const first = read(out, 'results.json');
    expect(first === read(at('whole'), 'results.json')).to.equal(true);
    const left = [];
    const onMore = ({ stage, done: at, total }) => (at < total && stage !== 'gallery' ? left.push(stage) : undefined);
    await evaluate({ ...options, out, onProgress: onMore });
    expect(left, 'nothing is measured again').to.deep.equal([]);
    expect(read(out, 'results.json') === first).to.equal(true);
  });

  it('refuses other settings in the same folder, and names what is wrong', async () => {
    const refused = async (changes) => (await failure(evaluate({ ...options, out: at('whole'), ...changes }))).message;
    expect(await refused({ seed: 3 })).to.match(/was begun with seed 2, not 3; name another folder/);
    expect(await refused({ methods: ['gradcam'], methodSettings: {} })).to.match(/another set of methods/);
    expect(await refused({ generators: {} })).to.match(/another set of generators/);
    const out = at('other');
    expect(await refused({ out, split: 'tets' })).to.match(/there is no split 'tets'; did you mean 'test'/);
    expect(await refused({ out, split: 'validation' })).to.match(/'validation' is empty/);
    expect(await refused({ out, generators: [at('nowhere')] })).to.match(/no such generator file or run folder/);
    expect(await refused({ out, methodSettings: { rise: {} } })).to.match(/'rise' is not among the methods/);
    for (const name of ['gradcam', 'target', 'linear', 'linear-2'])
      expect(await refused({ out, generators: { [name]: at('gan') } }), name).to.match(/is the name of a method that/);
    expect(await refused({ out, headline: 'insertoin' })).to.match(/headline: unknown name 'insertoin'; did you mean/);
    expect(await refused({ out, rankBy: ['iuo'] })).to.match(/rankBy: unknown name 'iuo'; did you mean 'iou'/);
    expect(await refused({ methodSettings: { ...options.methodSettings, target: { tap: 0 } } })).to.match(
      /another map that agreement is measured with/,
    );
    expect(await refused({ out, target: 99 })).to.match(/class 99, but the CNN has \d+ classes, from 0/);
    expect(await refused({ out: at('o2'), limt: 3 })).to.match(/unknown name 'limt'; did you mean 'limit'/);
  });

  it('takes a folder of image files: no masks, unreadable files left out, no class the CNN knows', async () => {
    const photos = await imageFolder(at('photos'), 2, 4);
    mkdirSync(at('photos', 'class-0'), { recursive: true });
    writeFileSync(at('photos', 'class-0', 'broken.png'), 'not a picture');
    const problems = [];
    const notes = [];
    const { results } = await evaluate({
      ...{ cnn: options.cnn, data: photos, out: at('files'), device: 'cpu', chunkSize: 4, sanity: 0, gallery: 2 },
      ...{ split: 'all', methods: ['gradcam'], metrics: ['insertion', 'iou'], scoreSettings: { steps: 2 } },
      onProblem: ({ message }) => problems.push(message),
      onNote: (note) => notes.push(note),
    });
    expect(notes).to.deep.equal(results.notes);
    expect(results).to.include({ samples: 8, skipped: 1 });
    expect(results.data).to.include({ kind: 'files', masks: false });
    expect(results.scores.map(({ name }) => name)).to.deep.equal(['insertion']);
    expect(results.notes.join('\n'))
      .to.match(/labels count as unknown/)
      .and.to.match(/IoU: left out, since the data has no masks/);
    expect(problems.join()).to.match(/broken\.png/);
    expect(results.sanity).to.equal(undefined);
  });

  it('as a command prints one JSON document, and ends with the exit codes of all commands', async () => {
    const run = async (...args) => {
      const output = { stdout: '', stderr: '' };
      const stream = (name) => ({ write: (text) => (output[name] += text), isTTY: false });
      const code = await new Program({ stdout: stream('stdout'), stderr: stream('stderr') }).run(['evaluate', ...args]);
      return { code, ...output };
    };
    const common = ['--cnn', options.cnn, '--data', options.data, '--device', 'cpu', '--methods', 'gradcam'];
    const small = [
      '--metrics',
      'insertion,complexity',
      '--steps',
      '2',
      '--limit',
      '3',
      '--sanity',
      '0',
      '--gallery',
      '1',
    ];
    const good = await run(...common, ...small, '--out', at('cli'), '--gan', `other=${at('gan')}`, '--json');
    expect(good.code, good.stderr).to.equal(0);
    const { results, report } = JSON.parse(good.stdout);
    expect(results.methods[0]).to.include({ name: 'other', kind: 'generator' });
    expect(results.samples).to.equal(3);
    expect(existsSync(report)).to.equal(true);
    const text = await run(...common, ...small, '--out', at('cli'), '--gan', `other=${at('gan')}`);
    expect(text.stdout)
      .to.match(/First by mean rank over Insertion/)
      .and.to.match(/Luminance \(baseline\)/);
    const wrong = await run(...common, '--out', at('cli2'), '--metrics', 'insertin');
    expect(wrong.code).to.equal(2);
    expect(wrong.stderr).to.match(/did you mean 'insertion'/);
  });

  describe('its page, in a browser', () => {
    let browser;
    before(async function () {
      browser = await launchChromium();
      if (!browser) this.skip();
    });
    after(() => browser?.close());
    const shownCase = (page) => page.locator('.gallery article:visible').getAttribute('data-title');

    it('is one file, asks the network for nothing and is sound in light and dark, wide and at phone width', async () => {
      for (const [colorScheme, width] of [
        ['light', 1280],
        ['dark', 420],
      ]) {
        const page = await openFile(browser, done.report, { colorScheme, width });
        expect(await accessibilityProblems(page), colorScheme).to.deep.equal([]);
        expect(page.problems).to.deep.equal([]);
        expect(await page.evaluate('document.documentElement.scrollWidth'), 'no sideways scrolling').to.equal(width);
        await page.close();
      }
    });

    it('says of every method what the results say, baselines and failures by name', async () => {
      const page = await openFile(browser, done.report);
      const order = await page.locator('table.ranking tbody th').allTextContents();
      const labelOf = (name) => done.results.methods.find((method) => method.name === name).label;
      done.results.ranking.order.forEach((name, i) => expect(order[i]).to.include(labelOf(name)));
      expect(order.filter((text) => text.includes('baseline'))).to.have.length(4);
      expect(await page.getByRole('tablist', { name: 'Scores' }).getByRole('tab').count()).to.equal(7);
      expect(await page.locator('#curves svg[role=img]').count()).to.equal(2);
      expect(await page.locator('#sanity svg[role=img]').count()).to.equal(3);
      for (const { name, label, meanRank } of done.results.methods) {
        const row = page.locator('table.ranking tbody tr', { has: page.getByRole('rowheader', { name: label }) });
        const [rank, deletion] = await row
          .locator('td')
          .allTextContents()
          .then((cells) => cells.slice(1, 3));
        const half = (of, digits) => ((of.high - of.low) / 2).toFixed(digits);
        expect(rank.trim(), name).to.equal(`${meanRank.mean.toFixed(2)} ±${half(meanRank, 2)}`);
        const { scores } = done.results.methods.find((method) => method.name === name);
        expect(deletion, name).to.include(`${scores.deletion.mean.toFixed(3)} ±${half(scores.deletion, 3)}`);
      }
      const settings = await page.locator('#settings').textContent();
      for (const [name, version] of Object.entries(done.results.versions))
        expect(settings).to.include(`${name} ${version}`);
      const everything = await page.locator('body').textContent();
      for (const score of done.results.scores) expect(everything).to.include(score.settings);
      await page.close();
    });

    it('says in red and in words which generator fails the sanity checks, and in green which passes', async () => {
      const copy = at('judged');
      cpSync(at('whole'), copy, { recursive: true });
      const results = JSON.parse(read(copy, 'results.json'));
      const judge = async (passed, verdict) => {
        const { sanity } = results.methods[0];
        sanity.modelRandomisation.passed = passed;
        if (sanity.randomLogit) sanity.randomLogit.passed = true;
        sanity.verdict = verdict;
        writeFileSync(join(copy, 'results.json'), JSON.stringify(results));
        return openFile(browser, await remakePage(copy));
      };
      const red = 'ignores the CNN: its map stays the same (Pearson 0.97 to its former self once all weights are new)';
      const failing = await judge(false, red);
      const said = failing.locator('p.verdict.bad', { hasText: 'LSFT mine fails the sanity checks' });
      expect((await said.textContent()).replace(/\s+/g, ' ')).to.include(
        `LSFT mine fails the sanity checks: it ${red}.`,
      );
      const colour = await said
        .locator('strong')
        .evaluate((element) => element.ownerDocument.defaultView.getComputedStyle(element).color);
      const [r, g, b] = colour.match(/\d+/g).map(Number);
      expect(r, colour).to.be.above(2 * Math.max(g, b));
      expect(await failing.locator('table.ranking tbody th', { hasText: 'LSFT mine' }).textContent()).to.include(
        'fails sanity',
      );
      expect(evaluationText(results)).to.include(`! LSFT mine FAILS the sanity checks: it ${red}.`);
      await failing.close();
      const passing = await judge(true, 'depends on the CNN');
      expect(
        await passing.locator('p.verdict.good', { hasText: 'LSFT mine passes the sanity checks' }).count(),
      ).to.equal(1);
      expect(await passing.locator('p.verdict.bad', { hasText: 'LSFT mine' }).count()).to.equal(0);
      expect(evaluationText(results)).to.not.include('LSFT mine FAILS');
      await passing.close();
    });

    it('walks through its images by keys, and narrows them to cases', async () => {
      const page = await openFile(browser, done.report);
      const ids = done.results.gallery.map(({ id }) => id);
      expect(await shownCase(page)).to.equal(ids[0]);
      expect(await page.locator('.gallery article:visible img').count()).to.equal(1 + METHODS.length);
      await page.locator('[data-role=slider]').focus();
      await page.keyboard.press('ArrowRight');
      expect(await shownCase(page)).to.equal(ids[1]);
      await page.keyboard.press('End');
      expect(await shownCase(page)).to.equal(ids.at(-1));
      await page.locator('[data-role=choice]').selectOption('best-0');
      const best = done.results.gallery.find(({ cases }) =>
        cases.some((one) => one.method === 'mine' && one.kind === 'best'),
      );
      expect(await shownCase(page)).to.equal(best.id);
      await page.locator('[data-role=overlay]').focus();
      await page.keyboard.press('End');
      const opacity = "getComputedStyle(document.querySelector('article:not([hidden]) .map')).opacity";
      expect(await page.evaluate(opacity)).to.equal('0');
      await page.close();
    });
  });
});
