// The networks that were published: their parameters, sizes, heads, and weights as torchvision and timm name them.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'chai';

import {
  ARCHITECTURES,
  Cnn,
  CnnBuilder,
  readSafetensors,
  resnet18,
  resnet50,
  Tensor,
  writeSafetensors,
} from '../dist/index.js';
import { error, f32, product, rejection, uniform } from './support/arrays.js';
import { assertParity } from './support/parity.js';

/** Parameters as published (buffers are none), and convolutions that are taps. */
const PUBLISHED = {
  vgg16: [138_357_544, 13],
  resnet18: [11_689_512, 20],
  resnet50: [25_557_032, 53],
  inceptionv3: [23_834_568, 94],
  mobilenetv2: [3_504_872, 52],
  densenet121: [7_978_856, 120],
  efficientnetB0: [5_288_548, 81],
};
/** What a network ends in: the channels of its trunk, and the smallest picture that leaves a pixel of them. */
const TRUNKS = {
  vgg16: [512, 32],
  resnet18: [512, 1],
  resnet50: [2048, 1],
  inceptionv3: [2048, 75],
  mobilenetv2: [1280, 1],
  densenet121: [1024, 29],
  efficientnetB0: [1280, 1],
};
const FOLDER = 'test/fixtures/models';
const cpu = { device: 'cpu' };

/** How many numbers training changes, of the tensors that `counts` names. */
async function parameters(cnn, counts = () => true) {
  let count = 0;
  for (const [name, tensor] of Object.entries(await cnn.stateDict())) {
    if (!name.includes('running') && counts(name)) count += product(tensor.shape);
    tensor.dispose();
  }
  return count;
}

describe('Published networks', () => {
  it('are those of the table', () => {
    expect(Object.keys(ARCHITECTURES)).to.have.members(Object.keys(PUBLISHED));
  });

  for (const [name, [count, taps]] of Object.entries(PUBLISHED)) {
    it(`${name} has ${count.toLocaleString('en')} parameters and ${taps} taps`, async () => {
      const cnn = await Cnn.create(ARCHITECTURES[name](), cpu);
      expect(await parameters(cnn)).to.equal(count);
      expect(cnn.taps).to.have.length(taps);
      expect(cnn.classes).to.equal(1000);
      expect(cnn.spec.tapAt).to.equal(name === 'vgg16' ? 'activation' : 'conv');
      cnn.dispose();
    });
  }

  for (const [name, [channels, minimum]] of Object.entries(TRUNKS)) {
    it(`${name} takes pictures from ${minimum} pixels on, of any number of channels, and the paper's head`, async () => {
      const options = { size: [minimum, minimum + 3], channels: 1, head: 'paper', classes: ['a', 'b', 'c'] };
      const cnn = await Cnn.create(ARCHITECTURES[name](options), cpu);
      expect(await parameters(cnn, (tensor) => tensor.startsWith('head.'))).to.equal(
        channels * 256 + 256 + 256 * 128 + 128 + 128 * 3 + 3,
      );
      expect(cnn.spec.classes).to.deep.equal(['a', 'b', 'c']);
      const head = cnn.spec.nodes.slice(-8).map(({ op, attrs }) => [op, attrs.units ?? attrs.rate]);
      expect(head).to.deep.equal([
        ['globalMaxPool2d', undefined],
        ['linear', 256],
        ['relu', undefined],
        ['dropout', 0.1],
        ['linear', 128],
        ['relu', undefined],
        ['dropout', 0.1],
        ['linear', 3],
      ]);
      const { logits } = await cnn.predict(
        f32(uniform(1, minimum * (minimum + 3), 0, 1), [1, 1, minimum, minimum + 3]),
      );
      expect(logits.shape).to.deep.equal([1, 3]);
      cnn.dispose();
      if (minimum > 1) {
        expect(() => ARCHITECTURES[name]({ size: minimum - 1 })).to.throw(
          `${name}.size: expected ${minimum} pixels or more, since of less nothing would be left`,
        );
      }
    });
  }

  it('are refused in words what they have not', () => {
    expect(() => resnet50({ clases: 3 })).to.throw("resnet50: unknown name 'clases'; did you mean 'classes'?");
    expect(() => resnet50({ head: 'papers' })).to.throw(/resnet50.head: expected "published" or "paper".*did you mean/);
    expect(() => resnet50({ width: 0 })).to.throw(/resnet50.width/);
    expect(() => resnet50({ classes: 0 })).to.throw('resnet50.classes: expected 1 or more');
  });

  it('scale every layer with `width`, in steps of eight channels', () => {
    const filters = (options) =>
      ARCHITECTURES.mobilenetv2(options).nodes.flatMap(({ op, attrs }) => (op === 'conv2d' ? attrs.filters : []));
    // torchvision's mobilenet_v2(width_mult=0.75): 24 and 16 channels first, the last 1280 as they are.
    expect(filters({ width: 0.75 }).slice(0, 6)).to.deep.equal([24, 24, 16, 96, 96, 24]);
    expect(filters({ width: 0.75 }).at(-1)).to.equal(1280);
    expect(filters({ width: 1.4 }).at(-1)).to.equal(1792);
    const resnet = resnet18({ width: 1 / 4 }).nodes.flatMap(({ op, attrs }) => (op === 'conv2d' ? attrs.filters : []));
    expect(new Set(resnet)).to.deep.equal(new Set([16, 32, 64, 128]));
  });

  it('prepare pictures as torchvision does for its weights', () => {
    const { preprocessing } = resnet50();
    expect(preprocessing.mean).to.deep.equal([0.485, 0.456, 0.406]);
    expect(preprocessing.std).to.deep.equal([0.229, 0.224, 0.225]);
    expect(preprocessing.resize).to.deep.equal({ fit: 'crop', scale: 256 / 224, interpolation: 'bilinear' });
    // transform_input of its Inception comes to [-1, 1]; see the fixture.
    expect(ARCHITECTURES.inceptionv3().preprocessing)
      .to.include({ channelOrder: 'rgb' })
      .and.deep.include({
        range: [-1, 1],
        mean: [],
        resize: { fit: 'crop', scale: 342 / 299, interpolation: 'bilinear' },
      });
    expect(ARCHITECTURES.efficientnetB0().preprocessing.resize.interpolation).to.equal('bicubic');
    expect(ARCHITECTURES.inceptionv3({ preprocessing: 'torch' }).preprocessing).to.deep.include({
      range: [0, 1],
      mean: [0.485, 0.456, 0.406],
      resize: { fit: 'crop', scale: 342 / 299, interpolation: 'bilinear' },
    });
    const stretched = resnet50({ preprocessing: { resize: { fit: 'stretch' } } }).preprocessing;
    expect(stretched).to.deep.equal({ ...preprocessing, resize: { ...preprocessing.resize, fit: 'stretch' } });
    const [mean] = resnet50({ channels: 1 }).preprocessing.mean;
    expect(mean).to.be.closeTo((0.485 + 0.456 + 0.406) / 3, 1e-12);
  });

  it('drop whole blocks of a sample in EfficientNet, more of them the deeper', async () => {
    const rates = ARCHITECTURES.efficientnetB0().nodes.filter(
      ({ op, attrs }) => op === 'dropout' && attrs.per === 'sample',
    );
    // Blocks with a shortcut, of 16: torchvision's rate is 0.2·block/16.
    const expected = [2, 4, 6, 7, 9, 10, 12, 13, 14].map((block) => (0.2 * block) / 16);
    rates.forEach(({ attrs }, i) => expect(attrs.rate).to.be.closeTo(expected[i], 1e-12));
    expect(rates).to.have.length(expected.length);

    const net = new CnnBuilder({ channels: 3, height: 1, width: 1 });
    const dropped = net.add('dropout', net.input, { rate: 0.25, per: 'sample' });
    const cnn = await Cnn.create(net.build(net.add('flatten', dropped)), cpu);
    const count = 4000;
    const { logits } = await cnn.gradients(f32(new Array(3 * count).fill(3), [count, 3, 1, 1]), f32(new Array(3 * count).fill(1), [count, 3]), { training: true }); // prettier-ignore
    const rows = await logits.data();
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const [a, b, c] = rows.subarray(3 * i, 3 * i + 3);
      expect([a, b, c]).to.deep.equal(a === 0 ? [0, 0, 0] : [4, 4, 4]);
      if (a !== 0) kept++;
    }
    // Five standard deviations.
    expect(kept / count).to.be.closeTo(0.75, (5 * Math.sqrt(0.75 * 0.25)) / Math.sqrt(count));
    expect(await error((await cnn.predict(f32([1, 2, 3], [1, 3, 1, 1]))).logits, [1, 2, 3])).to.equal(0);
  });
});

describe('Weights by their own names', () => {
  /** A fixture's network: see make_torchvision.py. */
  const spec = (name, options = {}) => {
    const size = { vgg16: 48, inceptionv3: 107 }[name] ?? 64;
    return ARCHITECTURES[name]({ classes: 7, size, width: name === 'efficientnetB0' ? 1 / 40 : 1 / 32, ...options });
  };
  const file = (name) => `${FOLDER}/${name}.safetensors`;
  const load = (name, options) => Cnn.load(file(name), { ...cpu, arch: spec(name.split('.')[0]), ...options });
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-zoo-'));
  after(() => rmSync(folder, { recursive: true }));

  for (const name of [
    ...Object.keys(PUBLISHED).map((network) => `${network}.torchvision`),
    'resnet50.timm',
    'efficientnetB0.timm',
  ]) {
    it(`${name}: PyTorch's logits, and its maps at every tap`, async () => {
      // Those that weigh channels see one pixel: their maps are zeros.
      const cnn = await load(name, name.startsWith('efficientnet') ? { taps: '!*.fc?' } : {});
      await assertParity(cnn, `${FOLDER}/${name}-io.safetensors`);
      expect(cnn.notes).to.deep.equal(
        name.startsWith('inception')
          ? ['12 tensors are left out: the auxiliary head, which works in training alone']
          : [],
      );
      cnn.dispose();
    });
  }

  it('are taken in any precision, and computed in the one asked for', async () => {
    const half = await load('resnet18.torchvision');
    const double = await load('resnet18.torchvision', { dtype: 'float64' });
    const { tensors } = await readSafetensors(`${FOLDER}/resnet18.torchvision-io.safetensors`);
    const [a, b] = [(await half.predict(tensors.images)).logits, (await double.predict(tensors.images)).logits];
    expect([a.dtype, b.dtype]).to.deep.equal(['float32', 'float64']);
    expect(await error(a, b)).to.be.below(1e-5);
  });

  /** A network's weights as a file that names none, after `change`. */
  async function stateDict(network, change = (tensors) => tensors) {
    const path = join(folder, 'weights.safetensors');
    const cnn = await Cnn.create(network, { ...cpu, seed: 4 });
    await writeSafetensors(path, change(await cnn.stateDict()));
    return { path, cnn };
  }
  const image = (size, channels = 3) => f32(uniform(2, channels * size * size, 0, 1), [1, channels, size, size]);

  it('are known by their names, for as many classes and channels as they have', async () => {
    const { path, cnn } = await stateDict(resnet18({ classes: 5, channels: 1, size: 40 }));
    const loaded = await Cnn.load(path, {
      ...cpu,
      input: { height: 40, width: 40 },
      classes: [...'abcde'],
      taps: { every: 5 },
    });
    expect(loaded.notes).to.deep.equal(['taken for resnet18, whose tensors these are']);
    expect(loaded.spec.input).to.deep.equal({ channels: 1, height: 40, width: 40 });
    expect(loaded.spec.classes).to.deep.equal([...'abcde']);
    expect(loaded.taps).to.have.length(4);
    expect(await error((await loaded.predict(image(40, 1))).logits, (await cnn.predict(image(40, 1))).logits)).to.equal(
      0,
    );
    const named = await Cnn.load(path, { ...cpu, arch: 'resnet18' });
    expect(named.spec.input).to.deep.equal({ channels: 1, height: 224, width: 224 });
    expect(named.notes).to.deep.equal([]);
  });

  it('of DenseNet are read with the dots of its first files', async () => {
    const { path, cnn } = await stateDict(spec('densenet121'), (tensors) =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, tensor]) => [
          name.replace(/(denselayer\d+\.(?:norm|conv))([12])/, '$1.$2'),
          tensor,
        ]),
      ),
    );
    const loaded = await Cnn.load(path, { ...cpu, arch: spec('densenet121') });
    expect(await error((await loaded.predict(image(64))).logits, (await cnn.predict(image(64))).logits)).to.equal(0);
  });

  it('are refused when two are the same by different names', async () => {
    const weight = f32(uniform(1, 4), [4]);
    const path = join(folder, 'twice.safetensors');
    await writeSafetensors(path, { 'features.0.1.weight': weight, 'bn1.weight': weight });
    expect((await rejection(Cnn.load(path, { ...cpu, arch: 'efficientnetB0' }))).message).to.match(
      /: two tensors are efficientnetB0's 'features\.0\.1\.weight', one of them called '(bn1|features\.0\.1)\.weight'$/,
    );
  });

  it('that do not fit are named, with what was probably meant', async () => {
    const network = resnet18({ width: 1 / 32, classes: 7, size: 32 });
    const problem = async (change, options = { arch: network }) => {
      const { path } = await stateDict(network, change);
      const { code, message } = await rejection(Cnn.load(path, { ...cpu, ...options }));
      return `${code} ${message.replaceAll(path, 'FILE')}`;
    };
    const without = (tensors) =>
      Object.fromEntries(Object.entries(tensors).filter(([name]) => name !== 'layer2.0.bn1.bias'));
    expect(await problem(without)).to.equal("ERR_FORMAT FILE: the weights have no tensor 'layer2.0.bn1.bias'");
    const renamed = ({ 'fc.weight': weight, 'fc.bias': bias, ...rest }) => ({
      ...rest,
      'fcc.weight': weight,
      'fc.bias': bias,
    });
    expect(await problem(renamed)).to.equal(
      "ERR_FORMAT FILE: the weights have no tensor 'fc.weight'; did you mean 'fcc.weight'?",
    );
    const wrapped = (tensors) => Object.fromEntries(Object.entries(tensors).map(([name, t]) => [`module.${name}`, t]));
    expect(await problem(wrapped)).to.match(
      /^ERR_FORMAT FILE: the weights have no tensor 'bn1\.bias' \(and 101 more\); did you mean 'module\.bn1\.bias'\?$/,
    );
    const more = (tensors) => ({ ...tensors, 'fc2.bias': f32([1], [1]), 'fc2.weight': f32([1], [1]) });
    expect(await problem(more)).to.equal(
      "ERR_FORMAT FILE: the weights have a tensor 'fc2.bias' that the network does not use (and 1 more)",
    );
    const other = { arch: resnet18({ width: 1 / 32, classes: 9, size: 32 }) };
    expect(await problem((tensors) => tensors, other)).to.equal(
      "ERR_FORMAT FILE: the weight 'fc.bias' has shape [7], the network needs [9] (and 1 more)",
    );
    const counted = (tensors) => ({ ...tensors, 'fc.bias': Tensor.from(new BigInt64Array(7), [7]) });
    expect(await problem(counted)).to.equal("ERR_FORMAT FILE: the weight 'fc.bias' is int64, expected floating point");
    // Known by their names, but narrower than the network that was published.
    expect(await problem((tensors) => tensors, {})).to.match(
      /^ERR_FORMAT FILE: the weight 'bn1\.bias' has shape \[8\], resnet18 needs \[64\] \(and \d+ more\)$/,
    );
    expect(await problem(without, {})).to.match(/^ERR_FORMAT FILE: the weights have no tensor 'layer2\.0\.bn1\.bias'/);
    const of = ({ 'conv1.weight': weight }) => ({ 'first.weight': weight });
    expect(await problem(of, {})).to.equal(
      "ERR_FORMAT FILE: weights without a network: its metadata has no 'cumulens', and its tensors are not just those of " +
        `${Object.keys(PUBLISHED).join(', ')}; give arch, one of these names or a spec`,
    );
    expect(await problem(of, { arch: 'resnet81' })).to.equal(
      `ERR_OPTION Cnn.load.arch: expected ${Object.keys(PUBLISHED).join(', ')} or a spec; did you mean 'resnet18'?`,
    );
    expect(await problem((tensors) => tensors, { arch: network, classes: ['a'] })).to.equal(
      'ERR_SHAPE FILE: classes: 1 names for 7 logits',
    );
    const whole = join(folder, 'whole.safetensors');
    await (await Cnn.create(network, cpu)).save(whole);
    expect((await rejection(Cnn.load(whole, { ...cpu, arch: 'resnet18' }))).message).to.equal(
      `${whole}: is a CNN of cumulens, which says its own network: arch is for weights alone`,
    );
    expect((await rejection(Cnn.load(`${FOLDER}/resnet50.keras`, { ...cpu, arch: 'resnet50' }))).message).to.equal(
      `${FOLDER}/resnet50.keras: is a model of keras, which says its own network: arch is for weights alone`,
    );
  });

  it('become a CNN file on the command line', async () => {
    const { path, cnn } = await stateDict(resnet18({ classes: 3 }));
    const out = join(folder, 'cnn.safetensors');
    const args = ['import', path, '--arch', 'resnet18', '--input', '64', '--fit', 'stretch', '--out', out, '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, ['dist/cli/main.js', ...args]);
    expect(JSON.parse(stdout)).to.deep.include({
      path: out,
      input: { channels: 3, height: 64, width: 64 },
      classes: 3,
    });
    const loaded = await Cnn.load(out, cpu);
    const { preprocessing } = loaded.spec;
    expect(preprocessing.mean).to.deep.equal([0.485, 0.456, 0.406]);
    expect(preprocessing.resize).to.deep.equal({ fit: 'stretch', scale: 256 / 224, interpolation: 'bilinear' });
    const mode = await promisify(execFile)(process.execPath, ['dist/cli/main.js', ...args, '--preprocessing', 'tf']);
    expect(JSON.parse(mode.stdout).preprocessing).to.deep.include({ range: [-1, 1], mean: [], std: [] });
    const logits = async (network, size) => (await network.predict(image(size))).logits;
    const same = await Cnn.create(resnet18({ classes: 3, size: 64 }), cpu);
    await same.loadStateDict(await cnn.stateDict());
    expect(await error(await logits(loaded, 64), await logits(same, 64))).to.equal(0);
  });
});
