// Training that begins with weights of a file, and leaves layers of it as they are.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'chai';

import {
  Cnn,
  CnnBuilder,
  readSafetensors,
  resnet18,
  Tensor,
  trainCnn,
  vgg16,
  writeSafetensors,
} from '../dist/index.js';
import { selectLayers } from '../dist/cnn/layers.js';
import { native } from '../dist/native.js';
import { error, f32, f64, rejection, uniform } from './support/arrays.js';
import { colouredImages, writeDataset } from './support/classified.js';

const MODELS = 'test/fixtures/models';
const RESNET = `${MODELS}/resnet18.torchvision.safetensors`;
const CLASSES = ['red', 'green', 'blue'];
const SIDE = 32;
const WIDTH = 1 / 32;
const cpu = { device: 'cpu' };

/** Every tensor's values by name. */
async function valuesOf(tensors) {
  const entries = Object.entries(tensors).map(async ([name, tensor]) => [name, [...(await tensor.data())]]);
  return Object.fromEntries(await Promise.all(entries));
}
const weightsOf = async (cnn) => valuesOf(await cnn.stateDict());
/** The values of a file of weights, as float32. */
async function fileValues(path) {
  const cnn = await Cnn.load(path, { ...cpu, arch: resnet18({ width: WIDTH, classes: 7 }) });
  return weightsOf(cnn);
}

describe('Layers by name', () => {
  const layers = ['conv1', 'bn1', 'layer1.0.conv1', 'layer1.0.bn1', 'layer1.1.conv1', 'layer10.0.conv1', 'fc'];
  const select = (...selection) => selectLayers(selection, layers, 'freeze');

  it('are one layer, all of a module, or what a pattern matches, in network order', () => {
    expect(select('fc', 'conv1')).to.deep.equal(['conv1', 'fc']);
    expect(select('layer1')).to.deep.equal(['layer1.0.conv1', 'layer1.0.bn1', 'layer1.1.conv1']);
    expect(select('layer1.0')).to.deep.equal(['layer1.0.conv1', 'layer1.0.bn1']);
    expect(select('*.bn1', 'bn1')).to.deep.equal(['bn1', 'layer1.0.bn1']);
    expect(select('layer[12]')).to.deep.equal(layers.slice(2, 5));
    expect(select('layer1.[1-9]')).to.deep.equal(['layer1.1.conv1']);
    expect(select('!fc')).to.deep.equal(layers.slice(0, -1));
    expect(select('!{layer?,fc}')).to.deep.equal(['conv1', 'bn1', 'layer10.0.conv1']);
  });

  it('are refused when there are none', () => {
    expect(() => select('layer11')).to.throw("freeze: 'layer11' is no layer with weights; did you mean 'layer1'?");
    expect(() => select('*.conv9')).to.throw(
      "freeze: no layer with weights matches '*.conv9'; there are 7, from 'conv1' to 'fc'",
    );
  });
});

describe('A step with frozen layers', () => {
  const side = 6;
  function network() {
    const net = new CnnBuilder({ channels: 3, height: side, width: side });
    const x = net.add('silu', net.add('conv2d', net.input, { filters: 4, kernel: 3 }, 'conv'));
    const norm = net.add('batchNorm', x, {}, 'norm');
    const pooled = net.add('globalAvgPool2d', net.add('conv2d', norm, { filters: 5, kernel: 1 }, 'mix'));
    return net.build(net.add('linear', pooled, { units: 3 }, 'out'));
  }
  const count = 6;
  const data = colouredImages(count, side, 3, 1);
  const rows = Tensor.from(BigInt64Array.from({ length: count }, (_, i) => BigInt(i)), [count]); // prettier-ignore
  const recipe = {
    batchSize: count,
    totalSteps: 10,
    warmupSteps: 0,
    learningRate: 0.1,
    momentum: 0.9,
    nesterov: false,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
    labelSmoothing: 0,
    flip: false,
    cropPadding: 0,
    seed: 1,
  };
  const make = async () => {
    const cnn = await Cnn.create(network(), { ...cpu, dtype: 'float64', seed: 3 });
    const state = await cnn.stateDict();
    await cnn.loadStateDict({
      ...state,
      'norm.running_mean': f64([0.3, -0.2, 0.1, 0], [4]),
      'norm.running_var': f64([0.5, 2, 1.5, 0.7], [4]),
      'norm.weight': f64([1, 2, -1, 0.5], [4]),
    });
    return cnn;
  };

  for (const optimizer of ['sgd', 'adam']) {
    it(`of ${optimizer} moves the others alone, by gradients in evaluation mode of the norms among them`, async () => {
      const cnn = await make();
      const frozen = ['conv', 'norm'];
      const trainer = await native.createClassifierTrainer(cnn.native, [data], rows, { ...recipe, optimizer, frozen });
      const before = await weightsOf(cnn);
      const { loss } = await trainer.train(1);
      const after = await weightsOf(cnn);
      for (const name of Object.keys(before)) {
        expect(String(after[name]) === String(before[name]), name).to.equal(/^(conv|norm)\./.test(name));
      }

      // Nothing here but the frozen norm differs between training and evaluation.
      const plain = await make();
      const images = f64(Array.from(await data.image.data(), (value) => value / 255), [count, 3, side, side]); // prettier-ignore
      const logits = await (await plain.predict(images)).logits.data();
      let expectedLoss = 0;
      const slopes = Array.from({ length: count }, (_, i) => {
        const own = logits.subarray(3 * i, 3 * i + 3).map(Math.exp);
        const total = own.reduce((a, b) => a + b);
        expectedLoss -= Math.log(own[i % 3] / total) / count;
        return Array.from(own, (value, k) => (value / total - (k === i % 3 ? 1 : 0)) / count);
      }).flat();
      expect(loss[0]).to.be.closeTo(expectedLoss, 1e-9);
      const { parameters } = await plain.gradients(images, f64(slopes, [count, 3]));
      for (const name of ['mix.weight', 'mix.bias', 'out.weight', 'out.bias']) {
        const gradient = [...(await parameters[name].data())];
        const decay = name.endsWith('weight') ? recipe.weightDecay : 0;
        // The first step: of SGD the gradient itself, of Adam its sign.
        const wanted = gradient.map((g, i) => {
          const slope = g + decay * before[name][i];
          return (
            before[name][i] - recipe.learningRate * (optimizer === 'sgd' ? slope : slope / (Math.abs(slope) + 1e-8))
          );
        });
        expect(await error(after[name], wanted), name).to.be.below(1e-9);
      }
    });
  }

  it('remembers no momentum of them: there is no gradient below the lowest that is trained', async () => {
    const cnn = await make();
    const options = { ...recipe, optimizer: 'sgd', frozen: ['conv', 'norm', 'mix'] };
    const trainer = await native.createClassifierTrainer(cnn.native, [data], rows, options);
    await trainer.train(2);
    const state = await trainer.stateDict();
    const shapes = Object.fromEntries(Object.entries(state).map(([name, { shape }]) => [name, shape]));
    expect(shapes).to.deep.equal({ 'group0.0.momentum': [3, 5], 'group1.0.momentum': [3], step: [1] });
  });

  it('updates the statistics of a norm that is trained, above frozen layers', async () => {
    const cnn = await make();
    const options = { ...recipe, optimizer: 'sgd', frozen: ['conv'] };
    const trainer = await native.createClassifierTrainer(cnn.native, [data], rows, options);
    const before = await weightsOf(cnn);
    await trainer.train(1);
    const after = await weightsOf(cnn);
    for (const name of Object.keys(before)) {
      expect(String(after[name]) === String(before[name]), name).to.equal(name.startsWith('conv.'));
    }
  });

  it('is refused for layers there are not, and when nothing is left', async () => {
    const cnn = await make();
    const problem = async (frozen) => {
      const call = native.createClassifierTrainer(cnn.native, [data], rows, { ...recipe, optimizer: 'sgd', frozen });
      const { code, message } = await rejection(call);
      return `${code} ${message}`;
    };
    expect(await problem(['silu_1'])).to.equal("ERR_OPTION 'silu_1' is not a layer with weights");
    expect(await problem(['conv', 'norm', 'mix', 'out'])).to.equal(
      'ERR_OPTION every layer is frozen: nothing is left to train',
    );
  });
});

describe('Fine-tuning', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-fine-tune-'));
  const data = join(folder, 'data');
  after(() => rmSync(folder, { recursive: true }));
  before(() => writeDataset(data, { classes: CLASSES, side: SIDE, counts: { train: 36, validation: 9, test: 9 } }));

  const recipe = { epochs: 2, batchSize: 6, learningRate: 0.02, flip: false, cropPadding: 2, ...cpu, seed: 5 };
  const start = (out, rest = {}) => trainCnn({ data, out: join(folder, out), ...recipe, ...rest });
  const resnet = { arch: 'resnet18', width: WIDTH, init: RESNET };
  /** A network's file. */
  async function saved(name, spec) {
    const path = join(folder, `${name}.safetensors`);
    const cnn = await Cnn.create(spec, { ...cpu, seed: 8 });
    await cnn.save(path);
    cnn.dispose();
    return path;
  }

  it('keeps what is frozen to the bit, statistics too, and says what the file had not', async () => {
    const run = start('frozen', { ...resnet, freeze: ['layer[123]', 'conv1', 'bn1'] });
    const notes = [];
    for await (const event of run) if (event.type === 'note') notes.push(event.text);
    const { cnn, notes: told } = await run.result;
    expect(notes).to.deep.equal([
      "init: begins with drawn values: 'fc.bias', 'fc.weight', since the file's are for 7 classes, not 3",
    ]);
    expect(told).to.deep.equal(notes);
    const [before, now] = [await fileValues(RESNET), await weightsOf(cnn)];
    for (const name of Object.keys(before)) {
      if (name.startsWith('fc.')) continue;
      expect(String(now[name]) === String(before[name]), name).to.equal(!name.startsWith('layer4.'));
    }
    expect(cnn.spec.classes).to.deep.equal(CLASSES);
    expect(cnn.spec.input).to.deep.equal({ channels: 3, height: SIDE, width: SIDE });
    const config = JSON.parse(readFileSync(join(folder, 'frozen', 'config.json'), 'utf8'));
    expect(config.frozen).to.include.members(['conv1', 'layer1.0.bn2', 'layer3.0.downsample.1']).and.have.length(30);
    expect(config.init.sha256).to.match(/^[0-9a-f]{64}$/);
    cnn.dispose();
  });

  it('learns from there', async () => {
    const run = start('learns', { ...resnet, freeze: ['conv1', 'layer1'], epochs: 10, learningRate: 0.05 });
    const { cnn, test } = await run.result;
    expect(test.accuracy).to.be.at.least(0.9);
    cnn.dispose();
  });

  it('goes on to the same bytes after an abort, and with nothing else than it was begun with', async () => {
    const freeze = ['conv1', 'layer1'];
    (await start('whole', { ...resnet, freeze }).result).cnn.dispose();
    const controller = new AbortController();
    const run = start('parts', { ...resnet, freeze, signal: controller.signal });
    const listen = async () => {
      for await (const event of run) if (event.type === 'step') controller.abort();
    };
    expect((await rejection(listen())).code).to.equal('ERR_ABORTED');
    const problem = async (rest) =>
      (await rejection(start('parts', { ...resnet, freeze, resume: true, ...rest }).result)).message.replaceAll(
        folder,
        '',
      );
    expect(await problem({ freeze: ['conv1'] })).to.equal('/parts: the run cannot be resumed with another frozen');
    expect(await problem({ freeze: [] })).to.equal('/parts: the run cannot be resumed with another frozen');
    const other = await saved('other', resnet18({ width: WIDTH, classes: 7 }));
    expect(await problem({ init: other })).to.equal('/parts: the run cannot be resumed with another init');
    (await start('parts', { ...resnet, freeze, resume: true }).result).cnn.dispose();
    const files = (out) =>
      Object.fromEntries(
        readdirSync(join(folder, out), { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()
          .map((path) => [path.slice(join(folder, out).length), readFileSync(path).toString('hex')]),
      );
    const [parts, whole] = [files('parts'), files('whole')];
    expect(Object.keys(parts)).to.deep.equal(Object.keys(whole));
    for (const name of Object.keys(whole)) expect(parts[name] === whole[name], name).to.equal(true);
  });

  const one = { epochs: 1, freeze: '!{fc,head}' };

  it("gives published weights the paper's head, and takes another head's trunk", async () => {
    const { cnn, notes, path } = await start('paper', { ...resnet, ...one, head: 'paper' }).result;
    expect(notes).to.deep.equal([
      "init: begins with drawn values: 'head.hidden1.bias', 'head.hidden1.weight', 'head.hidden2.bias', 'head.hidden2.weight', " +
        "'head.logits.bias', 'head.logits.weight', since the file has none",
      "init: not used: 'fc.bias', 'fc.weight' of the file",
    ]);
    const now = await weightsOf(cnn);
    expect(now['layer4.1.conv2.weight']).to.deep.equal((await fileValues(RESNET))['layer4.1.conv2.weight']);

    const back = await start('back', { arch: 'resnet18', width: WIDTH, init: path, ...one }).result;
    expect(back.notes[0]).to.match(/^init: begins with drawn values: 'fc.bias', 'fc.weight', since the file has none$/);
    expect(back.notes[1]).to.match(/^init: not used: 'head.hidden1.bias', .* of the file$/);

    const again = await start('again', { arch: 'resnet18', width: WIDTH, head: 'paper', init: path, ...one }).result;
    expect(again.notes).to.deep.equal([]);
    for (const { cnn: made } of [{ cnn }, back, again]) made.dispose();
  });

  it('changes the last of several layers alone for other classes', async () => {
    const spec = vgg16({ width: WIDTH, size: SIDE, classes: 5 });
    const init = await saved('vgg', spec);
    const { cnn, notes } = await start('vgg', { arch: 'vgg16', width: WIDTH, init, epochs: 1, freeze: '!classifier.6' })
      .result;
    expect(notes).to.deep.equal([
      "init: begins with drawn values: 'classifier.6.bias', 'classifier.6.weight', since the file's are for 5 classes, not 3",
    ]);
    const [file, now] = [await valuesOf((await readSafetensors(init)).tensors), await weightsOf(cnn)];
    expect(now['classifier.3.weight']).to.deep.equal(file['classifier.3.weight']);
    cnn.dispose();
  });

  it('goes on with the network of a CNN file, whatever it is, and with how its pictures are prepared', async () => {
    const net = new CnnBuilder({ channels: 3, height: SIDE, width: SIDE });
    const conv = net.add('relu', net.add('conv2d', net.input, { filters: 4, kernel: 5, stride: 2 }, 'first'));
    const spec = net.build(net.add('linear', net.add('globalAvgPool2d', conv), { units: 9 }, 'last'), {
      name: 'mine',
      preprocessing: { range: [-1, 1] },
    });
    const init = await saved('mine', spec);
    const { cnn, notes } = await start('mine', { init, epochs: 1, freeze: 'first' }).result;
    expect(notes).to.deep.equal([
      "init: begins with drawn values: 'last.bias', 'last.weight', since the file's are for 9 classes, not 3",
    ]);
    expect(cnn.spec.preprocessing.range).to.deep.equal([-1, 1]);
    expect((await weightsOf(cnn))['first.weight']).to.deep.equal((await valuesOf((await readSafetensors(init)).tensors))['first.weight']); // prettier-ignore
    cnn.dispose();

    const prepared = await saved('prepared', resnet18({ width: WIDTH, size: 48, preprocessing: 'caffe' }));
    const same = { arch: 'resnet18', width: WIDTH, init: prepared, ...one };
    const { cnn: learnt } = await start('prepared', same).result;
    expect(learnt.spec.preprocessing).to.deep.include({ channelOrder: 'bgr', range: [0, 255] });
    const { cnn: told } = await start('told', { ...same, preprocessing: 'tf' }).result;
    expect(told.spec.preprocessing).to.deep.include({ channelOrder: 'rgb', range: [-1, 1], mean: [] });
    for (const made of [learnt, told]) made.dispose();
  });

  it('is known by the tensors of its file', async () => {
    // Published tensors for 7 classes, so that only the arch is missing: MobileNetV2 is the smallest.
    const published = join(folder, 'published.safetensors');
    const full = await Cnn.create(resnet18({ classes: 7 }), cpu);
    await writeSafetensors(published, await full.stateDict());
    const { cnn } = await start('known', { init: published, ...one }).result;
    expect(cnn.spec.name).to.equal('resnet18');
    expect(cnn.spec.preprocessing.std).to.deep.equal([0.229, 0.224, 0.225]);
    cnn.dispose();
    full.dispose();
  });

  it('gives the network pictures as the dataset was made of them', async () => {
    const resized = join(folder, 'resized');
    const settings = { source: 'folder', fit: 'stretch', scale: 1, interpolation: 'lanczos' };
    await writeDataset(resized, { classes: CLASSES, side: SIDE, counts: { train: 12, validation: 3 }, settings });
    for (const arch of ['small', 'resnet18']) {
      const width = arch === 'small' ? {} : { width: WIDTH };
      const { cnn } = await start(`resized-${arch}`, { data: resized, arch, ...width, epochs: 1 }).result;
      expect(cnn.spec.preprocessing.resize).to.deep.equal({ fit: 'stretch', scale: 1, interpolation: 'lanczos' });
      cnn.dispose();
    }
  });

  it('is refused in words, and claims no folder, when it cannot begin', async () => {
    const problem = async (rest) => {
      const { code, message } = await rejection(start('refused', rest).result);
      expect(readdirSync(folder)).to.not.include('refused');
      return `${code} ${message.replaceAll(`${folder}/`, '')}`;
    };
    const names = 'vgg16, resnet18, resnet50, inceptionv3, mobilenetv2, densenet121, efficientnetB0';
    expect(await problem({ arch: 'inceptionv3' })).to.equal(
      'ERR_OPTION inceptionv3.size.0: expected 75 pixels or more, since of less nothing would be left',
    );
    expect(await problem({ arch: 'small', head: 'paper' })).to.equal(
      `ERR_OPTION trainCnn.head: is a setting of ${names} alone; give one of them as arch`,
    );
    expect(await problem({ arch: 'resnet18', spec: resnet18({ size: SIDE }) })).to.equal(
      'ERR_OPTION trainCnn: give arch or spec, not both',
    );
    expect(await problem({ ...resnet, freeze: 'layer5' })).to.equal(
      "ERR_OPTION trainCnn.freeze: 'layer5' is no layer with weights; did you mean 'layer1'?",
    );
    expect(await problem({ ...resnet, freeze: ['*'] })).to.equal(
      'ERR_OPTION trainCnn.freeze: every layer is frozen: nothing is left to train',
    );
    expect(await problem({ ...resnet, width: 1 / 8 })).to.match(
      /^ERR_FORMAT test\/fixtures\/models\/resnet18\.torchvision\.safetensors: the weight 'layer1\.0\.bn1\.bias'|^ERR_FORMAT .*: the weight '.*' has shape/,
    );
    expect(await problem({ arch: 'resnet50', width: WIDTH, init: RESNET })).to.match(
      /^ERR_FORMAT .*: the weights have no tensor 'layer1\.0\.bn3\.bias' \(and \d+ more\)/,
    );
    expect(await problem({ init: join(folder, 'none.safetensors') })).to.match(
      /^ERR_IO none\.safetensors: cannot open/,
    );
    expect(await problem({ init: `${MODELS}/resnet50.keras` })).to.match(/^ERR_FORMAT .*: not a safetensors file/);
    const unknown = join(folder, 'unknown.safetensors');
    await writeSafetensors(unknown, { 'a.weight': f32(uniform(1, 4), [2, 2]) });
    expect(await problem({ init: unknown })).to.equal(
      `ERR_OPTION unknown.safetensors: not just the tensors of ${names}: say whose with arch or spec`,
    );
    const larger = await saved('larger', resnet18({ width: WIDTH, size: 40 }));
    expect(await problem({ init: larger })).to.equal(
      'ERR_SHAPE trainCnn: the spec takes [3, 40, 40], the images are [3, 32, 32]',
    );
  });

  it('is begun from the command line', async () => {
    const out = join(folder, 'cli');
    const args = ['train-cnn', data, '--out', out, '--arch', 'resnet18', '--width', '0.03125', '--head', 'paper'];
    args.push('--init', RESNET, '--freeze', 'conv1', 'layer[12]', '--epochs', '1', '--batch-size', '8', ...['--device', 'cpu', '--json']); // prettier-ignore
    const { stdout } = await promisify(execFile)(process.execPath, ['dist/cli/main.js', ...args]);
    const result = JSON.parse(stdout);
    expect(result.notes).to.have.length(2);
    expect(result.notes[1]).to.equal("init: not used: 'fc.bias', 'fc.weight' of the file");
    const { frozen } = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
    expect(frozen[0]).to.equal('conv1');
    expect((await Cnn.load(result.path, cpu)).spec.nodes.at(-1).name).to.equal('head.logits');
  });
});
