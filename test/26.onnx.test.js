// ONNX models: networks with few filters through PyTorch's exporters, every operator against onnxruntime, and damaged files.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import { Cnn, CumulensError, readSafetensors, Tensor } from '../dist/index.js';
import { error, f32, product, rejection, uniform } from './support/arrays.js';
import { encode, floats, ints, model, value, writeOnnx } from './support/onnx.js';
import { assertParity } from './support/parity.js';

const FOLDER = 'test/fixtures/models';

describe('ONNX models', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-onnx-'));
  after(() => rmSync(folder, { recursive: true }));

  const load = (path, options = {}) => Cnn.load(path, { device: 'cpu', ...options });
  const make = (settings, options) => load(writeOnnx(folder, model(settings)), options);
  const problem = async (message, options) => {
    const path = Buffer.isBuffer(message) ? join(folder, 'model.onnx') : writeOnnx(folder, message);
    if (Buffer.isBuffer(message)) writeFileSync(path, message);
    const caught = await rejection(load(path, options));
    if (!(caught instanceof CumulensError)) throw caught;
    return `${caught.code} ${caught.message.replaceAll(path, 'MODEL').replaceAll(folder, 'FOLDER')}`;
  };
  const refusal = (settings, options) => problem(model(settings), options);
  const output = async (settings, values) => {
    const cnn = await make(settings, { preprocessing: 'none' });
    const { logits } = await cnn.predict(f32(values, [1, ...settings.shape]));
    cnn.dispose();
    return [...(await logits.data())];
  };
  const flat = (from) => ['Flatten', from, 'y'];

  for (const name of ['vgg16', 'resnet50', 'resnet50-folded', 'inceptionv3', 'mobilenetv2', 'densenet121']) {
    it(`${name}: PyTorch's logits, and its maps at every convolution`, async () => {
      const cnn = await load(`${FOLDER}/${name}.onnx`, { preprocessing: 'torch' });
      await assertParity(cnn, `${FOLDER}/${name}.onnx-io.safetensors`);
      expect(cnn.spec.tapAt).to.equal(name === 'vgg16' ? 'activation' : 'conv');
      cnn.dispose();
    });
  }

  it('every operator, with odd settings, at opsets 11 to 25: what onnxruntime gives', async () => {
    const { tensors, metadata } = await readSafetensors(`${FOLDER}/operators.onnx-cases.safetensors`);
    const [models, inputs, logits] = await Promise.all([tensors.models, tensors.inputs, tensors.logits].map((t) => t.data())); // prettier-ignore
    const cases = JSON.parse(metadata.cases);
    const places = [];
    let [at, input, given] = [0, 0, 0];
    for (const { name, opset, bytes, data, shape, classes } of cases) {
      if (data === places.length) {
        const ends = [input + product(shape), given + shape[0] * classes];
        places.push({ x: inputs.subarray(input, ends[0]), y: logits.subarray(given, ends[1]) });
        [input, given] = ends;
      }
      const path = join(folder, 'case.onnx');
      writeFileSync(path, models.subarray(at, (at += bytes)));
      const cnn = await load(path, { preprocessing: 'none' });
      const { x, y } = places[data];
      const result = await cnn.predict(Tensor.from(x, shape));
      expect(await error(result.logits, y), `${name}, opset ${opset}`).to.be.below(1e-5);
      cnn.dispose();
    }
    expect(new Set(cases.map(({ opset }) => opset))).to.deep.equal(new Set([11, 13, 17, 21, 25]));
    expect(input).to.equal(inputs.length);
  });

  describe('what a file says', () => {
    const kernel = (name, filters = 2, channels = 1) =>
      floats(name, [filters, channels, 1, 1], uniform(7, filters * channels));

    it('names: modules of PyTorch by weight, by path or by scope, and what others write; each once', async () => {
      const conv = (from, to, weight, name, scopes) => [
        'Conv',
        [from, weight],
        to,
        {},
        { name, ...(scopes ? { metadataProps: [{ key: 'pkg.torch.onnx.name_scopes', value: scopes }] } : {}) },
      ];
      const nodes = [
        conv('x', 'a', 'stem.conv.weight', 'node_conv2d'),
        conv('a', 'b', 'onnx::Conv_9', '/layer1/layer1.0/conv1/Conv'),
        conv('b', 'c', 'onnx::Conv_9', 'node_conv2d_1', "['', 'head', 'head.0', 'conv2d_1']"),
        conv('c', 'd', 'onnx::Conv_9', 'StatefulPartitionedCall/net/conv1/Conv2D__12'),
        conv('d', 'e', 'onnx::Conv_9', ''),
        conv('e', 'f', 'layer1.0.conv1.weight', 'again'),
        flat('f'),
      ];
      const weights = [kernel('stem.conv.weight', 2), kernel('onnx::Conv_9', 2, 2), kernel('layer1.0.conv1.weight', 2, 2)]; // prettier-ignore
      const cnn = await make({ shape: [1, 2, 2], nodes, weights });
      expect(cnn.taps).to.deep.equal(['stem.conv', 'layer1.0.conv1', 'head.0', 'net.conv1', 'e', 'layer1.0.conv1#2']);
      // Weights that several nodes read are one node's.
      const shared = cnn.spec.nodes.filter((node) => node.weights).map((node) => node.weights);
      expect(shared).to.deep.equal(['layer1.0.conv1', 'layer1.0.conv1', 'layer1.0.conv1']);
      expect(Object.keys(await cnn.stateDict())).to.deep.equal(['layer1.0.conv1#2.weight', 'layer1.0.conv1.weight', 'stem.conv.weight']); // prettier-ignore
    });

    it("classes as Ultralytics and others write them, pixels as ONNX's own metadata has them", async () => {
      const net = (...metadataProps) => ({ shape: [3, 1, 1], nodes: [flat('x')], rest: { metadataProps } });
      const classes = async (key, text) => (await make(net({ key, value: text }))).spec.classes;
      const names = ['tench', "jack-o'-lantern", 'café'];
      expect(await classes('names', `{0: 'tench', 1: "jack-o'-lantern", 2: 'caf\\u00e9'}`)).to.deep.equal(names);
      expect(await classes('classes', JSON.stringify(names))).to.deep.equal(names);
      expect(await classes('names', "{1: 'a', 0: 'b', 2: 'c'}")).to.equal(undefined);
      const two = await make(net({ key: 'names', value: "['a', 'b']" }));
      expect(two.notes).to.include('the file names 2 classes for 3 logits: the names are left out');
      const azure = await make(
        net({ key: 'Image.BitmapPixelFormat', value: 'Bgr8' }, { key: 'Image.NominalPixelRange', value: 'NominalRange_0_255' }), // prettier-ignore
      );
      expect(azure.spec.preprocessing).to.deep.include({ range: [0, 255], channelOrder: 'bgr' });
    });

    it('bytes, and networks that scale bytes, are given bytes', async () => {
      const bytes = { graph: { input: [value('x', ['N', 1, 1, 2], 2)] } };
      const cast = await make({ shape: [1, 1, 2], nodes: [['Cast', 'x', 'a', { to: 1 }], flat('a')], ...bytes });
      expect(cast.spec.preprocessing.range).to.deep.equal([0, 255]);
      const scaled = await make({ shape: [1, 1, 2], nodes: [['Div', ['x', 'c'], 'a'], flat('a')], weights: [floats('c', [], [255])] }); // prettier-ignore
      expect(scaled.spec.preprocessing.range).to.deep.equal([0, 255]);
    });

    it('linear sizes count from centres or from corners, as the file says', async () => {
      const grown = async (coordinates) => {
        const nodes = [['Resize', ['x', '', 's'], 'a', { mode: 'linear', coordinate_transformation_mode: coordinates }], flat('a')]; // prettier-ignore
        const cnn = await make({ shape: [1, 1, 3], nodes, weights: [floats('s', [4], [1, 1, 1, 2])] }, { preprocessing: 'none' }); // prettier-ignore
        return [...(await (await cnn.predict(f32([0, 2, 8], [1, 1, 1, 3]))).logits.data())];
      };
      expect(await grown('asymmetric')).to.deep.equal([0, 1, 2, 5, 8, 8]);
      expect(await grown('half_pixel')).to.deep.equal([0, 0.5, 1.5, 3.5, 6.5, 8]);
    });

    it('pictures with channels last come as ours, and the graph brings them to the front', async () => {
      const nodes = [['Transpose', 'x', 'a', { perm: [0, 3, 1, 2] }], ['Conv', ['a', 'w'], 'b'], flat('b')];
      const weights = [floats('w', [1, 3, 1, 1], [1, 10, 100])];
      const cnn = await make({ shape: [1, 2, 3], nodes, weights }, { preprocessing: 'none' });
      expect(cnn.spec.input).to.deep.equal({ channels: 3, height: 1, width: 2 });
      const { logits } = await cnn.predict(f32([1, 2, 3, 4, 5, 6], [1, 3, 1, 2]));
      expect([...(await logits.data())]).to.deep.equal([531, 642]);
    });

    it('a softmax at the end is left out, before or after the values are put in a row', async () => {
      const ends = [['Tanh', 'x', 't'], ['Softmax', 't', 'a', { axis: 1 }], flat('a')]; // prettier-ignore
      const row = await make({ shape: [2, 1, 1], nodes: ends });
      expect(row.notes).to.include("the softmax at the end ('a') is left out: the outputs are logits");
      expect(row.spec.nodes.map(({ op }) => op)).to.deep.equal(['tanh', 'flatten']);
      const log = [
        ['Flatten', 'x', 'a'],
        ['LogSoftmax', 'a', 'y'],
      ];
      expect(await output({ shape: [2, 1, 1], nodes: log }, [3, 4])).to.deep.equal([3, 4]);
    });

    it('initialisers among the inputs, numbers in any of the fields that hold them', async () => {
      const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
      const half = { dataType: 10, int32Data: [Buffer.from([0x3c00, 0x4000].flatMap(varint))] };
      const kinds = {
        half,
        'half, raw': { dataType: 10, rawData: Buffer.from([0x00, 0x3c, 0x00, 0x40]) },
        bfloat: { dataType: 16, rawData: Buffer.from([0x80, 0x3f, 0x00, 0x40]) },
        double: { dataType: 11, doubleData: [Buffer.from(Float64Array.of(1, 2).buffer)] },
        'float in parts': { dataType: 1, floatData: [1, 2].map((n) => Buffer.from(Float32Array.of(n).buffer)) },
      };
      for (const [name, data] of Object.entries(kinds)) {
        const net = { shape: [1, 1, 1], nodes: [['Conv', ['x', 'w'], 'a'], flat('a')], weights: [{ name: 'w', dims: [2, 1, 1, 1], ...data }] }; // prettier-ignore
        const inputs = [value('x', [1, 1, 1, 1]), value('w', [2, 1, 1, 1])];
        expect(await output({ ...net, graph: { input: inputs } }, [3]), name).to.deep.equal([3, 6]);
      }
    });

    it('an open size is said by the caller, the batch may be any', async () => {
      const net = { shape: [3, 'H', 'W'], nodes: [['GlobalAveragePool', 'x', 'a'], flat('a')] };
      expect(await refusal(net)).to.equal(
        "ERR_FORMAT MODEL: leaves its pictures' size open: say it with the option input",
      );
      const cnn = await make(net, { input: 5 });
      expect(cnn.spec.input).to.deep.equal({ channels: 3, height: 5, width: 5 });
      // A file made of one picture says 1 where the batch is.
      const one = { shape: [2, 1, 2], nodes: [['Reshape', ['x', 's'], 'y']], weights: [ints('s', [1, 4])], graph: { input: [value('x', [1, 2, 1, 2])] } }; // prettier-ignore
      const many = await (await make(one)).predict(f32([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 1, 2]));
      expect(many.logits.shape).to.deep.equal([2, 4]);
    });
  });

  describe('weights in other files', () => {
    const external = (location, more = {}) => ({
      name: 'w',
      dims: [2, 1, 1, 1],
      dataType: 1,
      dataLocation: 1,
      externalData: Object.entries({ location, ...more }).map(([key, text]) => ({ key, value: text })),
    });
    const net = (weight) => ({ shape: [1, 1, 1], nodes: [['Conv', ['x', weight.name], 'a'], flat('a')], weights: [weight] }); // prettier-ignore
    before(() => {
      writeFileSync(join(folder, 'w.bin'), Buffer.from(Float32Array.of(9, 1, 2, 9).buffer));
      mkdirSync(join(folder, 'sub'));
      copyFileSync(join(folder, 'w.bin'), join(folder, 'sub', 'w.bin'));
      symlinkSync('/etc/hostname', join(folder, 'link.bin'));
    });

    it('are read from their place', async () => {
      expect(await output(net(external('w.bin', { offset: '4', length: '8' })), [3])).to.deep.equal([3, 6]);
      expect(await output(net(external('sub/w.bin', { offset: '4' })), [3])).to.deep.equal([3, 6]);
    });

    it('lie in the folder, whatever a path or link says', async () => {
      for (const path of ['../w.bin', '/etc/hostname', 'sub/../../w.bin', 'file:///etc/hostname', 'sub\\w.bin']) {
        expect(await refusal(net(external(path)))).to.equal(
          `ERR_FORMAT MODEL: tensor 'w' has its data in '${path}', which does not lie in the model's folder`,
        );
      }
      expect(await refusal(net(external('link.bin')))).to.match(
        /tensor 'w' has its data in 'link.bin', a link to '.*hostname' outside the model's folder$/,
      );
      expect(await refusal(net(external('sub')))).to.match(/has its data in 'sub', which is no file$/);
      expect(await refusal(net(external('absent.bin')))).to.match(/^ERR_IO MODEL: FOLDER\/absent.bin: cannot open/);
    });

    it('are measured before they are read', async () => {
      const wrong = (more, change = {}) => refusal(net({ ...external('w.bin', more), ...change }));
      const at = "ERR_FORMAT MODEL: tensor 'w'";
      expect(await wrong({ length: '4' })).to.equal(`${at} has 4 bytes in 'w.bin', expected 8 for [2, 1, 1, 1]`);
      expect(await wrong({ offset: '12' })).to.equal(`${at} lies at 12 … 20 in 'w.bin', which has 16 bytes`);
      expect(await wrong({ offset: '-4' })).to.equal(`${at} has offset '-4' for its data, expected a number of bytes`);
      expect(await wrong({ offset: '99999999999999999999' })).to.match(/expected a number of bytes$/);
      expect(await wrong({}, { dims: [2 ** 40, 2 ** 10] })).to.match(/lies at 0 … 4503599627370496 in 'w.bin'/);
      expect(await wrong({}, { dims: [2 ** 40, 2 ** 40] })).to.match(/^ERR_FORMAT MODEL: tensor 'w' lies at/);
      expect(await wrong({}, { externalData: [] })).to.match(/but does not say which$/);
      // The same bytes again are the same weights; overlapping ones are not more than the file.
      const parts = ['0', '4', '8'].map((offset, i) => ({ ...external('w.bin', { offset }), name: `w${i}` }));
      expect(await refusal({ ...net(parts[0]), weights: parts })).to.match(
        /tensor 'w2' shares bytes of 'w.bin' with others: the tensors in it claim more than its 16 bytes$/,
      );
    });
  });

  it('what is not supported, absent or out of shape is named', async () => {
    const shape = [2, 4, 4];
    const of = (first, weights = [], more = {}) => refusal({ shape, nodes: [first, flat('a')], weights, ...more });
    const at = (op) => `ERR_FORMAT MODEL: node 'a' (${op}): `;
    expect(await of(['QuantizeLinear', ['x', 'c'], 'a'], [floats('c', [], [1])])).to.match(
      /^ERR_FORMAT MODEL: node 'a' \(QuantizeLinear\): operator 'QuantizeLinear' is not supported; supported are Add, AveragePool, /,
    );
    expect(await of(['Convv', 'x', 'a'])).to.match(/operator 'Convv' is not supported; did you mean 'Conv'\?/);
    expect(await of(['Relu', 'x', 'a', {}, { domain: 'com.microsoft' }])).to.equal(
      `${at('Relu')}is an operator of 'com.microsoft', expected ONNX's own`,
    );
    expect(await of(['Conv', ['x', 'w'], 'a'])).to.equal(
      `${at('Conv')}takes 'w', which is neither made by a node nor in the file`,
    );
    expect(await of(['Conv', ['x', 'w'], 'a'], [floats('w', [1, 3, 1, 1], [1, 2, 3])])).to.equal(
      `${at('Conv')}has weights of [1, 3, 1, 1] in 1 groups for 2 channels`,
    );
    expect(await of(['Conv', ['x', 'w'], 'a'], [floats('w', [0, 2, 3, 3], [])])).to.match(/^ERR_FORMAT MODEL: node 'a' \(Conv\): makes a conv2d that cannot be: filters: /); // prettier-ignore
    expect(await of(['LeakyRelu', 'x', 'a', { alpha: Infinity }])).to.match(/^ERR_FORMAT MODEL: node 'a' \(LeakyRelu\): /); // prettier-ignore
    expect(await of(['Conv', ['x', 'w'], 'a'], [floats('w', [1, 2, 5, 1], uniform(1, 10))])).to.equal(
      `${at('Conv')}does not fit its input [2, 4, 4]`,
    );
    expect(await of(['MaxPool', 'x', 'a', { kernel_shape: [2, 2], dilations: [2, 2] }])).to.equal(
      `${at('MaxPool')}has dilations [2, 2], expected 1`,
    );
    expect(await of(['MaxPool', 'x', 'a', { kernel_shape: [2] }])).to.match(
      /kernel_shape \[2\], expected two positive/,
    );
    expect(await of(['LRN', 'x', 'a', { size: 2 }])).to.equal(`${at('LRN')}has size 2, expected an odd number`);
    expect(await of(['Resize', ['x', '', 's'], 'a', { mode: 'cubic' }], [floats('s', [4], [1, 1, 2, 2])])).to.equal(
      `${at('Resize')}has mode cubic, half_pixel, which is not supported`,
    );
    expect(await of(['Resize', ['x', '', 's'], 'a'], [floats('s', [4], [1, 1, 1.5, 2])])).to.match(/times as large/);
    expect(await of(['Transpose', 'x', 'a', { perm: [1, 0, 2, 3] }])).to.match(/perm \[1, 0, 2, 3\], which moves the batch/); // prettier-ignore
    expect(await of(['Pad', ['x', 'p'], 'a', { mode: 'reflect' }], [ints('p', [0, 0, 1, 1, 0, 0, 1, 1])])).to.equal(
      `${at('Pad')}pads with mode 'reflect', expected 0`,
    );
    expect(await of(['Add', ['x', 'c'], 'a'], [floats('c', [4], [1, 2, 3, 4])])).to.equal(
      `${at('Add')}has a constant of [4] for [N, 2, 4, 4], expected one number for each channel`,
    );
    expect(await of(['Relu', 'x', 'a', {}, { name: '' }], [], { opset: 10 })).to.equal(
      'ERR_FORMAT MODEL: uses opset 10, expected 11 to 25',
    );
    expect(await of(['Conv', ['x', 'x'], 'a'])).to.equal(`${at('Conv')}takes 'x' from the images, expected a constant`);
    expect(await of(['Conv', ['x', 'w'], 'a', { group: 'one' }], [floats('w', [1, 2, 1, 1], [1, 2])])).to.equal(
      `${at('Conv')}has attribute 'group' that is no int`,
    );
    expect(await refusal({ shape, nodes: [['Relu', 'x', 'y']] })).to.equal(
      'ERR_FORMAT MODEL: its output is [N, 2, 4, 4], expected logits [N, classes]: not a classifier',
    );
  });

  it('graphs that go round, are not sorted, or have two sources for a tensor are refused', async () => {
    const shape = [1, 1, 2];
    const of = (nodes, more) => refusal({ shape, nodes, ...more });
    expect(await of([['Add', ['x', 'b'], 'a'], ['Relu', 'a', 'b'], flat('b')])).to.equal(
      "ERR_FORMAT MODEL: node 'a' (Add): takes 'b' before node 'b' (Relu) makes it: the graph is not sorted, or goes round",
    );
    expect(await of([flat('a'), ['Relu', 'x', 'a']])).to.match(/node 'y' \(Flatten\): takes 'a' before node 'a'/);
    expect(await of([['Add', ['a', 'x'], 'a'], flat('a')])).to.match(/takes 'a' before node 'a' \(Add\) makes it/);
    expect(await of([['Relu', 'x', 'a'], ['Tanh', 'x', 'a'], flat('a')])).to.match(
      /makes 'a', as node 'a' \(Relu\) does/,
    );
    expect(await of([['Relu', 'x', 'w'], flat('w')], { weights: [floats('w', [1], [1])] })).to.match(
      /makes 'w' again$/,
    );
    const twice = [floats('w', [1], [1]), floats('w', [1], [2])];
    expect(await of([flat('x')], { weights: twice })).to.equal("ERR_FORMAT MODEL: initializer 'w' is there twice");
    expect(
      await of([
        ['Dropout', 'x', ['a', 'mask']],
        ['Flatten', 'mask', 'y'],
      ]),
    ).to.match(/takes 'mask', an output of node 'a,mask' \(Dropout\) that is not supported$/);
    expect(await of([flat('x')], { graph: { output: [value('z', ['N', 1])] } })).to.match(/takes no input, expected/);
    const inputs = [value('x', [1, 1, 1, 2]), value('z', [1, 1, 1, 2])];
    expect(await of([['Add', ['x', 'z'], 'a'], flat('a')], { graph: { input: inputs } })).to.equal(
      "ERR_FORMAT MODEL: takes 'x', 'z', expected pictures and nothing else",
    );
  });

  it('sizes are believed as far as there are bytes', async () => {
    const of = (tensor) => refusal({ shape: [1, 1, 1], nodes: [['Conv', ['x', 'w'], 'a'], flat('a')], weights: [tensor] }); // prettier-ignore
    const weight = floats('w', [2, 1, 1, 1], [1, 2]);
    const at = "ERR_FORMAT MODEL: tensor 'w'";
    expect(await of({ ...weight, dims: [3, 1, 1, 1] })).to.equal(`${at} holds 8 bytes, expected 12 for [3, 1, 1, 1]`);
    expect(await of({ ...weight, dims: [2 ** 45, 2 ** 45] })).to.match(/^ERR_FORMAT MODEL: tensor 'w' holds 8 bytes/);
    expect(await of({ ...weight, dims: [-2, -1, 1, 1] })).to.equal(`${at} has shape [-2, -1, 1, 1]`);
    expect(await of({ ...weight, dataType: 8 })).to.match(/has numbers of string, expected float, uint8, /);
    expect(await of({ name: 'w', dims: [2 ** 31], dataType: 3, int32Data: [] })).to.match(/quantised weights are not/);
    expect(await of({ name: 'w', dims: [2, 1, 1, 1], dataType: 1 })).to.match(/holds 0 bytes of numbers, expected 2/);
    // A few bytes that ask for many values.
    const grow = [['ConstantOfShape', 'n', 'c'], ['Conv', ['x', 'c'], 'a'], flat('a')];
    const grown = { shape: [1, 1, 1], nodes: grow, weights: [ints('n', [2 ** 20, 2 ** 20, 1, 1])] };
    expect(await refusal(grown)).to.match(/\(ConstantOfShape\): makes 1099511627776 values of 0$/);
    const doubling = Array.from({ length: 40 }, (_, i) => ['Concat', [`c${i}`, `c${i}`], `c${i + 1}`, { axis: 0 }]);
    const doubled = [...doubling, ['Add', ['x', 'c40'], 'a'], flat('a')];
    expect(await refusal({ shape: [1, 1, 1], nodes: doubled, weights: [floats('c0', [1], [1])] })).to.match(
      /makes more constants than the file could hold$/,
    );
    const kernel = floats('w', [1000, 1, 100, 100], new Float32Array(10 ** 7));
    const biases = Array.from({ length: 20 }, (_, i) => floats(`b${i}`, [1000], new Float32Array(1000)));
    const many = biases.map((_, i) => ['Conv', ['x', 'w', `b${i}`], `c${i}`]);
    const sum = ['Sum', many.map((_, i) => `c${i}`), 'a'];
    const often = { shape: [1, 100, 100], nodes: [...many, sum, flat('a')], weights: [kernel, ...biases] };
    expect(await refusal(often)).to.match(/^ERR_FORMAT MODEL: its weights are more than 8 times its files$/);
  });

  it('what is no model, or not all of one, is refused; messages without end are cut short', async () => {
    const not = 'ERR_FORMAT MODEL: not an ONNX model, or not all of one: ';
    expect(await problem(Buffer.alloc(0))).to.equal(`${not}it has no graph`);
    expect(await problem(Buffer.from('{"a": 1}'))).to.match(/not an ONNX model, or not all of one/);
    expect(await problem(encode({ irVersion: 8 }))).to.equal(`${not}it has no graph`);
    expect(await problem({ irVersion: 8, graph: {} })).to.match(/does not say which of ONNX's operator sets/);
    const whole = encode(model({ shape: [1, 1, 2], nodes: [flat('x')] }));
    expect(await problem(whole.subarray(0, whole.length - 3))).to.match(/^ERR_FORMAT MODEL: not an ONNX model/);
    // A length of four gigabytes.
    expect(await problem(Buffer.from([0x08, 0x08, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f]))).to.match(
      /^ERR_FORMAT MODEL: not/,
    );
    // Five million empty nodes of two bytes.
    const nodes = Buffer.alloc(10_000_000, Buffer.from([0x0a, 0x00]));
    const length = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...length(n >>> 7)]);
    const bomb = Buffer.concat([Buffer.from([0x08, 0x08, 0x3a, ...length(nodes.length)]), nodes]);
    expect(await problem(bomb)).to.equal(`${not}it has more than 4000000 fields`);
    // Groups within groups.
    expect(await problem(Buffer.alloc(100_000, 0xa3))).to.match(/^ERR_FORMAT MODEL: not an ONNX model/);
    const crowd = Array.from({ length: 50_001 }, () => ({ opType: 'Relu' }));
    const crowded = model({ shape: [1, 1, 1], nodes: [] });
    crowded.graph.node = crowd;
    expect(await problem(crowded)).to.equal('ERR_FORMAT MODEL: has 50001 nodes, expected at most 50000');
  });

  it('is refused in one line, whatever its names hold', async () => {
    const message = await refusal({ shape: [2, 4, 4], nodes: [['No\nOp', ['x'], 'y']] });
    expect(message).to.include('No\\nOp');
    expect(message).to.not.include('\n');
  });

  it('a file with changed or missing bytes is a model, or refused in words', async () => {
    const source = readFileSync(`${FOLDER}/vgg16.onnx`);
    const path = join(folder, 'mutated.onnx');
    const check = async (bytes) => {
      writeFileSync(path, bytes);
      try {
        (await load(path)).dispose();
      } catch (caught) {
        if (!(caught instanceof CumulensError)) throw caught;
        expect(caught.message).to.not.include('\n');
      }
    };
    const structure = encode(model({ shape: [2, 4, 4], nodes: [['Conv', ['x', 'w'], 'a', { pads: [1, 1, 1, 1] }], ['Reshape', ['a', 's'], 'y']], weights: [floats('w', [2, 2, 3, 3], uniform(3, 36)), ints('s', [0, -1])] })); // prettier-ignore
    for (const [bytes, numRuns] of [
      [structure, 300],
      [source, 60],
    ]) {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          async (edits) => {
            // prettier-ignore
            const changed = Buffer.from(bytes);
            for (const [at, byte] of edits) changed[at] = byte;
            await check(changed);
          },
        ),
        { numRuns },
      );
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(source.length - 1), async (length) => {
        writeFileSync(path, source.subarray(0, length));
        expect((await rejection(load(path))).code).to.equal('ERR_FORMAT');
      }),
      { numRuns: 30 },
    );
  });
});
