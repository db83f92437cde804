import { fork, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { expect } from 'chai';
import fc from 'fast-check';

import { answerStudy } from '../dist/study/answers.js';
import { compareSides } from '../dist/study/comparison.js';
import { StudyFolder } from '../dist/study/folder.js';
import { parseStudyOptions, recordedSettings, STUDY_PRESETS } from '../dist/study/options.js';
import { pairName, planStudy } from '../dist/study/plan.js';
import { doubled, isAtRest, lastQuarter } from '../dist/study/training.js';
import { study } from '../dist/index.js';
import { remakePage } from '../dist/report/remake.js';
import { studyPage } from '../dist/report/study_page.js';
import { studySummary } from '../dist/report/study_summary.js';
import { accessibilityProblems, launchChromium, openFile } from './support/browser.js';
import { failure, idxBytes, imageFolder, put, someBytes } from './support/data.js';

const all = {
  variants: ['lsft', 'gsft'],
  targets: ['excluded', 'included'],
  scopes: ['one', 'mix', 'without-cnn', 'without-data'],
};

describe("A study's plan", () => {
  it('of three CNNs and two data sets has every cell of the paper, and repeats the headline', () => {
    const plan = planStudy({ cnns: ['a', 'b', 'c'], data: ['x', 'y'], ...all, seeds: [0, 1, 2] });
    // 6 pairs + the mix + 3 CNNs and 2 data sets left out, by 2 variants and 2 targets; 7 cells by 2 variants twice more.
    expect(plan.length).to.equal(12 * 2 * 2 + 7 * 2 * 2);
    expect(
      plan.filter(({ scope, left }) => scope === 'without-cnn' && left === 'b')[0].sources.map(pairName),
    ).to.deep.equal(['a-x', 'a-y', 'c-x', 'c-y']);
    expect(plan.filter(({ left }) => left === 'y')[0].tests.map(pairName)).to.deep.equal(['a-y', 'b-y', 'c-y']);
    expect(plan[0].id).to.equal('lsft-excluded-one-a-x-seed0');
    expect(plan[0].tests.map(pairName)).to.deep.equal(['a-x', 'a-y', 'b-x', 'b-y', 'c-x', 'c-y']);
  });

  it('never tries a generator that leaves something out on what it learnt from, and names each once (property)', () => {
    const names = (letters) => fc.uniqueArray(fc.constantFrom(...letters), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(names('abcd'), names('wxyz'), fc.integer({ min: 1, max: 3 }), (cnns, data, count) => {
        const seeds = Array.from({ length: count }, (_, i) => i);
        const plan = planStudy({ cnns, data, ...all, seeds });
        expect(new Set(plan.map(({ id }) => id)).size).to.equal(plan.length);
        for (const { scope, left, sources, tests, seed, headline } of plan) {
          expect(sources.length).to.be.greaterThan(0);
          expect(tests.length).to.be.greaterThan(0);
          const learnt = sources.map(pairName);
          if (scope.startsWith('without')) {
            expect(tests.map(pairName).some((pair) => learnt.includes(pair))).to.equal(false);
            expect(sources.some((pair) => pair.cnn === left || pair.data === left)).to.equal(false);
            expect(sources.length + tests.length).to.equal(cnns.length * data.length);
          } else expect(pairName(tests[0])).to.equal(learnt[0]);
          if (!headline) expect(seed).to.equal(0);
        }
        const first = plan.findIndex(({ target }) => target === 'included');
        expect(plan.slice(first).every(({ target }) => target === 'included')).to.equal(true);
      }),
    );
  });
});

describe('A comparison over seeds', () => {
  it('averages each image over the seeds, and pairs the images', async () => {
    const ours = [{ mae: [0.1, 0.3] }, { mae: [0.3, 0.5] }];
    const theirs = [{ mae: [0.3, 0.5] }, { mae: [0.5, 0.7] }];
    const { contrasts } = await compareSides(
      [{ variant: 'lsft', what: 'a', data: 'x', ours, theirs }],
      ['mae', 'pearson'],
    );
    const [contrast] = contrasts;
    expect(contrast).to.include({ score: 'mae', seeds: 2, images: 2 });
    expect(contrast.ours).to.be.closeTo(0.3, 1e-12);
    expect(contrast.theirs).to.be.closeTo(0.5, 1e-12);
    // Each image differs by the same, so there is nothing to be unsure of.
    for (const bound of ['mean', 'low', 'high']) expect(contrast.difference[bound]).to.be.closeTo(-0.2, 1e-12);
    expect(contrast.difference.verdict).to.equal('better');
  });

  it('goes by the seeds that both sides have, and leaves out scores that a side lacks', async () => {
    const ours = [{ mae: [1, 2] }, {}, { mae: [3, 4] }, { ssim: [1, 1] }];
    const theirs = [{ mae: [0, 1] }, { mae: [9, 9] }, { mae: [2, 3] }, undefined];
    const { contrasts } = await compareSides(
      [{ variant: 'lsft', what: 'a', data: 'x', ours, theirs }],
      ['mae', 'ssim'],
    );
    const [contrast, ...others] = contrasts;
    expect(others).to.deep.equal([]);
    expect(contrast).to.include({ seeds: 2, images: 2, ours: 2.5, theirs: 1.5 });
    expect(contrast.difference.mean).to.be.closeTo(1, 1e-12);
  });

  it('counts what is undefined as 0, and says how often', async () => {
    const ours = [{ pearson: [0.5, null] }, { pearson: [null, null] }];
    const theirs = [{ pearson: [0.25, 0.25] }, { pearson: [0.25, null] }];
    const { contrasts } = await compareSides([{ variant: 'lsft', what: 'a', data: 'x', ours, theirs }], ['pearson']);
    expect(contrasts[0].undefined).to.deep.equal({ ours: 3, theirs: 1 });
    // By image: 0.25 and 0 against 0.25 and 0.125.
    expect(contrasts[0]).to.include({ ours: 0.125, theirs: 0.1875, images: 2, seeds: 2 });
    expect(contrasts[0].difference.mean).to.be.closeTo(-0.0625, 1e-12);
  });

  it('over all cells takes each image once, as often as it is in cells', async () => {
    const cell = (data, a, b) => ({ variant: 'lsft', what: data, data, ours: [{ mae: a }], theirs: [{ mae: b }] });
    const cells = [
      cell('x', [0.1, 0.2], [0.4, 0.4]),
      cell('x', [0.3, 0.6], [0.4, 0.4]),
      cell('y', [0.5, 0.7], [0.1, 0.1]),
    ];
    const { contrasts, overall } = await compareSides(cells, ['mae', 'ssim']);
    expect(contrasts.length).to.equal(3);
    // Images of x: 0.2 − 0.4 and 0.4 − 0.4; of y: 0.4 and 0.6.
    expect(overall.length).to.equal(1);
    const [{ score, images, cells: of, ours, theirs, difference }] = overall;
    expect({ score, images, of }).to.deep.equal({ score: 'mae', images: 4, of: 3 });
    expect(ours).to.be.closeTo((0.2 + 0.4 + 0.5 + 0.7) / 4, 1e-12);
    expect(theirs).to.be.closeTo((0.4 + 0.4 + 0.1 + 0.1) / 4, 1e-12);
    expect(difference.mean).to.be.closeTo(0.2, 1e-12);
    // Of four draws of these the least that can come is −0.2, the most 0.6.
    expect(difference.low).to.be.within(-0.2, 0.05);
    expect(difference.high).to.be.within(0.35, 0.6);
    expect(difference.verdict).to.equal('indistinguishable');
  });

  it('over cells of the same images is as unsure as the images are, not as their number times the cells', async () => {
    const values = Array.from({ length: 50 }, (_, i) => Math.sin(i));
    const cell = (what) => ({
      variant: 'lsft',
      what,
      data: 'x',
      ours: [{ ssim: values }],
      theirs: [{ ssim: values.map(() => 0) }],
    });
    const { contrasts, overall } = await compareSides(['a', 'b', 'c'].map(cell), ['ssim']);
    expect(overall[0]).to.include({ images: 50, cells: 3 });
    for (const bound of ['mean', 'low', 'high'])
      expect(overall[0].difference[bound]).to.be.closeTo(contrasts[0].difference[bound], 1e-12);
  });
});

describe("A training's last quarter", () => {
  it('goes from the last look at the error up to three quarters of the steps to the one at the end', () => {
    expect(lastQuarter([[50, 0.4], [100, 0.3], [150, 0.2], [200, 0.19]])).to.deep.equal([0.2, 0.19]); // prettier-ignore
    expect(lastQuarter([[75, 0.2], [100, 0.3]])).to.deep.equal([0.2, 0.3]); // prettier-ignore
    expect(lastQuarter([[70, 0.2], [80, 0.3], [100, 0.1]])).to.deep.equal([0.2, 0.1]); // prettier-ignore
    expect(lastQuarter([[100, 0.3]])).to.equal(undefined);
    expect(lastQuarter([])).to.equal(undefined);
  });

  it('is at rest where the error changed by less than 3 % of itself', () => {
    const falling = (to) => [[75, 0.2], [100, to]]; // prettier-ignore
    expect([0.1945, 0.1935, 0.2055, 0.2065].map((to) => isAtRest(falling(to)))).to.deep.equal([true, false, true, false]); // prettier-ignore
    expect(isAtRest([[100, 0.3]])).to.equal(undefined);
  });

  it('is at rest where the error changed by less than rounding to bytes does, 1/1020, however small it is', () => {
    const falling = (to) => [[75, 0.01], [100, to]]; // prettier-ignore
    expect([0.00903, 0.00901, 0.01097, 0.01099].map((to) => isAtRest(falling(to)))).to.deep.equal([true, false, true, false]); // prettier-ignore
  });
});

describe("A study's answers", () => {
  const pairs = [
    { cnn: 'a', data: 'x' },
    { cnn: 'b', data: 'x' },
  ];
  const wave = (mean) => Array.from({ length: 40 }, (_, i) => mean + 0.01 * Math.sin(i));
  const rows = (pearson, mae) => ({ pearson: wave(pearson), mae: wave(mae), ssim: wave(pearson) });
  const finding = (scope, sources, trials, more = {}) => ({
    training: {
      id: scope,
      variant: 'lsft',
      target: 'excluded',
      scope,
      sources,
      tests: [],
      seed: 0,
      headline: true,
      ...more,
    },
    result: { steps: 1, parameters: 1, validation: [[1, 0.1]], warnings: [], lengthened: 0 },
    trials,
  });
  const trial = (pair, generator, linear, more = {}) => ({ pair, seed: 0, scores: { generator, linear }, ...more });
  const config = { cnns: [], data: [] };

  it('weigh what never saw a CNN against what learnt from it, with the margin', async () => {
    const own = pairs.map((pair) => finding('one', [pair], [trial(pair, rows(0.9, 0.1), rows(0.8, 0.2))]));
    const near = finding('without-cnn', [pairs[0]], [trial(pairs[1], rows(0.87, 0.12), rows(0.8, 0.2))], { left: 'b' });
    const far = finding('without-cnn', [pairs[1]], [trial(pairs[0], rows(0.7, 0.3), rows(0.8, 0.2))], { left: 'a' });
    const { questions } = await answerStudy({ config, cnns: [], trainings: [...own, near, far] });
    const answerTo = (id) => questions.find((question) => question.id === id);
    expect(answerTo('without-cnn')).to.include({ answer: 'mixed', text: 'In part: it holds for Pearson 1 of 2.' });
    expect(answerTo('without-data')).to.include({ answer: 'open' });
    expect(answerTo('linear')).to.include({
      answer: 'yes',
      text: 'Yes: it holds for MAE 2 of 2, SSIM 2 of 2, Pearson 2 of 2.',
    });
    expect(answerTo('unseen-linear').text).to.equal('In part: it holds for MAE 1 of 2, SSIM 1 of 2, Pearson 1 of 2.');
  });

  it('are asked of generators with the target included by themselves, if there are any', async () => {
    const [near, far] = [rows(0.9, 0.1), rows(0.7, 0.3)];
    const included = { target: 'included' };
    const [one, other] = pairs;
    const trainings = [
      finding('one', [other], [trial(other, near, far)]),
      finding('without-cnn', [one], [trial(other, near, far)], { left: 'b' }),
      finding('one', [other], [trial(other, near, far)], included),
      finding('mix', pairs, pairs.map((pair) => trial(pair, near, far)), included),
      finding('without-cnn', [one], [trial(other, far, near)], { ...included, left: 'b' }),
    ]; // prettier-ignore
    const { questions } = await answerStudy({ config, cnns: [], trainings });
    const answers = Object.fromEntries(questions.map(({ id, answer }) => [id, answer]));
    expect(answers).to.include({ 'without-cnn': 'yes', 'unseen-linear': 'yes', mix: 'open' });
    expect(answers).to.include({
      'included-without-cnn': 'no',
      'included-unseen-linear': 'no',
      'included-mix': 'yes',
      'included-without-data': 'open',
      included: 'no',
    });
    expect(questions.find(({ id }) => id === 'included-without-cnn').question).to.equal(
      'With the target’s map among the averages, is the generator agnostic to the CNN?',
    );
    const few = await answerStudy({ config, cnns: [], trainings: trainings.slice(0, 2) });
    expect(few.questions.map(({ id }) => id).filter((id) => id.startsWith('included'))).to.deep.equal([]);
  });

  it('are given of a mix alone, and of the target included alone', async () => {
    const trials = pairs.map((pair) => trial(pair, rows(0.9, 0.1), rows(0.5, 0.2)));
    const answer = async (...trainings) => {
      const { questions } = await answerStudy({ config, cnns: [], trainings });
      return (id) => [...new Set(questions.find((question) => question.id === id).contrasts.map(({ what }) => what))];
    };
    expect((await answer(finding('mix', pairs, trials)))('linear')).to.deep.equal(['mix: a, x', 'mix: b, x']);
    const included = finding('one', [pairs[1]], [trials[1]], { target: 'included' });
    expect((await answer(included))('included')).to.deep.equal(['b, x']);
  });

  it('compare the mix with those of one pair seed by seed, whichever is there', async () => {
    const [pair] = pairs;
    const of = (scope, seed, pearson) => {
      const one = trial(pair, rows(pearson, 0.1), rows(0.5, 0.2), { seed });
      return finding(scope, [pair], [one], { seed });
    };
    const trainings = [of('one', 0, 0.9), of('one', 2, 0.5), of('mix', 1, 0.1), of('mix', 2, 0.48)];
    const { questions } = await answerStudy({ config, cnns: [], trainings });
    const mix = questions.find(({ id }) => id === 'mix');
    expect(mix.contrasts.map(({ seeds }) => seeds)).to.deep.equal([1]);
    expect(mix.contrasts[0].difference.mean).to.be.closeTo(-0.02, 1e-6);
    expect(mix.answer).to.equal('yes');
  });

  it('say of the first and the last condition what their intervals say', async () => {
    const relevance = {
      zero: wave(0).map((value) => [1 + value, 0.5, 1 + value]),
      gradient: wave(0).map((value) => [3 + value, 1, 1]),
    };
    const one = finding('one', [pairs[0]], [trial(pairs[0], rows(0.9, 0.1), rows(0.8, 0.2), { relevance })]);
    const { firstAndLast } = await answerStudy({ config, cnns: [], trainings: [one] });
    expect(firstAndLast.rows.map(({ kind, verdict }) => [kind, verdict])).to.deep.equal([['zero', 'equal'], ['gradient', 'first']]); // prettier-ignore
    expect(firstAndLast.text).to.match(
      /^In part: of 2 cells .* equal \(within 20 % of their mean\) in 1, the first matters more in 1,/,
    );
  });
});

describe("A study's options", () => {
  it('name networks by their width, and refuse two of one name', () => {
    const parse = (cnns) => parseStudyOptions({ out: 'o', cnns });
    const two = [{ arch: 'resnet18', options: { width: 0.25 } }, { arch: 'small' }];
    expect(parse(two).cnns.map(({ name }) => name)).to.deep.equal(['resnet18w0.25', 'small']);
    expect(() => parse([two[1], two[1]])).to.throw("study.cnns: two are called 'small'; give each its own name");
    expect(() => parseStudyOptions({ out: 'o', sedes: [1] })).to.throw(/unknown name 'sedes'; did you mean 'seeds'\?/);
    expect(() => parseStudyOptions({ out: 'o', data: [{ source: 'folder' }] })).to.throw(/folder needs 'from'/);
  });

  it('are refused before the folder is bound to them, whatever they are of', async () => {
    const out = join(tmpdir(), `cumulens-study-never-${process.pid}`);
    const wrong = {
      "study.lsft: unknown name 'stepz'; did you mean 'steps'?": { gan: { stepz: 5 } },
      "study.gsft: unknown name 'seed'": { gsft: { seed: 5 } },
      "study.lsftIncluded: unknown name 'stepz'; did you mean 'steps'?": { lsftIncluded: { stepz: 5 } },
      "study.cnnTraining: unknown name 'epoch'; did you mean 'epochs'?": { cnnTraining: { epoch: 5 } },
      "unknown name 'widht'; did you mean 'width'?": { cnns: [{ arch: 'resnet18', options: { widht: 0.25 } }] },
      "study.cnns: 'resnet19' is none of small, ": { cnns: [{ arch: 'resnet19' }] },
      'study.size: ': { size: 10 },
      'epochs and steps both say how long': { gan: { steps: 5, epochs: 1 } },
    };
    for (const [message, options] of Object.entries(wrong)) {
      const error = await failure(study({ out, ...options }));
      expect(error.code, message).to.equal('ERR_OPTION');
      expect(error.message).to.include(message);
    }
    expect(existsSync(out)).to.equal(false);
  });

  it('of a training begun anew are those of twice the steps', () => {
    const settings = { epochs: 3, warmup: 40, schedule: 'cosine', finalRate: 0.1 };
    expect(doubled(settings, 500)).to.deep.equal({ warmup: 40, schedule: 'cosine', finalRate: 0.1, steps: 1000 });
  });

  it('lay what is given over the preset', () => {
    const { images, lsft, gsft, lsftIncluded, gsftIncluded, size } = parseStudyOptions({
      out: 'o',
      images: { train: 9 },
      gan: { steps: 3 },
      size: 24,
    });
    expect([images.train, lsft.steps, gsftIncluded.steps, size]).to.deep.equal([9, 3, 3, 24]);
    expect(parseStudyOptions({ out: 'o', gan: { steps: 3 }, lsft: { steps: 4 } }).lsftIncluded.steps).to.equal(4);
    expect(images.test).to.equal(300);
    const paper = parseStudyOptions({ out: 'o', preset: 'paper', gan: { steps: 3 } });
    expect(paper.gsftIncluded).to.deep.equal({ preset: 'paper', steps: 3 });
    const epochs = parseStudyOptions({ out: 'o', gan: { epochs: 2 }, gsft: { steps: 5 } });
    expect([epochs.lsftIncluded.epochs, 'steps' in epochs.lsftIncluded, epochs.gsft.steps, 'epochs' in epochs.gsft]).to.deep.equal([2, false, 5, false]); // prettier-ignore
    expect([lsft.preset, lsftIncluded.width, gsft.width]).to.deep.equal(['small', 8, 16]);
    const falling = { schedule: 'cosine', decayShare: 0.6, finalRate: 0.05 };
    expect(lsftIncluded).to.include(falling);
    const constant = parseStudyOptions({ out: 'o', gan: { schedule: 'constant' } });
    expect(constant.lsft).to.include({ schedule: 'constant' }).and.not.have.any.keys('decayShare', 'finalRate');
    const shorter = parseStudyOptions({ out: 'o', gan: { finalRate: 0.1 } });
    expect(shorter.gsft).to.include({ ...falling, finalRate: 0.1 });
    const own = parseStudyOptions({ out: 'o', gsftIncluded: { generatorAdam: { learningRate: 0.5 } } });
    const { steps, generatorAdam } = STUDY_PRESETS.small.gsft;
    expect(own.gsft).to.deep.include({ steps, generatorAdam });
    expect(own.gsftIncluded).to.deep.include({
      steps: STUDY_PRESETS.small.gsftIncluded.steps,
      generatorAdam: { ...generatorAdam, learningRate: 0.5 },
    });
    // As study.json keeps them they are options again, and say the same.
    for (const options of [{}, { gan: { epochs: 2 } }, { gan: { schedule: 'constant' }, gsft: { steps: 9 } }]) {
      const kept = recordedSettings(parseStudyOptions({ out: 'o', ...options }));
      expect(recordedSettings(parseStudyOptions({ out: 'o', ...kept }))).to.deep.equal(kept);
    }
    expect([paper.lengthen, epochs.lengthen]).to.deep.equal([0, 2]);
    expect(parseStudyOptions({ out: 'o', lengthen: 3 }).lengthen).to.equal(3);
  });
});

describe('cumulens study', () => {
  let folder;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'cumulens-study-command-'))));
  after(() => rm(folder, { recursive: true }));

  const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  const command = (...args) =>
    spawnSync(process.execPath, [CLI, 'study', '--out', join(folder, 'study'), '--device', 'cpu', ...args], {
      encoding: 'utf8',
    });

  it('is told of everything by flags', () => {
    const { status, stdout, stderr } = command(
      ...['--cnns', 'small:width=4', 'vgg16:width=0.125:head=paper', '--data', 'composed', 'cifar10=/c', 'cats=/d=e'],
      ...['--variants', 'gsft', '--targets', 'included', '--scopes', 'one', 'without-cnn', '--seeds', '4', '2'],
      ...['--train', '24', '--validation', '8', '--test', '12', '--image-size', '32', '--size', '16', '--steps', '5'],
      ...['--learning-rate', '0.01', '--schedule', 'cosine', '--decay-share', '0.5', '--final-rate', '0.1'],
      ...['--lengthen', '1', '--limit', '6', '--minutes', '0.000001', '--json'],
    );
    expect(status, stderr).to.equal(0);
    const { settings, done, trainings } = JSON.parse(stdout);
    // Without each of two CNNs, and 2 × 3 pairs of seed 4 alone: with the target included nothing is a headline.
    expect({ done, trainings }).to.deep.equal({ done: 0, trainings: 8 });
    expect(settings).to.deep.include({
      cnns: [
        { name: 'smallw4', arch: 'small', options: { width: 4 } },
        { name: 'vgg16w0.125', arch: 'vgg16', options: { width: 0.125, head: 'paper' } },
      ],
      data: [
        { name: 'composed', source: 'composed' },
        { name: 'cifar10', source: 'cifar10', from: '/c' },
        { name: 'cats', source: 'folder', from: '/d=e' },
      ],
      variants: ['gsft'],
      targets: ['included'],
      scopes: ['one', 'without-cnn'],
      seeds: [4, 2],
      images: { train: 24, validation: 8, test: 12 },
      imageSize: 32,
      size: 16,
      lengthen: 1,
      limit: 6,
    });
    expect(settings.gsftIncluded).to.deep.include({ steps: 5, schedule: 'cosine', decayShare: 0.5, finalRate: 0.1 });
    expect(settings.gsftIncluded.generatorAdam.learningRate).to.equal(0.01);
  });

  it('refuses flags that say nothing it knows', () => {
    const wrong = [
      [['--cnns', 'small:width'], /Expected NAME or NAME:option=value/],
      [['--data', 'mnist'], /Expected composed, fashion-mnist, cifar10=PATH or NAME=FOLDER/],
      [['--scopes', 'two'], /Expected one, mix, without-cnn, without-data/],
      [['--size', '10'], /11/],
    ];
    for (const [args, message] of wrong) {
      const { status, stderr } = command(...args);
      expect(status, args.join(' ')).to.equal(2);
      expect(stderr).to.match(message);
    }
  });
});

describe("A study's folder", () => {
  let path;
  before(async () => (path = await mkdtemp(join(tmpdir(), 'cumulens-study-folder-'))));
  after(() => rm(path, { recursive: true }));

  it('rounds what was measured, and counts nothing wrong', async () => {
    const folder = new StudyFolder(path);
    await folder.write('cnns', 'a', { parameters: 134301514, accuracy: 1 / 3 });
    expect(await folder.read('cnns', 'a')).to.deep.equal({ parameters: 134301514, accuracy: 0.333333 });
    await rm(join(path, 'results'), { recursive: true });
  });

  it('keeps what another process is writing, and loses what a dead one left', async () => {
    const [fresh, old] = ['results.json.12-0123abcd.new', 'report.html.9-0123abcd.new'].map((name) => join(path, name));
    for (const name of [fresh, old]) await writeFile(name, 'half');
    const hourAgo = new Date(Date.now() - 3_600_000);
    await utimes(old, hourAgo, hourAgo);
    await new StudyFolder(path).open({ seeds: [1] });
    expect((await readdir(path)).sort()).to.deep.equal(['results.json.12-0123abcd.new', 'study.json']);
  });
});

describe('A study, at a very small size', () => {
  let folder;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'cumulens-study-'))));
  after(() => rm(folder, { recursive: true }));

  const options = (more = {}) => ({
    out: join(folder, 'study'),
    cnns: [
      { arch: 'small', options: { width: 4 } },
      { name: 'other', arch: 'small', options: { width: 6 } },
    ],
    data: [{ source: 'composed' }],
    variants: ['lsft'],
    seeds: [0, 1],
    images: { train: 24, validation: 8, test: 12 },
    imageSize: 32,
    size: 16,
    conditions: 3,
    cnnTraining: { epochs: 1, batchSize: 8 },
    gan: { preset: 'paper', width: 4, conditionWidth: 4, conditionFeatures: 3, discriminatorWidth: 4, batchSize: 4, steps: 4, validateEvery: 1 }, // prettier-ignore
    lengthen: 1,
    curveSteps: 4,
    device: 'cpu',
    ...more,
  });

  it('runs whole, in parts, and finds the same as if it had never stopped', async function () {
    this.timeout(300_000);
    const stopped = new AbortController();
    let steps = 0;
    const interrupted = await failure(
      study(options({ signal: stopped.signal, onStep: () => () => ++steps === 40 && stopped.abort() })),
    );
    expect(interrupted.code, interrupted.stack).to.equal('ERR_ABORTED');
    const result = await study(options());
    // 2 pairs, the mix and 2 CNNs left out, by 2 targets; 3 headline cells once more.
    expect(result).to.include({ complete: true, done: 13, trainings: 13 });
    const whole = await study(options({ out: join(folder, 'whole') }));
    expect(result.answers).to.deep.equal(whole.answers);
    const { questions, firstAndLast, cnns, trainings } = result.answers;
    expect(cnns.map(({ cnn }) => cnn)).to.deep.equal(['smallw4', 'other']);
    expect(trainings.length).to.equal(13);
    // Begun anew for twice the steps where, and only where, the error was not at rest.
    const doubled = trainings.filter(({ lengthened }) => lengthened === 1);
    expect(doubled.length).to.be.greaterThan(0);
    for (const { id, steps, atRest, lengthened } of trainings) {
      expect(steps).to.equal(lengthened === 1 ? 8 : 4);
      const first = JSON.parse(await readFile(join(folder, 'study', 'runs', id, 'attempt.json'), 'utf8'));
      expect(first.steps).to.equal(4);
      expect(isAtRest(first.validation)).to.equal(lengthened === 0);
      if (lengthened === 0) expect(atRest).to.equal(true);
    }
    const sizes = Object.fromEntries(questions.map(({ id, contrasts: rows }) => [id, rows.length]));
    // By three scores each: 2 pairs alone and in the mix; without each CNN. On the CNN, five scores. Without a second data set, nothing.
    expect(sizes).to.deep.equal({
      'without-cnn': 2,
      'without-data': 0,
      'unseen-linear': 6,
      mix: 2,
      linear: 12,
      gradcam: 20,
      'cnn-linear': 20,
      'cnn-luminance': 20,
      included: 6,
      'included-without-cnn': 2,
      'included-without-data': 0,
      'included-unseen-linear': 6,
      'included-mix': 2,
    });
    expect(questions.find(({ id }) => id === 'linear').contrasts[0]).to.include({ seeds: 2, images: 12 });
    expect(firstAndLast.rows.length).to.equal(4 * 4);
    expect(Object.keys(result.scores).sort()).to.deep.equal(['adcc', 'deletion', 'energyInMask', 'insertion', 'mae', 'pearson', 'pointingGame', 'ssim']); // prettier-ignore
    expect(result.scores.deletion).to.include('4 steps');
    expect(result.versions).to.have.keys('cumulens', 'node', 'torch');
    const page = await readFile(result.page, 'utf8');
    expect(page).to.include('All 13 trainings are done.');
    expect(page).to.not.match(/https?:\/\/(?!www\.w3\.org)/);
    expect(JSON.parse(await readFile(join(folder, 'study', 'results.json'), 'utf8')).answers).to.deep.equal(
      JSON.parse(JSON.stringify(result.answers)),
    );
    await rm(result.page);
    expect(await remakePage(join(folder, 'study'))).to.equal(result.page);
    expect(await readFile(result.page, 'utf8')).to.equal(page);
    for (const line of studySummary(result).split('\n')) expect(line.length, line).to.be.at.most(80);
  });

  it('takes CIFAR-10, Fashion-MNIST and a folder of images, both variants, and leaves each data set out', async function () {
    this.timeout(300_000);
    const [cifar, fashion] = [join(folder, 'cifar'), join(folder, 'fashion')];
    const record = (label) => Buffer.concat([Buffer.from([label]), someBytes(3072, label + 1)]);
    const ten = Array.from({ length: 10 }, (_, label) => record(label));
    put(join(cifar, 'data_batch_1.bin'), Buffer.concat([...ten, ...ten, ...ten]));
    put(join(cifar, 'test_batch.bin'), Buffer.concat([...ten, ...ten]));
    for (const [part, count] of [
      ['train', 30],
      ['t10k', 20],
    ]) {
      // prettier-ignore
      put(join(fashion, `${part}-images-idx3-ubyte.gz`), gzipSync(idxBytes([count, 28, 28], someBytes(784 * count))));
      put(join(fashion, `${part}-labels-idx1-ubyte.gz`), gzipSync(idxBytes([count], Array.from({ length: count }, (_, i) => i % 10)))); // prettier-ignore
    }
    const own = await imageFolder(join(folder, 'own'), 2, 60, 32);
    const data = [{ source: 'cifar10', from: cifar }, { source: 'fashion-mnist', from: fashion }, { name: 'own', source: 'folder', from: own }]; // prettier-ignore
    const result = await study(
      options({
        out: join(folder, 'sources'),
        cnns: [{ arch: 'small', options: { width: 4 } }],
        data,
        variants: ['lsft', 'gsft'],
        targets: ['excluded'],
        scopes: ['one', 'without-data'],
        seeds: [0],
        images: { train: 20, validation: 10, test: 10 },
        gsft: { blocks: 1 },
        lengthen: 0,
      }),
    );
    expect(result).to.include({ complete: true, done: 12, trainings: 12 });
    const names = ['cifar10', 'fashionmnist', 'own'];
    expect(result.answers.cnns.map((one) => [one.data, one.images])).to.deep.equal(names.map((name) => [name, 10]));
    const answer = (id) => result.answers.questions.find((question) => question.id === id);
    const cells = answer('without-data').contrasts.map(({ variant, what, images }) => [variant, what, images]);
    expect(cells).to.have.deep.members(['lsft', 'gsft'].flatMap((variant) => names.map((name) => [variant, `smallw4, ${name}`, 10]))); // prettier-ignore
    expect(answer('without-data').overall[0]).to.include({ cells: 6, images: 30 });
    expect(
      answer('unseen-linear').contrasts.filter(({ what }) => what === 'smallw4, own, without own').length,
    ).to.equal(6);
    // None of these has masks.
    expect(answer('gradcam').overall.map(({ score }) => score)).to.deep.equal(['deletion', 'insertion', 'adcc']);
    expect(result.answers.firstAndLast.rows.filter(({ variant }) => variant === 'gsft').length).to.equal(3 * 4);
  });

  it('has a page that is sound in a browser, wide and at phone width', async function () {
    const browser = await launchChromium();
    if (!browser) this.skip();
    try {
      for (const width of [1280, 420]) {
        const page = await openFile(browser, join(folder, 'study', 'report.html'), { width });
        for (const details of await page.locator('details').all()) await details.evaluate((one) => (one.open = true));
        expect(await accessibilityProblems(page)).to.deep.equal([]);
        expect(page.problems).to.deep.equal([]);
        expect(await page.evaluate('document.documentElement.scrollWidth'), 'no sideways scrolling').to.equal(width);
        await page.close();
      }
    } finally {
      await browser.close();
    }
  });

  it('is shared by processes, each at what no other is at; claims of dead ones do not count', async function () {
    this.timeout(300_000);
    const out = join(folder, 'shared');
    const dead = join(out, 'claims', 'cnn-other-composed');
    const child = (begun) =>
      new Promise((resolve, reject) => {
        const process_ = fork('test/support/study-child.js', { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
        process_.on('message', begun);
        process_.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`the child ended by ${code}`))));
        process_.send(options({ out }));
      });
    const here = new Set();
    const onStep = (step) => (_part, of) => of > 0 && here.add(step);
    let ours;
    await child(async () => {
      // The other process has written study.json: from here on both work.
      await mkdir(dirname(dead), { recursive: true });
      await writeFile(dead, '');
      ours = study(options({ out, onStep }));
    });
    const result = await ours;
    expect(result).to.include({ complete: true, done: 13 });
    expect(here.size, 'trainings done here').to.be.within(1, 12);
    expect(result.answers).to.deep.equal((await study(options({ out: join(folder, 'whole') }))).answers);
    expect(await readdir(join(out, 'claims'))).to.deep.equal([]);
  });

  it('says what is left when the time is up', async () => {
    const result = await study(options({ out: join(folder, 'short'), minutes: 1e-9 }));
    expect(result).to.include({ complete: false, done: 0, trainings: 13 });
    expect(studyPage(result)).to.include('0 of 13 trainings are done');
    expect(result.answers.questions.every(({ answer }) => answer === 'open')).to.equal(true);
  });

  it('refuses a folder of another study, and networks there are not', async () => {
    expect((await failure(study(options({ size: 24 })))).message).to.match(
      /was begun with size 16, not 24; name another folder/,
    );
    const wrong = await failure(study(options({ out: join(folder, 'none'), cnns: [{ arch: 'vgg61' }] })));
    expect(wrong).to.include({ code: 'ERR_OPTION' });
    expect(wrong.message).to.match(/'vgg61' is none of small, vgg16/);
    expect(existsSync(join(folder, 'none'))).to.equal(false);
  });
});
