import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import sharp from 'sharp';

import { CumulensError, Generator, TRAIN_PRESETS, trainGan } from '../dist/index.js';
import { openDataset } from '../dist/data/dataset.js';
import { holdFile } from '../dist/file_lock.js';
import { parseTrainSettings, toNativeTrainConfig } from '../dist/gan/config.js';
import { tinyGan, writePrepared } from './support/prepared.js';

async function rejection(promise) {
  const outcome = await promise.then(
    () => undefined,
    (failure) => failure,
  );
  expect(outcome, 'the call should have failed').to.be.instanceOf(CumulensError);
  return outcome;
}

/** Every file under a folder, by its path, with its bytes. */
async function contents(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return Object.fromEntries(
    await Promise.all(
      files.sort().map(async (file) => [file.slice(folder.length + 1), (await readFile(file)).toString('base64')]),
    ),
  );
}

async function finish(options) {
  const events = [];
  const run = trainGan(options);
  for await (const event of run) events.push(event);
  const result = await run.result;
  result.generator.dispose();
  return { events, result };
}

/** Mean |G − target| over a split, from the raw output. */
async function errorOf(generator, split) {
  const { image, conditions, target } = await split.batch(Array.from({ length: split.count }, (_, i) => i));
  const drawn = await (await generator.explain(image, conditions, { raw: true })).data();
  const wanted = await target.data();
  return drawn.reduce((sum, value, i) => sum + Math.abs(value - wanted[i] / 255), 0) / drawn.length;
}

describe('trainGan', () => {
  let folder;
  let data;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulens-train-'));
    data = await writePrepared(join(folder, 'data'));
  });
  after(() => rm(folder, { recursive: true }));

  const settings = (out, more = {}) => ({
    ...tinyGan,
    data,
    out: join(folder, out),
    steps: 12,
    checkpointEvery: 5,
    sampleEvery: 6,
    emaDecay: 0.9,
    flips: true,
    schedule: 'cosine',
    warmup: 2,
    ...more,
  });

  it('tells every step, writes the run and gives the generator', async () => {
    const options = settings('whole');
    const { events, result } = await finish(options);
    expect(events.map(({ step }) => step)).to.deep.equal(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(events[0]).to.include({ steps: 12, epoch: 0 });
    expect(events[11].epoch).to.equal(Math.floor((12 * 4) / 11));
    for (const event of events) {
      expect(event.generatorLoss).to.be.closeTo(event.adversarial + 100 * event.l1, 1e-3);
      expect(event.discriminatorLoss).to.be.greaterThan(0);
      expect(event.realAccuracy).to.be.within(0, 1);
    }
    const files = Object.keys(await contents(options.out));
    const parts = [
      'discriminator.safetensors',
      'ema.safetensors',
      'generator.safetensors',
      'optimizer.safetensors',
      'state.json',
    ];
    expect(files).to.have.members([
      'config.json',
      'generator.safetensors',
      'metrics.jsonl',
      'samples/step-00000006.png',
      'samples/step-00000012.png',
      ...['step-00000010', 'step-00000012'].flatMap((step) => parts.map((part) => `checkpoints/${step}/${part}`)),
    ]);
    const lines = (await readFile(join(options.out, 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ step }) => step)).to.deep.equal(events.map(({ step }) => step));
    expect(lines[3].l1).to.equal(events[3].l1);
    const { width, height } = await sharp(join(options.out, 'samples/step-00000012.png')).metadata();
    expect([width, height]).to.deep.equal([5 * 18, 3 * 18]);
    const generator = await Generator.load(result.path);
    expect(generator.origin).to.deep.equal({
      size: 16,
      conditioning: {
        method: 'gradcam',
        order: 'forward',
        excludeTarget: true,
        targetMethod: 'gradcam',
        targetTap: 'conv',
        target: 'predicted',
        fit: 'crop',
        scale: 1,
        interpolation: 'bilinear',
      },
    });
    expect(generator.config).to.include({ variant: 'lsft', conditions: 2, blocks: 3, width: 4 });
  });

  it('gives the same bytes for the same seed and others for another', async () => {
    await finish(settings('again'));
    await finish(settings('other', { seed: 1 }));
    const [whole, again, other] = await Promise.all(
      ['whole', 'again', 'other'].map((name) => contents(join(folder, name))),
    );
    expect(again).to.deep.equal(whole);
    expect(other['generator.safetensors']).to.not.equal(whole['generator.safetensors']);
  });

  it('goes on to the same bytes after an abort', async () => {
    const options = settings('aborted');
    const abort = new AbortController();
    const run = trainGan({ ...options, signal: abort.signal });
    for await (const { step } of run) {
      if (step === 3) abort.abort();
      if (step === 3) break;
    }
    expect((await rejection(run.result)).code).to.equal('ERR_ABORTED');
    const { events } = await finish({ ...options, resume: true });
    expect(events[0].step).to.be.greaterThan(3);
    expect(await contents(options.out)).to.deep.equal(await contents(join(folder, 'whole')));
  });

  it('goes on to the same bytes after being killed, twice', async () => {
    const options = settings('killed');
    const child = fileURLToPath(new URL('support/train-child.js', import.meta.url));
    for (const [round, last] of [6, 11].entries()) {
      const process_ = spawn(process.execPath, [child, JSON.stringify({ ...options, resume: round > 0 })], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(process_, 'exit');
      for await (const line of createInterface(process_.stdout)) if (line === `step ${last}`) process_.kill('SIGKILL');
      expect((await exited)[1]).to.equal('SIGKILL');
    }
    await finish({ ...options, resume: true });
    expect(await contents(options.out)).to.deep.equal(await contents(join(folder, 'whole')));
  });

  it('stays out of the folder of one that is under way', async () => {
    const options = settings('held');
    await mkdir(options.out);
    const held = holdFile(join(options.out, '.cumulens.lock'));
    const message = `${options.out}: is being worked in already, by this process or another`;
    for (const resume of [false, true]) {
      if (resume) await writeFile(join(options.out, 'config.json'), '{}');
      expect(await rejection(trainGan({ ...options, resume }).result)).to.include({ code: 'ERR_IO', message });
    }
    expect(await readdir(options.out)).to.have.members(['.cumulens.lock', 'config.json']);
    held[Symbol.dispose]();
  });

  it('of a finished run gives its generator at once', async () => {
    const before = await contents(join(folder, 'whole'));
    const { events } = await finish(settings('whole', { resume: true }));
    expect(events).to.have.length(0);
    expect(await contents(join(folder, 'whole'))).to.deep.equal(before);
  });

  it('writes the generator of a run that was killed just before', async () => {
    await cp(join(folder, 'whole'), join(folder, 'without'), { recursive: true });
    await rm(join(folder, 'without', 'generator.safetensors'));
    await finish(settings('without', { resume: true }));
    expect(await contents(join(folder, 'without'))).to.deep.equal(await contents(join(folder, 'whole')));
  });

  it('removes what a killed run left half-written', async () => {
    const [whole, left] = ['whole', 'half-written'].map((name) => join(folder, name));
    await cp(whole, left, { recursive: true });
    const checkpoint = join(left, 'checkpoints', 'step-00000015.4711-0123abcd.new');
    await mkdir(checkpoint);
    await writeFile(join(checkpoint, 'generator.safetensors.tmp-4711-3'), 'half');
    await writeFile(join(left, 'generator.safetensors.tmp-4711-2'), 'half');
    await writeFile(join(left, 'samples', 'step-00000012.png.4711-89abcdef.new'), 'half');
    await finish(settings('half-written', { resume: true }));
    expect(await readdir(join(left, 'checkpoints'))).to.have.members(['step-00000010', 'step-00000012']);
    expect(await contents(left)).to.deep.equal(await contents(whole));
  });

  it('goes on from a checkpoint that a killed run had only to rename', async () => {
    const [whole, left] = ['whole', 'not-renamed'].map((name) => join(folder, name));
    await cp(whole, left, { recursive: true });
    const checkpoint = join(left, 'checkpoints', 'step-00000012');
    await rename(checkpoint, `${checkpoint}.4711-0123abcd.new`);
    const { events } = await finish(settings('not-renamed', { resume: true }));
    expect(events).to.have.length(0);
    expect(await contents(left)).to.deep.equal(await contents(whole));
  });

  it('remembers its warnings', async () => {
    await cp(join(folder, 'whole'), join(folder, 'warned'), { recursive: true });
    const path = join(folder, 'warned', 'checkpoints', 'step-00000012', 'state.json');
    const state = JSON.parse(await readFile(path, 'utf8'));
    expect(state).to.include({ step: 12 }).and.have.property('warnings').that.deep.equals([]);
    await writeFile(path, JSON.stringify({ ...state, warnings: ['step 7: it has stopped'] }));
    const { result } = await finish(settings('warned', { resume: true }));
    expect(result.warnings).to.deep.equal(['step 7: it has stopped']);
  });

  it('that is aborted keeps the picture that is due, and no checkpoint of nothing', async () => {
    const abort = new AbortController();
    const options = settings('pictured', { sampleEvery: 1, checkpointEvery: 100 });
    const run = trainGan({ ...options, signal: abort.signal });
    let last = 0;
    const failed = rejection(run.result);
    try {
      for await (const event of run) {
        expect(event.sample, `step ${event.step}`).to.be.a('string');
        last = event.step;
        if (last === 2) abort.abort();
      }
    } catch (error) {
      expect(error.code).to.equal('ERR_ABORTED');
    }
    expect((await failed).code).to.equal('ERR_ABORTED');
    expect(await readdir(join(options.out, 'samples'))).to.have.length(last);

    const early = settings('early');
    const failure = await rejection(trainGan({ ...early, signal: AbortSignal.abort() }).result);
    expect(failure.code).to.equal('ERR_ABORTED');
    expect(
      existsSync(join(early.out, 'checkpoints')) ? await readdir(join(early.out, 'checkpoints')) : [],
    ).to.deep.equal([]);
  });

  it('leaves nothing behind where there is no such device', async () => {
    const options = settings('no-device', { device: 'cuda:99' });
    expect((await rejection(trainGan(options).result)).code).to.match(/^ERR_(CUDA_UNAVAILABLE|OPTION)$/);
    expect(existsSync(options.out)).to.equal(false);
  });

  it('does not overwrite a run, nor go on with another', async () => {
    expect((await rejection(trainGan(settings('whole')).result)).message).to.match(/a run is there already: resume it/);
    expect((await rejection(trainGan(settings('whole', { resume: true, width: 5 })).result)).message).to.match(
      /cannot be resumed with another width: it was begun with 4, got 5/,
    );
    expect((await rejection(trainGan(settings('none', { resume: true })).result)).message).to.match(/no run to resume/);
  });

  it('says what is wrong with its settings', async () => {
    const refused = (options) => {
      try {
        trainGan(options);
      } catch (error) {
        return error;
      }
      throw new Error('accepted');
    };
    expect(refused(settings('x', { batchsize: 3 })).message).to.match(
      /unknown name 'batchsize'; did you mean 'batchSize'/,
    );
    expect(refused(settings('x', { variant: 'lsf' })).message).to.match(/did you mean 'lsft'/);
    expect(refused({ out: 'x' }).message).to.match(/data/);
    expect((await rejection(trainGan(settings('x', { epochs: 2 })).result)).message).to.match(/epochs and steps both/);
    expect((await rejection(trainGan({ ...settings('x'), data: join(folder, 'nowhere') }).result)).code).to.equal(
      'ERR_IO',
    );
    expect((await rejection(trainGan(settings('x', { blocks: 4 })).result)).message).to.match(/has 3 blocks, got 4/);
  });

  it('trains gsft, in bfloat16, and at the reference preset', async () => {
    const { result, events } = await finish(
      settings('gsft', { variant: 'gsft', blocks: 2, precision: 'bf16', steps: 3 }),
    );
    expect(events).to.have.length(3);
    expect((await Generator.load(result.path)).config.variant).to.equal('gsft');
    const reference = await finish({ ...tinyGan, data, out: join(folder, 'reference'), preset: 'reference', steps: 3 });
    expect(reference.events.map(({ discriminatorLoss }) => discriminatorLoss === null)).to.deep.equal([
      false,
      true,
      true,
    ]);
  });

  describe('on several data sets', () => {
    let other;
    before(async () => {
      other = await writePrepared(join(folder, 'other'), { train: 5, seed: 7, settings: { targetTap: 'conv' } });
    });

    it('mixes their samples: an epoch passes over all of them', async () => {
      const { events } = await finish(
        settings('mixed', { data: [data, other], flips: false, batchSize: 16, steps: 2 }),
      );
      expect(events.map(({ epoch }) => epoch)).to.deep.equal([1, 2]);
      // A batch of all 16 samples: its L1 is the mean over both sets of the untrained generator's.
      const config = JSON.parse(await readFile(join(folder, 'mixed', 'config.json'), 'utf8'));
      const sizes = ['variant', 'conditions', 'width', 'conditionWidth', 'conditionFeatures'].map((name) => [
        name,
        config[name],
      ]);
      const generator = await Generator.create(Object.fromEntries(sizes), { device: 'cpu', seed: config.seed });
      let sum = 0;
      for (const [path, count] of [
        [data, 11],
        [other, 5],
      ]) {
        const dataset = await openDataset(path);
        sum += count * (await errorOf(generator, dataset.split('train')));
      }
      expect(events[0].l1).to.be.closeTo(sum / 16, 1e-6);
    });

    it('resumes with the same ones alone', async () => {
      const options = settings('mixed-again', { data: [data, other], steps: 2 });
      await finish(options);
      expect((await rejection(finish({ ...options, data: [other, data], resume: true }))).message).to.match(
        /another data/,
      );
    });

    it('refuses what was not prepared alike, naming what differs', async () => {
      const odd = await writePrepared(join(folder, 'odd'), { settings: { excludeTarget: false } });
      const { code, message } = await rejection(finish(settings('odd-run', { data: [data, odd] })));
      expect(code).to.equal('ERR_OPTION');
      expect(message).to.equal(
        `${odd}: has excludeTarget false, expected true as in ${data}: data to be mixed must be prepared alike`,
      );
      expect(existsSync(join(folder, 'odd-run'))).to.equal(false);
    });
  });

  it('looks at the validation split as often as asked, and at the end, with the generator it will give', async () => {
    const validated = await writePrepared(join(folder, 'validated'), { validation: 6 });
    const { events, result } = await finish(settings('looked', { data: validated, validateEvery: 5 }));
    expect(events.filter((event) => 'validationL1' in event).map(({ step }) => step)).to.deep.equal([5, 10, 12]);
    const dataset = await openDataset(validated);
    const generator = await Generator.load(result.path, { device: 'cpu' });
    expect(events[11].validationL1).to.be.closeTo(await errorOf(generator, dataset.split('validation')), 1e-6);
    const lines = (await readFile(join(folder, 'looked', 'metrics.jsonl'), 'utf8')).trim().split('\n');
    expect(JSON.parse(lines[4]).validationL1).to.equal(events[4].validationL1);
    const none = await rejection(finish(settings('unlooked', { validateEvery: 5 })));
    expect(none.message).to.equal('trainGan.validateEvery: the data has no validation split; expected 0');
  });

  it('lets the learning rates fall to the end of the run, or as told', () => {
    const shape = { count: 100, validation: [], conditions: 8, size: 64, targetChannels: 1 };
    const cosine = { steps: 50, warmup: 10, schedule: 'cosine' };
    const native = (settings) => toNativeTrainConfig(parseTrainSettings(settings, shape));
    expect(native(cosine)).to.include({ warmup: 10, decaySteps: 40, finalRate: 0 });
    expect(native({ ...cosine, warmup: 90 })).to.include({ decaySteps: 1 });
    expect(native({ steps: 50 })).to.include({ decaySteps: 0 });
    const held = { decayShare: 0.75, finalRate: 0.05 };
    expect(native({ ...cosine, ...held })).to.include({ decaySteps: 30, finalRate: 0.05 });
    expect(native({ ...cosine, decayShare: 1 })).to.include({ decaySteps: 40 });
    expect(native({ ...cosine, decayShare: 0.001 })).to.include({ decaySteps: 1 });
    const refuses = (settings, message) => expect(() => parseTrainSettings(settings, shape)).to.throw(message);
    for (const decayShare of [0, 1.01]) refuses({ ...cosine, decayShare }, 'trainGan.decayShare: ');
    for (const [name, value] of Object.entries(held))
      refuses({ [name]: value }, `trainGan.${name}: the learning rates are constant; it needs schedule: 'cosine'`);
  });

  it('fills presets in before defaults, and given settings before presets', () => {
    const shape = { count: 100, validation: [], conditions: 8, size: 64, targetChannels: 1 };
    expect(parseTrainSettings({}, shape)).to.include({
      variant: 'lsft',
      width: 64,
      batchSize: 32,
      steps: 79,
      blocks: 15,
      discriminatorEvery: 1,
    });
    expect(parseTrainSettings({ variant: 'gsft' }, shape).blocks).to.equal(32);
    const small = parseTrainSettings({ preset: 'small', width: 40 }, shape);
    expect(small).to.include({ width: 40, steps: TRAIN_PRESETS.small.steps, schedule: 'cosine' });
    const { generatorAdam, discriminatorAdam } = parseTrainSettings(
      { preset: 'small', generatorAdam: { learningRate: 5e-4, beta1: undefined }, discriminatorAdam: { beta1: 0.5 } },
      shape,
    );
    expect(generatorAdam).to.deep.equal({ learningRate: 5e-4, beta1: 0.9, beta2: 0.98, epsilon: 1e-7 });
    expect(discriminatorAdam).to.deep.equal({ learningRate: 2e-4, beta1: 0.5, beta2: 0.999, epsilon: 1e-7 });
    expect(parseTrainSettings({ preset: 'small', epochs: 1 }, shape).steps).to.equal(Math.ceil(100 / small.batchSize));
    expect(parseTrainSettings({ preset: 'reference' }, shape)).to.include({
      discriminatorEvery: 100,
      separateDiscriminatorSteps: true,
      outputChannels: 3,
    });
  });
});
