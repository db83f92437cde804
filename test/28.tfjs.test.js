// tfjs layers models: networks with few filters as tfjs saves them, plain and quantised, and layers one by one against their formulas.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { expect } from 'chai';
import fc from 'fast-check';

import { Cnn, CumulensError } from '../dist/index.js';
import { error, f32, rejection } from './support/arrays.js';
import { assertParity } from './support/parity.js';
import { functional, sequential, writeTfjs } from './support/tfjs.js';

const FOLDER = 'test/fixtures/models';

describe('tfjs layers models', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-tfjs-'));
  after(() => rmSync(folder, { recursive: true }));

  const load = (path, options = {}) => Cnn.load(path, { device: 'cpu', ...options });
  const problem = async (topology, weights, options, change) => {
    const path = writeTfjs(folder, topology, weights, change);
    const { code, message } = await rejection(load(path, options));
    return `${code} ${message.replaceAll(path, 'MODEL').replaceAll(folder, 'FOLDER')}`;
  };
  /** The output for one picture [C, H, W] of given numbers. */
  const output = async (topology, weights, values, shape) => {
    const cnn = await load(writeTfjs(folder, topology, weights), { preprocessing: 'none' });
    const { logits } = await cnn.predict(f32(values, [1, ...shape]));
    cnn.dispose();
    return [...(await logits.data())];
  };

  const kinds = { vgg16: 'in many shards', resnet50: 'in uint16', inceptionv3: 'in float16', mobilenetv2: 'in uint8' };
  for (const [name, kind] of Object.entries(kinds)) {
    it(`${name}, ${kind}: tfjs' logits, and its maps at every convolution`, async () => {
      const cnn = await load(`${FOLDER}/${name}.tfjs/model.json`);
      await assertParity(cnn, `${FOLDER}/${name}.tfjs-io.safetensors`);
      cnn.dispose();
    });
  }

  const flat = ['Flatten', { data_format: 'channels_last' }];
  const values = [-3, -1, -0.5, 0, 0.5, 1, 4, 9];

  it('activations are those of tfjs', async () => {
    const formulas = {
      relu: (x) => Math.max(0, x),
      relu6: (x) => Math.min(6, Math.max(0, x)),
      elu: (x) => (x > 0 ? x : Math.expm1(x)),
      sigmoid: (x) => 1 / (1 + Math.exp(-x)),
      hard_sigmoid: (x) => Math.min(1, Math.max(0, 0.2 * x + 0.5)),
      swish: (x) => x / (1 + Math.exp(-x)),
      tanh: Math.tanh,
      softplus: (x) => Math.log1p(Math.exp(x)),
      linear: (x) => x,
    };
    for (const [activation, formula] of Object.entries(formulas)) {
      const given = await output(sequential([2, 4, 1], [['Activation', { activation }], flat]), {}, values, [1, 2, 4]);
      expect(await error(given, values.map(formula)), activation).to.be.below(1e-6);
    }
    const layers = [
      [['LeakyReLU', { alpha: 0.3 }], (x) => (x > 0 ? x : 0.3 * x)],
      [['ReLU', { max_value: 2 }], (x) => Math.min(2, Math.max(0, x))],
      [['ELU', { alpha: 0.5 }], (x) => (x > 0 ? x : 0.5 * Math.expm1(x))],
      [['Rescaling', { scale: 0.5, offset: 3 }], (x) => 0.5 * x + 3],
    ];
    for (const [layer, formula] of layers) {
      const given = await output(sequential([2, 4, 1], [layer, flat]), {}, values, [1, 2, 4]);
      expect(await error(given, values.map(formula)), layer[0]).to.be.below(1e-6);
    }
  });

  it('a picture is flattened, reshaped and met by dense layers in the order of TensorFlow: channels last', async () => {
    const picture = [1, 2, 3, 4, 10, 20, 30, 40];
    const channelsLast = [1, 10, 2, 20, 3, 30, 4, 40];
    expect(await output(sequential([2, 2, 2], [flat]), {}, picture, [2, 2, 2])).to.deep.equal(channelsLast);
    const kernel = { 'dense/kernel': { shape: [2, 1], data: [1, 2] } };
    const dense = ['Dense', { units: 1, use_bias: false, activation: 'linear' }];
    expect(await output(sequential([2, 2, 2], [dense, flat]), kernel, picture, [2, 2, 2])).to.deep.equal([
      21, 42, 63, 84,
    ]);
    const reshape = ['Reshape', { target_shape: [1, -1, 2] }];
    expect(await output(sequential([2, 2, 2], [reshape, flat]), {}, picture, [2, 2, 2])).to.deep.equal(channelsLast);
  });

  it('in a model of channels_first the picture is read as it lies, and brought to channels last where a layer says so', async () => {
    const picture = [1, 2, 3, 4, 10, 20, 30, 40];
    const pool = ['MaxPooling2D', { pool_size: 1, data_format: 'channels_first' }];
    const run = (layer) => output(sequential([2, 2, 2], [pool, layer]), {}, picture, [2, 2, 2]);
    expect(await run(['Flatten', {}])).to.deep.equal(picture);
    expect(await run(['Flatten', { data_format: 'channels_first' }])).to.deep.equal([1, 10, 2, 20, 3, 30, 4, 40]);
  });

  it("pools by TensorFlow's rules: 'same' pads right and bottom first, and pads do not count", async () => {
    const nine = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const pool = (name, settings) => sequential([3, 3, 1], [[name, { pool_size: [2, 2], ...settings }], flat]);
    const run = (name, settings) => output(pool(name, settings), {}, nine, [1, 3, 3]);
    expect(await run('AveragePooling2D', { padding: 'same', strides: [2, 2] })).to.deep.equal([3, 4.5, 7.5, 9]);
    expect(await run('MaxPooling2D', { padding: 'valid', strides: [1, 1] })).to.deep.equal([5, 6, 8, 9]);
    const padded = [['ZeroPadding2D', { padding: [[1, 0], [0, 2]] }], ['Cropping2D', { cropping: [[2, 0], [1, 2]] }], flat]; // prettier-ignore
    expect(await output(sequential([3, 3, 1], padded), {}, nine, [1, 3, 3])).to.deep.equal([5, 6, 8, 9]);
  });

  it('pictures grow by its rules: bilinear from the corners of pixels, the last one repeated', async () => {
    const grow = (settings) => output(sequential([1, 3, 1], [['UpSampling2D', settings], flat]), {}, [0, 2, 8], [1, 1, 3]); // prettier-ignore
    const row = [0, 1, 2, 5, 8, 8];
    expect(await grow({ size: [2, 2], interpolation: 'bilinear' })).to.deep.equal([...row, ...row]);
    expect(await error(await grow({ size: [1, 3], interpolation: 'bilinear' }), [0, 2 / 3, 4 / 3, 2, 4, 6, 8, 8, 8])).to.be.below(1e-6); // prettier-ignore
    expect(await grow({ size: [1, 2] })).to.deep.equal([0, 0, 2, 2, 8, 8]);
  });

  it('bytes are told by the first scale, be it one of statistics', async () => {
    const range = async (scale) => {
      const cnn = await load(writeTfjs(folder, sequential([2, 4, 1], [['Rescaling', { scale, offset: -2 }], flat])));
      return cnn.spec.preprocessing.range;
    };
    for (const scale of [1 / 255, 1 / 127.5, 1 / 57.1]) expect(await range(scale)).to.deep.equal([0, 255]);
    for (const scale of [1, 2, 4.4]) expect(await range(scale)).to.deep.equal([0, 1]);
  });

  it('layers may be called as our images are, or as parts of others', async () => {
    const layers = [
      ['Activation', { name: 'input', activation: 'relu' }],
      ['Activation', { name: 'input#2', activation: 'linear' }],
      ['Rescaling', { name: 'input', scale: 2, offset: 1 }],
    ];
    const [first, , rescale] = layers;
    expect(await output(sequential([2, 4, 1], [first, flat]), {}, values, [1, 2, 4])).to.deep.equal(values.map((x) => Math.max(0, x))); // prettier-ignore
    expect(await output(sequential([2, 4, 1], [rescale, flat]), {}, values, [1, 2, 4])).to.deep.equal(values.map((x) => 2 * x + 1)); // prettier-ignore
  });

  it('what cannot be is refused in one line, naming the layer', async () => {
    const activation = (config) => sequential([2, 4, 1], [['Activation', { activation: { class_name: 'LeakyReLU', config } }], flat]); // prettier-ignore
    expect(await problem(activation({ alpha: 'x' }))).to.equal(
      `ERR_FORMAT MODEL: layer 'activation' (Activation): has activation 'leaky_re_lu' with settings that it has not: {"alpha":"x"}`,
    );
    const conv = ['Conv2D', { filters: 2, kernel_size: [1, 1], strides: [2 ** 60, 2 ** 60], use_bias: false }];
    expect(await problem(sequential([2, 4, 1], [conv, flat]), { 'conv2d/kernel': { shape: [1, 1, 1, 2], data: [1, 2] } })).to.match(/^ERR_FORMAT MODEL: layer 'conv2d' \(Conv2D\)/); // prettier-ignore
    const deep = functional([2, 4, 1], [['Flatten', { name: 'flat' }, ['image']]], 'flat');
    let nested = ['image', 0, 0, {}];
    for (let i = 0; i < 2000; i++) nested = [nested];
    deep.config.layers[1].inbound_nodes = [nested];
    expect(await problem(deep)).to.match(/^ERR_FORMAT MODEL: .*lists lie more than 16 deep/);
  });

  it('paths: a folder, and the file:// address that tfjs writes', async () => {
    const path = writeTfjs(join(folder, 'named'), sequential([1, 2, 1], [flat]), {}, (json) => ({
      ...json,
      userDefinedMetadata: { classes: ['cat', 'dog'] },
    }));
    for (const place of [
      path,
      join(folder, 'named'),
      pathToFileURL(path).href,
      pathToFileURL(join(folder, 'named')).href,
    ]) {
      expect((await load(place)).spec.classes, place).to.deep.equal(['cat', 'dog']);
    }
    // The converter keeps Keras' config in the topology.
    writeTfjs(folder, { keras_version: '2.15.0', model_config: sequential([1, 2, 1], [flat]) });
    expect((await load(folder)).classes).to.equal(2);
  });

  it('an open size is said by the caller', async () => {
    const open = sequential([null, null, 3], [['GlobalAveragePooling2D', {}]]);
    expect(await problem(open)).to.equal(
      "ERR_FORMAT MODEL: leaves its pictures' size open: say it with the option input",
    );
    expect((await load(join(folder, 'model.json'), { input: 5 })).spec.input).to.deep.equal({ channels: 3, height: 5, width: 5 }); // prettier-ignore
  });

  it('what is not supported, absent or out of shape is named', async () => {
    const shape = [4, 4, 1];
    const conv = ['Conv2D', { name: 'c', filters: 2, kernel_size: [3, 3], activation: 'linear' }];
    const of = (...layers) => sequential(shape, [...layers, flat]);
    const at = "ERR_FORMAT MODEL: layer 'c' (Conv2D): ";
    expect(await problem(of(conv))).to.equal(`${at}the file has no weights 'kernel' for it`);
    expect(await problem(of(conv), { 'c/kernel': { shape: [3, 3, 1, 1], data: Array(9).fill(0) } })).to.equal(
      `${at}its weights 'kernel' have shape [3, 3, 1, 1], expected [3, 3, 1, 2]`,
    );
    expect(await problem(of(['Conv2D', { ...conv[1], kernel_size: 5 }]))).to.equal(
      `${at}does not fit its input [1, 4, 4]`,
    );
    expect(await problem(of(['Lambda', { name: 'c' }]))).to.equal(
      "ERR_FORMAT MODEL: layer 'c' (Lambda): a Lambda layer holds code, which is never run",
    );
    expect(await problem(of(['Conv3D', { name: 'c' }]))).to.match(
      /^ERR_FORMAT MODEL: layer 'c' \(Conv3D\): layer 'Conv3D' is not supported; did you mean 'Conv2D'\?; supported are Conv2D, /,
    );
    expect(await problem(of(['Activation', { name: 'c', activation: 'exponential' }]))).to.match(
      /^ERR_FORMAT MODEL: layer 'c' \(Activation\): has activation 'exponential', which is not supported; supported are sigmoid, /,
    );
    expect(await problem(of(['ReLU', { name: 'c', threshold: 1 }]))).to.match(/\(ReLU\): has threshold 1, expected 0$/);
    expect(await problem(sequential(shape, [['ReLU', {}]]))).to.match(/its output is \[1, 4, 4\], expected a vector/);
    expect(await problem(of(['BatchNormalization', { name: 'c', axis: 1 }]))).to.match(
      /has axis \[1\], expected the channels/,
    );
    expect(await problem(of(['Conv2D', { name: 'c', filters: 'x', kernel_size: 3 }]))).to.match(
      /^ERR_FORMAT MODEL: layer 'c' \(Conv2D\)\.filters: /,
    );
  });

  it('graphs that go round, lead nowhere or do not end are refused', async () => {
    const relu = (name, ...calls) => ['Activation', { name, activation: 'relu' }, ...calls];
    const flatten = ['Flatten', { name: 'flat' }, ['b']];
    const graph = (...layers) => functional([2, 2, 1], [...layers, flatten], 'flat');
    expect(await problem(graph(relu('a', ['b']), relu('b', ['a'])))).to.equal(
      "ERR_FORMAT MODEL: layer 'a' waits for its own output, or for a layer that is not there",
    );
    expect(await problem(graph(relu('a', ['image']), relu('b', ['nobody'])))).to.match(/layer 'b' waits for/);
    expect(await problem(functional([2, 2, 1], [relu('b', ['image'])], 'nobody'))).to.equal(
      "ERR_FORMAT MODEL: there is no output 0 of call 0 of layer 'nobody'",
    );
    // Sixteen models in each other, each called twice, are 65,536 calls.
    let nested = sequential([2, 2, 1], [['Activation', { activation: 'relu' }]]);
    for (let depth = 0; depth < 16; depth++) {
      const model = { class_name: 'Model', name: 'inner', config: nested.config, inbound_nodes: [[['image', 0, 0, {}]], [['inner', 1, 0, {}]]] }; // prettier-ignore
      const outer = functional([2, 2, 1], [], 'inner');
      outer.config.layers.push(model);
      outer.config.output_layers = [['inner', 2, 0]];
      nested = outer;
    }
    expect(await problem(nested)).to.match(/^ERR_FORMAT MODEL: (calls|models lie) /);
  });

  it('shards are measured before they are read, and lie in the folder', async () => {
    const dense = sequential([1, 2, 1], [flat, ['Dense', { units: 1, use_bias: false }]]);
    const weights = { 'dense/kernel': { shape: [2, 1], data: [1, 2] } };
    const change = (edit) => (json) => {
      edit(json.weightsManifest[0]);
      return json;
    };
    const wrong = (edit) => problem(dense, weights, {}, change(edit));
    expect(await wrong((group) => (group.weights[0].shape = [2 ** 40, 2 ** 12]))).to.equal(
      'ERR_FORMAT MODEL: weights of 18014398509481984 bytes in shards of 8: weights.bin',
    );
    for (const path of ['../weights.bin', '/etc/hostname', 'a/../../weights.bin', 'https://a/b']) {
      expect(await wrong((group) => (group.paths = [path]))).to.equal(
        `ERR_FORMAT MODEL: has a shard '${path}', which does not lie in the model's folder`,
      );
    }
    const outside = mkdtempSync(join(tmpdir(), 'cumulens-outside-'));
    writeFileSync(join(outside, 'secret.bin'), Buffer.alloc(8));
    symlinkSync(join(outside, 'secret.bin'), join(folder, 'link.bin'));
    expect(await wrong((group) => (group.paths = ['link.bin']))).to.match(
      /^ERR_FORMAT MODEL: has a shard 'link.bin', a link to '.*secret.bin' outside the model's folder$/,
    );
    rmSync(outside, { recursive: true });
    const twice = (group) => Object.assign(group, { paths: ['weights.bin', './weights.bin'], weights: [group.weights[0], { ...group.weights[0], name: 'b' }] }); // prettier-ignore
    expect(await wrong(twice)).to.equal("ERR_FORMAT MODEL: has the shard './weights.bin' twice");
    expect(await wrong((group) => (group.paths = ['absent.bin']))).to.match(
      /^ERR_IO MODEL: FOLDER\/absent.bin: cannot open/,
    );
    expect(await wrong((group) => (group.weights[0].dtype = 'string'))).to.match(
      /has dtype string, expected one of float32/,
    );
    expect(await wrong((group) => group.weights.push(group.weights[0]))).to.match(/weights of 16 bytes in shards of 8/);
    const path = writeTfjs(folder, dense, weights);
    truncateSync(join(folder, 'weights.bin'), 5);
    expect((await rejection(load(path))).message).to.match(/weights of 8 bytes in shards of 5/);
    expect(await problem(dense, weights, {}, (json) => ({ ...json, format: 'graph-model' }))).to.equal(
      'ERR_FORMAT MODEL: is a tfjs graph model, expected a layers model',
    );
  });

  it('a model.json with a changed byte is the same model, another one, or refused in words', async () => {
    const source = readFileSync(`${FOLDER}/vgg16.tfjs/model.json`);
    const place = join(folder, 'mutated');
    mkdirSync(place);
    for (const { paths } of JSON.parse(source).weightsManifest) {
      for (const path of paths) writeFileSync(join(place, path), readFileSync(`${FOLDER}/vgg16.tfjs/${path}`));
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(source.length - 1), fc.nat(255), async (at, value) => {
        const changed = Buffer.from(source);
        changed[at] = value;
        writeFileSync(join(place, 'model.json'), changed);
        try {
          (await load(place)).dispose();
        } catch (caught) {
          if (!(caught instanceof CumulensError)) throw caught;
          expect(caught.message).to.not.include('\n');
        }
      }),
      { numRuns: 150 },
    );
  });
});
