// Taps by name, by pattern, or every nth; what the import command says of them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';

import { Program } from '../dist/cli/program.js';
import { commands } from '../dist/cli/commands.js';
import { selectTaps } from '../dist/cnn/taps.js';
import { Cnn, small } from '../dist/index.js';
import { rejection } from './support/arrays.js';

const nodes = [
  'stem',
  'relu',
  'layer1.0.conv1',
  'layer1.0.bn1',
  'layer1.0.conv2',
  'layer2.0.conv1',
  'layer2.0.downsample.0',
];
const defaults = nodes.filter((name) => !/relu|bn/.test(name));
const choose = (selection) => selectTaps(selection, { defaults, nodes }, 'cnn');

describe('Choosing taps', () => {
  it('takes names of any node, in network order', () => {
    expect(choose('layer1.0.bn1')).to.deep.equal(['layer1.0.bn1']);
    expect(choose(['layer2.0.conv1', 'relu'])).to.deep.equal(['relu', 'layer2.0.conv1']);
  });

  it('takes patterns over the default taps', () => {
    expect(choose('layer1.*')).to.deep.equal(['layer1.0.conv1', 'layer1.0.conv2']);
    expect(choose('*conv?')).to.deep.equal(['layer1.0.conv1', 'layer1.0.conv2', 'layer2.0.conv1']);
    expect(choose('{stem,layer2.*}')).to.deep.equal(['stem', 'layer2.0.conv1', 'layer2.0.downsample.0']);
    expect(choose('!*downsample*')).to.deep.equal(defaults.slice(0, -1));
    expect(choose(['layer?.*', '!*downsample*'])).to.deep.equal(defaults.slice(1, -1));
    expect(choose(['!*downsample*', '!stem'])).to.deep.equal(defaults.slice(1, -1));
    expect(() => choose(['layer1.*', '!layer1.*'])).to.throw('cnn: layer1.*, !layer1.* leaves no tap');
  });

  it('takes every nth, counted from the last (property)', () => {
    expect(choose({ every: 2 })).to.deep.equal(['stem', 'layer1.0.conv2', 'layer2.0.downsample.0']);
    expect(choose({ every: 2, among: ['layer1.*'] })).to.deep.equal(['layer1.0.conv2']);
    const names = Array.from({ length: 40 }, (_, i) => `conv${i}`);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50 }), (count, every) => {
        const all = names.slice(0, count);
        const chosen = selectTaps({ every }, { defaults: all, nodes: all }, 'cnn').map((name) => all.indexOf(name));
        expect(chosen.at(-1)).to.equal(count - 1);
        expect(chosen).to.have.length(Math.ceil(count / every));
        chosen.slice(1).forEach((index, i) => expect(index - chosen[i]).to.equal(every));
      }),
    );
  });

  it('says what is no tap, or matches none', () => {
    expect(() => choose('layer1.0.conv3')).to.throw(
      /^cnn: tap 'layer1.0.conv3' is not a node; did you mean 'layer1.0.conv[12]'\?$/,
    );
    expect(() => choose('layer9.*')).to.throw(
      "cnn: no tap matches 'layer9.*'; there are 5, from 'stem' to 'layer2.0.downsample.0'",
    );
  });
});

describe('The import command', () => {
  let folder;
  let file;
  const run = async (...args) => {
    const written = { stdout: '', stderr: '' };
    const stream = (name) => ({ write: (text) => (written[name] += text) });
    const program = new Program({ stdout: stream('stdout'), stderr: stream('stderr') }, commands);
    return { code: await program.run(['import', ...args]), ...written };
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulens-import-'));
    file = join(folder, 'small.safetensors');
    const cnn = await Cnn.create(small({ classes: 3, size: [16, 24] }), { device: 'cpu', seed: 4 });
    await cnn.save(file);
    cnn.dispose();
  });
  after(() => rm(folder, { recursive: true }));

  it('lists taps with op and output shape', async () => {
    const { code, stdout } = await run(file, '--list-taps', '--taps', 'stage[23].*', '--tap-every', '3');
    expect(code).to.equal(0);
    const lines = ['stage2.0.a.conv  conv2d  32×4×6', 'stage2.1.a.conv  conv2d  32×4×6'];
    lines.push('stage3.0.b.conv  conv2d  64×2×3', 'stage3.1.b.conv  conv2d  64×2×3', '');
    expect(stdout).to.equal(lines.join('\n'));
  });

  it('writes a CNN that carries taps, preprocessing, sizes and names', async () => {
    const names = join(folder, 'names.txt');
    await writeFile(names, 'ant\nbee\ncat\n');
    const out = join(folder, 'cnn.safetensors');
    const flags = [
      '--taps',
      'stem.conv',
      '--preprocessing',
      'caffe',
      '--scale',
      '1.25',
      '--classes',
      names,
      '--input',
      '16x24',
    ];
    const { code, stdout, stderr } = await run(file, '--out', out, ...flags, '--json');
    expect(code, stderr).to.equal(0);
    const report = JSON.parse(stdout);
    expect(report.taps).to.deep.equal([{ name: 'stem.conv', op: 'conv2d', shape: [16, 8, 12] }]);
    const cnn = await Cnn.load(out, { device: 'cpu' });
    expect(cnn.spec.classes).to.deep.equal(['ant', 'bee', 'cat']);
    expect(cnn.taps).to.deep.equal(['stem.conv']);
    const resize = { fit: 'crop', scale: 1.25, interpolation: 'bilinear' };
    const caffe = { range: [0, 255], mean: [103.939, 116.779, 123.68], std: [], channelOrder: 'bgr' };
    expect(cnn.spec.preprocessing).to.deep.equal({ resize, ...caffe });
    cnn.dispose();
  });

  it('says what does not fit, and what is missing', async () => {
    expect(await run(file)).to.include({ code: 2, stderr: 'cumulens: import: give --out FILE or --list-taps\n' });
    const size = await run(file, '--list-taps', '--input', '32');
    expect([size.code, size.stderr]).to.deep.equal([
      2,
      `cumulens: ${file}: takes images of [3, 16, 24], but input says [3, 32, 32]\n`,
    ]);
    const other = join(folder, 'other.bin');
    await writeFile(other, 'no model at all');
    const unknown = await rejection(Cnn.load(other));
    expect([unknown.code, unknown.message]).to.deep.equal([
      'ERR_FORMAT',
      `${other}: not a model that can be read; expected a CNN or weights in safetensors, TorchScript (.pt), ONNX (.onnx), Keras (.keras, .h5) or tfjs (model.json)`,
    ]);
    expect((await rejection(Cnn.load(folder))).code).to.equal('ERR_IO');
  });
});
