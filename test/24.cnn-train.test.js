// Training a classifier: one step equals the formulas, a run learns, and a stopped run goes on to the same bytes.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'chai';

import { recipeOf, trainSchema } from '../dist/cnn/train_options.js';
import { Cnn, CnnBuilder, Tensor, trainCnn, vgg16, writeSafetensors } from '../dist/index.js';
import { native } from '../dist/native.js';
import { error, f64, rejection, uniform } from './support/arrays.js';

const SIDE = 8;
const PIXELS = 3 * SIDE * SIDE;

/** Bytes of images whose class shows in the brightness of the left half against the right. */
function samples(count, seed) {
  const bytes = Uint8Array.from(uniform(seed, count * PIXELS, 0, 160), (value, i) => {
    const [sample, left] = [Math.floor(i / PIXELS), i % SIDE < SIDE / 2];
    return value + (left === (sample % 2 === 0) ? 90 : 0);
  });
  return {
    image: Tensor.from(bytes, [count, 3, SIDE, SIDE]),
    label: Tensor.from(
      BigInt64Array.from({ length: count }, (_, i) => BigInt(i % 2)),
      [count],
    ),
  };
}

function network(classes = 2) {
  const net = new CnnBuilder({ channels: 3, height: SIDE, width: SIDE });
  const norm = net.add('batchNorm', net.input, { momentum: 0.3 }, 'norm');
  const conv = net.add('conv2d', norm, { filters: 4, kernel: 3, padding: 'same', stride: 2 }, 'conv');
  return net.build(net.add('linear', net.add('flatten', net.add('silu', conv)), { units: classes }, 'out'));
}

const recipe = {
  learningRate: 0.1,
  momentum: 0.9,
  nesterov: true,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-7,
  weightDecay: 0.01,
  labelSmoothing: 0.1,
  flip: false,
  cropPadding: 0,
  frozen: [],
  seed: 1,
};

/** The rules of the two optimizers on plain arrays; `memory` is kept between steps. */
const rules = {
  sgd(parameter, gradient, rate, memory) {
    memory.m ??= new Array(parameter.length).fill(0);
    return parameter.map((p, i) => {
      memory.m[i] = recipe.momentum * memory.m[i] + gradient[i];
      return p - rate * (gradient[i] + recipe.momentum * memory.m[i]);
    });
  },
  adam(parameter, gradient, rate, memory) {
    memory.m ??= new Array(parameter.length).fill(0);
    memory.v ??= new Array(parameter.length).fill(0);
    memory.t = (memory.t ?? 0) + 1;
    return parameter.map((p, i) => {
      memory.m[i] = recipe.beta1 * memory.m[i] + (1 - recipe.beta1) * gradient[i];
      memory.v[i] = recipe.beta2 * memory.v[i] + (1 - recipe.beta2) * gradient[i] ** 2;
      const mean = memory.m[i] / (1 - recipe.beta1 ** memory.t);
      return p - (rate * mean) / (Math.sqrt(memory.v[i] / (1 - recipe.beta2 ** memory.t)) + recipe.epsilon);
    });
  },
};

describe('A step of training', () => {
  const count = 6;
  const data = samples(count, 1);
  const [warmupSteps, totalSteps] = [2, 5];
  const rateAt = (step) =>
    0.1 *
    (step < warmupSteps
      ? (step + 1) / warmupSteps
      : 0.5 * (1 + Math.cos((Math.PI * (step - warmupSteps)) / (totalSteps - warmupSteps))));

  for (const optimizer of ['sgd', 'adam']) {
    it(`with ${optimizer} equals the formulas: cross entropy, smoothing, schedule, decay`, async () => {
      const make = () => Cnn.create(network(), { device: 'cpu', dtype: 'float64', seed: 2 });
      const trained = await make();
      const rows = Tensor.from(
        BigInt64Array.from({ length: count }, (_, i) => BigInt(i)),
        [count],
      );
      const options = { ...recipe, optimizer, batchSize: count, totalSteps, warmupSteps };
      const trainer = await native.createClassifierTrainer(trained.native, [data], rows, options);
      const { loss, accuracy } = await trainer.train(totalSteps);

      const plain = await make();
      const images = f64(
        Array.from(await data.image.data(), (value) => value / 255),
        [count, 3, SIDE, SIDE],
      );
      const memory = {};
      for (let step = 0; step < totalSteps; step++) {
        const { logits } = await plain.gradients(images, f64(new Array(2 * count).fill(0), [count, 2]), {
          training: true,
        });
        const values = await logits.data();
        let [expectedLoss, correct] = [0, 0];
        const slopes = Array.from(values, (value, i) => {
          const [row, k] = [Math.floor(i / 2), i % 2];
          const other = values[2 * row + (1 - k)];
          const p = 1 / (1 + Math.exp(other - value));
          const wanted = (row % 2 === k ? 0.9 : 0) + 0.1 / 2;
          expectedLoss -= (wanted * Math.log(p)) / count;
          if (row % 2 === k && value > other) correct += 1 / count;
          return (p - wanted) / count;
        });
        expect(loss[step]).to.be.closeTo(expectedLoss, 1e-9);
        expect(accuracy[step]).to.be.closeTo(correct, 1e-9);
        const { parameters } = await plain.gradients(images, f64(slopes, [count, 2]), { training: true });
        const state = await plain.stateDict();
        for (const [name, gradient] of Object.entries(parameters)) {
          const [values, own] = [[...(await state[name].data())], memory];
          const decay = gradient.shape.length > 1 ? recipe.weightDecay : 0;
          const total = Array.from(await gradient.data(), (g, i) => g + decay * values[i]);
          state[name] = f64(rules[optimizer](values, total, rateAt(step), (own[name] ??= {})), gradient.shape);
        }
        await plain.loadStateDict(state);
      }
      const [got, wanted] = [await trained.stateDict(), await plain.stateDict()];
      for (const name of Object.keys(wanted)) {
        if (name.includes('running')) continue;
        expect(await error(got[name], wanted[name]), name).to.be.below(1e-6);
      }
      // The norm stands at the input, so its statistics are those of the images: unbiased variance, momentum 0.3, five times.
      const pixels = await images.data();
      const expected = { mean: [], var: [] };
      for (let c = 0; c < 3; c++) {
        const own = pixels.filter((_, i) => Math.floor(i / SIDE ** 2) % 3 === c);
        const mean = own.reduce((a, b) => a + b) / own.length;
        const variance = own.reduce((a, b) => a + (b - mean) ** 2, 0) / (own.length - 1);
        expected.mean.push(mean * (1 - 0.7 ** totalSteps));
        expected.var.push(0.7 ** totalSteps + variance * (1 - 0.7 ** totalSteps));
      }
      expect(await error(got['norm.running_mean'], expected.mean)).to.be.below(1e-9);
      expect(await error(got['norm.running_var'], expected.var)).to.be.below(1e-9);
    });
  }
});

describe('What native code gives and refuses', () => {
  const data = samples(4, 1);
  const rows = Tensor.from(BigInt64Array.of(0n, 1n, 2n, 3n), [4]);
  const options = { ...recipe, optimizer: 'sgd', batchSize: 4, totalSteps: 3, warmupSteps: 0 };

  it('copies as the state: later steps do not show in it', async () => {
    const cnn = await Cnn.create(network(), { device: 'cpu', seed: 2 });
    const trainer = await native.createClassifierTrainer(cnn.native, [data], rows, options);
    const [weights, state] = [await cnn.stateDict(), await trainer.stateDict()];
    const before = [...(await weights['conv.weight'].data())];
    await trainer.train(2);
    expect([...(await weights['conv.weight'].data())]).to.deep.equal(before);
    expect([...(await (await cnn.stateDict())['conv.weight'].data())]).to.not.deep.equal(before);
    expect([...(await state['group0.0.momentum'].data())].every((value) => value === 0)).to.equal(true);
    expect([...(await (await trainer.stateDict()).step.data())]).to.deep.equal([2n]);
  });

  it('batches of no sample', async () => {
    const cnn = await Cnn.create(network(), { device: 'cpu' });
    const explaining = {
      method: 'gradcam',
      size: [4, 4],
      normalise: true,
      maps: false,
      conditions: 0,
      order: 'forward',
      excludeTarget: false,
      targetTap: 0,
      targetMethod: 'gradcam',
      batchSize: 0,
    };
    const calls = [
      () => native.createClassifierTrainer(cnn.native, [data], rows, { ...options, batchSize: 0 }),
      () => native.evaluateClassifier(cnn.native, [data], rows, { batchSize: 0 }),
      () => cnn.native.predict(data.image, { batchSize: 0 }),
      () => cnn.native.explain(data.image, undefined, explaining),
      () =>
        native.prepareSamples(cnn.native, data.image, undefined, undefined, {
          ...explaining,
          conditions: 1,
          input: [SIDE, SIDE],
          jetTarget: false,
        }),
    ];
    for (const call of calls) {
      const { code, message } = await rejection(call());
      expect({ code, message }).to.deep.equal({ code: 'ERR_OPTION', message: 'batchSize: expected 1 or more, got 0' });
    }
  });
});

describe("A training's learning rate", () => {
  it('is 0.1 by SGD, 0.01 where the network has no batch norm, 0.001 by Adam, and what is given before all', () => {
    const rate = (given, spec) => recipeOf(trainSchema.parse({ data: 'd', out: 'o', ...given }), spec).learningRate;
    const plain = vgg16({ classes: 2 });
    expect([rate({}, network()), rate({}, plain)]).to.deep.equal([0.1, 0.01]);
    expect([rate({ optimizer: 'adam' }, network()), rate({ optimizer: 'adam' }, plain)]).to.deep.equal([0.001, 0.001]);
    expect(rate({ learningRate: 0.2 }, plain)).to.equal(0.2);
  });
});

describe('A training run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-train-'));
  const data = join(folder, 'data');
  after(() => rmSync(folder, { recursive: true }));

  before(async () => {
    const splits = {};
    for (const [name, count, seed] of [
      ['train', 120, 3],
      ['test', 40, 4],
    ]) {
      const file = `shard-${name}.safetensors`;
      mkdirSync(data, { recursive: true });
      const ids = JSON.stringify(Array.from({ length: count }, (_, i) => `${name}/${i}`));
      await writeSafetensors(join(data, file), samples(count, seed), { ids });
      splits[name] = { shards: [{ file, count }], count };
    }
    const dataset = {
      format: 'cumulens-dataset',
      version: 1,
      kind: 'images',
      classes: ['left', 'right'],
      size: [SIDE, SIDE],
      channels: 3,
      settings: {},
      splits,
    };
    writeFileSync(join(data, 'dataset.json'), JSON.stringify(dataset));
  });

  const options = { epochs: 4, batchSize: 4, learningRate: 0.05, flip: false, cropPadding: 1, device: 'cpu', seed: 5 };
  const start = (out, rest = {}) => trainCnn({ data, out: join(folder, out), spec: network(), ...options, ...rest });
  /** Every file of a run with its bytes. */
  const files = (out) =>
    Object.fromEntries(
      readdirSync(join(folder, out), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
        .map((path) => [path.slice(join(folder, out).length), readFileSync(path).toString('hex')]),
    );

  it('learns, tells its steps and epochs, and keeps the best weights', async () => {
    const run = start('whole');
    const events = [];
    for await (const event of run) events.push(event);
    const { cnn, path, epochs, best, test } = await run.result;
    expect(test).to.include({ count: 40 });
    expect(test.accuracy).to.be.at.least(0.95);
    expect(epochs.map(({ epoch }) => epoch)).to.deep.equal([1, 2, 3, 4]);
    expect(best.accuracy).to.equal(Math.max(...epochs.map(({ validationAccuracy }) => validationAccuracy)));
    expect(events.filter(({ type }) => type === 'epoch')).to.have.length(4);
    const steps = events.filter(({ type }) => type === 'step').map(({ step }) => step);
    expect(steps).to.deep.equal([...new Set(steps)].sort((a, b) => a - b));
    expect(steps.at(-1)).to.equal(events[0].totalSteps);
    const lines = readFileSync(join(folder, 'whole', 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line))).to.deep.equal(epochs);
    expect(cnn.spec.classes).to.deep.equal(['left', 'right']);
    expect((await Cnn.load(path, { device: 'cpu' })).taps).to.deep.equal(['conv']);
  });

  it('that is aborted in the middle of an epoch goes on to the same bytes', async () => {
    for (const stopAt of [10, 40]) {
      const controller = new AbortController();
      const run = start('parts', { signal: controller.signal, resume: stopAt !== 10 });
      const listen = async () => {
        for await (const event of run) if (event.type === 'step' && event.step >= stopAt) controller.abort();
      };
      expect((await rejection(listen())).code).to.equal('ERR_ABORTED');
    }
    const { cnn } = await start('parts', { resume: true }).result;
    cnn.dispose();
    const [parts, whole] = [files('parts'), files('whole')];
    expect(Object.keys(parts)).to.deep.equal(Object.keys(whole));
    for (const name of Object.keys(whole)) expect(parts[name] === whole[name], name).to.equal(true);
  });

  it('that is aborted while it validates goes on to the same bytes', async () => {
    const lines = readFileSync(join(folder, 'whole', 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const ends = lines.map((line) => JSON.parse(line).step);
    const evaluate = native.evaluateClassifier;
    try {
      // The first and the last validation are interrupted; the second run begins with the one that the first run missed.
      for (const ended of [0, 3]) {
        const controller = new AbortController();
        let left = ended;
        native.evaluateClassifier = (...args) => {
          if (left-- === 0) controller.abort();
          return evaluate(...args);
        };
        const run = start('validating', { signal: controller.signal, resume: ended > 0 });
        expect((await rejection(run.result)).code).to.equal('ERR_ABORTED');
        const [checkpoint] = readdirSync(join(folder, 'validating', 'checkpoints'));
        const path = join(folder, 'validating', 'checkpoints', checkpoint, 'state.json');
        const { step, epochs } = JSON.parse(readFileSync(path, 'utf8'));
        expect([step, epochs.length]).to.deep.equal([ends[ended], ended]);
      }
    } finally {
      native.evaluateClassifier = evaluate;
    }
    const { cnn } = await start('validating', { resume: true }).result;
    cnn.dispose();
    const [parts, whole] = [files('validating'), files('whole')];
    expect(Object.keys(parts)).to.deep.equal(Object.keys(whole));
    for (const name of Object.keys(whole)) expect(parts[name] === whole[name], name).to.equal(true);
  });

  it('lets go of everything, and claims no folder, when it cannot begin', async () => {
    const mapped = native.memory().tensors;
    const attempts = [
      [{ device: 'nowhere' }, 'ERR_OPTION'],
      [{ spec: network(3) }, 'ERR_SHAPE'],
      [{ spec: { ...network(3), classes: ['a', 'b', 'c'] } }, 'ERR_SHAPE'],
    ];
    for (const [rest, code] of attempts) {
      expect((await rejection(start('unbegun', rest).result)).code).to.equal(code);
      expect(readdirSync(folder)).to.not.include('unbegun');
    }
    expect((await rejection(start('whole').result)).message).to.match(/a run is there already/);
    expect(native.memory().tensors).to.be.at.most(mapped);
  });

  it('is begun from the command line, which prints one JSON document', async () => {
    const spec = join(folder, 'spec.json');
    writeFileSync(spec, JSON.stringify(network()));
    const out = join(folder, 'cli');
    const args = [
      'train-cnn',
      data,
      '--out',
      out,
      '--spec',
      spec,
      '--epochs',
      '1',
      '--batch-size',
      '8',
      '--device',
      'cpu',
      '--json',
    ];
    const { stdout } = await promisify(execFile)(process.execPath, ['dist/cli/main.js', ...args]);
    const result = JSON.parse(stdout);
    expect(result.path).to.equal(join(out, 'cnn.safetensors'));
    expect(result.test.count).to.equal(40);
    expect(result.epochs).to.have.length(1);
  });

  it('stops early when nothing gets better', async () => {
    const { epochs, best } = await start('early', { epochs: 50, patience: 2 }).result;
    expect(epochs.length).to.equal(best.epoch + 2);
  });

  it('is refused in words when it cannot be begun or resumed', async () => {
    const problem = async (out, rest) => (await rejection(start(out, rest).result)).message.replaceAll(folder, '');
    expect(await problem('whole')).to.equal('/whole: a run is there already: resume it, or choose another folder');
    expect(await problem('none', { resume: true })).to.match(/there is no run to resume/);
    expect(await problem('whole', { resume: true, learningRate: 1 })).to.match(
      /cannot be resumed with another learningRate: it was begun with 0.05, got 1/,
    );
    expect(await problem('other', { data: join(folder, 'nowhere') })).to.match(/nowhere/);
    expect(() => trainCnn({ data, out: 'x', epoch: 3 })).to.throw(/unknown name 'epoch'; did you mean 'epochs'/);
    const spec = { ...network(), input: { channels: 3, height: 9, width: 8 } };
    expect(await problem('shape', { spec })).to.match(/the spec takes \[3, 9, 8\], the images are \[3, 8, 8\]/);
    expect(await problem('classes', { spec: network(3) })).to.equal('classes: 2 names for 3 logits');
    const one = { ...network(1), classes: ['left'] };
    expect(await problem('classes', { spec: one })).to.equal(
      'trainCnn: the spec has 1 classes, the data 2 (left, right)',
    );
  });
});
