// A CNN as data: what a spec may say, the defaults, and errors that name what is wrong.
import { expect } from 'chai';

import { CnnBuilder, cnnJsonSchema, Cnn, parseCnnSpec, small } from '../dist/index.js';
import { rejection } from './support/arrays.js';

const input = { channels: 3, height: 8, width: 8 };
const conv = (name, from, attrs = {}) => ({
  name,
  op: 'conv2d',
  inputs: [from],
  attrs: { filters: 4, kernel: 3, padding: 'same', ...attrs },
});
const tail = (from) => [
  { name: 'pool', op: 'globalAvgPool2d', inputs: [from] },
  { name: 'out', op: 'linear', inputs: ['pool'], attrs: { units: 2 } },
];
const spec = (...nodes) => ({ input, nodes, output: 'out' });
const problem = (value) => {
  try {
    parseCnnSpec(value);
  } catch (error) {
    return `${error.code} ${error.message}`;
  }
  throw new Error('expected an error');
};

describe('A CNN spec', () => {
  it('gets every default filled in', () => {
    const parsed = parseCnnSpec(spec(conv('a', 'input', { padding: undefined }), ...tail('a')));
    expect(parsed.nodes[0].attrs).to.deep.equal({
      filters: 4,
      kernel: 3,
      stride: 1,
      padding: 'valid',
      dilation: 1,
      groups: 1,
      bias: true,
    });
    const resize = { fit: 'crop', scale: 1, interpolation: 'bilinear' };
    expect(parsed.preprocessing).to.deep.equal({ resize, range: [0, 1], mean: [], std: [], channelOrder: 'rgb' });
    expect([parsed.tapAt, parsed.taps, parsed.format]).to.deep.equal(['conv', ['a'], 'cumulens.cnn/1']);
  });

  it('pools with the stride of its kernel, and counts padding unless it is the same rule of TensorFlow', () => {
    const pool = (attrs) =>
      parseCnnSpec(spec({ name: 'p', op: 'avgPool2d', inputs: ['input'], attrs }, ...tail('p'))).nodes[0].attrs;
    expect(pool({ kernel: 3 })).to.include({ stride: 3, countIncludePad: true });
    expect(pool({ kernel: 3, stride: 1, padding: 'same' })).to.include({ stride: 1, countIncludePad: false });
  });

  it('taps convolutions, or the activation that is their only reader', () => {
    const nodes = [
      conv('a', 'input'),
      { name: 'a.relu', op: 'relu', inputs: ['a'] },
      conv('b', 'a.relu'),
      { name: 'b.norm', op: 'batchNorm', inputs: ['b'] },
      { name: 'b.relu', op: 'relu', inputs: ['b.norm'] },
      conv('c', 'b.relu'),
      { name: 'c.relu', op: 'relu', inputs: ['c'] },
      { name: 'sum', op: 'add', inputs: ['c', 'c.relu'] },
      ...tail('sum'),
    ];
    expect(parseCnnSpec(spec(...nodes)).taps).to.deep.equal(['a', 'b', 'c']);
    expect(parseCnnSpec({ ...spec(...nodes), tapAt: 'activation' }).taps).to.deep.equal(['a.relu', 'b', 'c']);
    expect(parseCnnSpec({ ...spec(...nodes), taps: ['c.relu', 'a'] }).taps).to.deep.equal(['a', 'c.relu']);
  });

  it('is refused with what was probably meant', () => {
    const good = () => spec(conv('first', 'input'), ...tail('first'));
    expect(problem({ ...good(), outptu: 'out' })).to.match(
      /^ERR_OPTION .*unknown name 'outptu'; did you mean 'output'/,
    );
    expect(problem({ ...good(), output: 'oot' })).to.match(/output 'oot' is not a node; did you mean 'out'/);
    expect(problem({ ...good(), taps: ['frist'] })).to.match(/tap 'frist' is not a node; did you mean 'first'/);
    expect(problem({ ...good(), taps: ['first', 'first'] })).to.match(/named twice/);
    expect(problem(spec(conv('first', 'input', { strides: 2 }), ...tail('first')))).to.match(
      /node 'first' \(conv2d\): unknown name 'strides'; did you mean 'stride'/,
    );
    expect(problem(spec(conv('first', 'input', { padding: 'smae' }), ...tail('first')))).to.match(
      /node 'first' \(conv2d\)\.padding: expected 'valid', 'same' or/,
    );
    expect(problem(spec(conv('first', 'inptu'), ...tail('first')))).to.match(
      /input 'inptu' is not 'input' or an earlier node; did you mean 'input'/,
    );
    expect(problem(spec(conv('first', 'input'), conv('first', 'first'), ...tail('first')))).to.match(
      /node 'first' \(conv2d\): the name is taken/,
    );
    expect(problem(spec({ name: 'x', op: 'conv2', inputs: ['input'] }, ...tail('x')))).to.match(
      /did you mean 'conv2d'/,
    );
    expect(problem(spec({ ...conv('first', 'input'), weights: 'pool' }, ...tail('first')))).to.match(
      /weights 'pool' is not an earlier conv2d node/,
    );
  });

  const refused = {
    'a picture that a window does not fit': [
      conv('a', 'input', { kernel: 9, padding: 'valid' }),
      /node 'a' \(conv2d\): a window of 9×9 does not fit into 8×8/,
    ],
    'groups that do not divide the channels': [
      conv('a', 'input', { groups: 2 }),
      /node 'a' \(conv2d\): groups = 2 must divide both the input's 3 channels and the 4 filters/,
    ],
    'channels that are not there': [
      { name: 'a', op: 'slice', inputs: ['input'], attrs: { begin: 1, end: 4 } },
      /node 'a' \(slice\): cannot take channels 1 … 3 of \[3, 8, 8\]/,
    ],
    'a reshape to another number of values': [
      { name: 'a', op: 'reshape', inputs: ['input'], attrs: { shape: [5] } },
      /node 'a' \(reshape\): cannot make \[5\] of \[3, 8, 8\]/,
    ],
    'a crop of everything': [
      { name: 'a', op: 'crop2d', inputs: ['input'], attrs: { padding: [4, 0, 4, 0] } },
      /node 'a' \(crop2d\): leaves nothing of \[3, 8, 8\]/,
    ],
    'a sum of unlike shapes': [
      { name: 'a', op: 'add', inputs: ['input', 'b'] },
      /node 'a' \(add\): takes inputs of one shape, got \[3, 8, 8\] and \[4, 8, 8\]/,
    ],
    'padding as large as a pooling window': [
      { name: 'a', op: 'maxPool2d', inputs: ['input'], attrs: { kernel: 2, padding: [2, 0, 0, 0] } },
      /must be smaller than the kernel/,
    ],
    'an offset for the wrong number of channels': [
      { name: 'a', op: 'rescale', inputs: ['input'], attrs: { offset: [1, 2] } },
      /'offset' must be one number or one for each of 3 channels, got 2/,
    ],
  };
  for (const [what, [node, message]] of Object.entries(refused)) {
    it(`names the node for ${what}`, async () => {
      const error = await rejection(Cnn.create(spec(conv('b', 'input'), node, ...tail('a')), { device: 'cpu' }));
      expect(error.message).to.match(message);
      expect(error.code).to.be.oneOf(['ERR_SHAPE', 'ERR_OPTION']);
    });
  }

  it('must end in logits, and name as many classes as there are', async () => {
    const picture = await rejection(Cnn.create({ input, nodes: [conv('a', 'input')], output: 'a' }, { device: 'cpu' }));
    expect(picture.message).to.match(/the output 'a' must be one logit a class, \[K\], but its shape is \[4, 8, 8\]/);
    const names = await rejection(
      Cnn.create({ ...spec(conv('a', 'input'), ...tail('a')), classes: ['one'] }, { device: 'cpu' }),
    );
    expect(names.message).to.equal('classes: 1 names for 2 logits');
  });

  it('is published as JSON Schema', () => {
    const schema = cnnJsonSchema();
    expect(schema.$schema).to.contain('json-schema.org');
    expect(schema.required).to.have.members(['input', 'nodes', 'output']);
    const ops = schema.properties.nodes.items.anyOf.map((node) => node.properties.op.const);
    expect(ops).to.include.members(['conv2d', 'batchNorm', 'hardSwish', 'rescale']).and.have.length(46);
    expect(schema.properties.nodes.items.anyOf[0].properties.attrs.properties.stride.default).to.equal(1);
  });

  it('is written by the builder, a layer called twice sharing its weights', async () => {
    const net = new CnnBuilder(input);
    const first = net.add('conv2d', net.input, { filters: 3, kernel: 3, padding: 'same' });
    const again = net.reuse(first, first);
    const built = net.build(net.add('linear', net.add('globalAvgPool2d', again), { units: 2 }));
    expect(built.taps).to.deep.equal(['conv2d_1', 'conv2d_1_1']);
    const cnn = await Cnn.create(built, { device: 'cpu' });
    expect(Object.keys(await cnn.stateDict())).to.have.members([
      'conv2d_1.weight',
      'conv2d_1.bias',
      'linear_1.weight',
      'linear_1.bias',
    ]);
  });

  it('is found in the zoo: small taps its 15 convolutions, each with a batch norm', async () => {
    for (const size of [28, 64]) {
      const zoo = small({ classes: ['a', 'b'], size });
      expect(zoo.taps).to.have.length(15);
      expect(zoo.taps).to.deep.equal(zoo.nodes.filter(({ op }) => op === 'conv2d').map(({ name }) => name));
      for (const tap of zoo.taps) expect(zoo.nodes.find(({ inputs }) => inputs[0] === tap).op).to.equal('batchNorm');
      const cnn = await Cnn.create(zoo, { device: 'cpu' });
      expect(cnn.classes).to.equal(2);
    }
    expect(() => small({ classes: 3, wdith: 8 })).to.throw(/did you mean 'width'/);
  });
});
