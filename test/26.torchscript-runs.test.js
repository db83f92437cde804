// What a TorchScript model may do on its way to the logits, against the same network as a spec; and what it leaves behind.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import { Cnn, CnnBuilder, CumulensError, memory, readSafetensors } from '../dist/index.js';
import { error, f32, rejection, uniform } from './support/arrays.js';
import { collectGarbage } from './support/garbage.js';
import { disposeAll } from './support/small-cnn.js';
import { SMALL, smallNet, tensor } from './support/torchscript.js';

const SIDE = 8;
const images = f32(uniform(1, 3 * 3 * SIDE * SIDE, 0, 1), [3, 3, SIDE, SIDE]);
const mix = tensor(uniform(2, 4 * 4 * 9, -0.4, 0.4), [4, 4, 3, 3]);
const depthwise = tensor(uniform(3, 4 * 9, -0.6, 0.6), [4, 1, 3, 3]);
const more = {
  declarations: '  mix : Tensor\n  dw : Tensor\n',
  attributes: { mix, dw: depthwise },
};
const convolve = (weight, groups = 1) => `torch.conv2d(x, ${weight}, None, [1, 1], [1, 1], [1, 1], ${groups})`;
const asTensor = ({ values, shape }) => f32(values, shape);

describe('TorchScript models as they run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-script-runs-'));
  const path = join(folder, 'model.pt');
  after(() => rmSync(folder, { recursive: true }));

  const load = (bytes, options = {}) => {
    writeFileSync(path, bytes);
    return Cnn.load(path, { device: 'cpu', input: SIDE, ...options });
  };

  /** `build(net, x)` goes on from the first convolution; its names are those of the script's parameters. */
  async function spec(build, taps) {
    const net = new CnnBuilder({ channels: 3, height: SIDE, width: SIDE });
    const conv = { filters: 4, kernel: 3, padding: 'same', bias: false };
    const x = build(net, net.add('conv2d', net.input, conv, 'weight'), conv);
    const head = net.add('linear', net.add('globalAvgPool2d', x), { units: 2, bias: false }, 'head');
    const cnn = await Cnn.create(net.build(head, { taps }), { device: 'cpu' });
    const own = Object.keys(await cnn.stateDict());
    const all = { 'weight.weight': SMALL.attributes.weight, 'mix.weight': mix, 'dw.weight': depthwise, 'head.weight': SMALL.attributes.head }; // prettier-ignore
    await cnn.loadStateDict(Object.fromEntries(own.map((name) => [name, asTensor(all[name])])));
    return cnn;
  }

  async function expectSame(script, wanted, options = {}) {
    const names = { conditions: 0, excludeTarget: false, normalise: false, ...options };
    const [a, b] = [await script.explain(images, names), await wanted.explain(images, names)];
    expect(await error(a.logits, b.logits)).to.be.below(1e-5);
    expect(a.maps.shape).to.deep.equal(b.maps.shape);
    expect(await error(a.maps, b.maps)).to.be.below(1e-4);
    const values = await b.maps.data();
    expect(values.some((value) => value !== 0)).to.equal(true);
    script.dispose();
    wanted.dispose();
  }

  const cases = {
    'an activation in place': [`x = torch.relu_(x)`, ['weight'], (net, x) => net.add('relu', x)],
    'sums and activations in place': [
      `y = torch.relu_(x)\nx = torch.add_(${convolve('self.mix')}, y)\nx = torch.relu_(x)`,
      ['weight', 'mix'],
      (net, x, conv) => {
        const y = net.add('relu', x);
        return net.add('relu', net.add('add', [net.add('conv2d', y, conv, 'mix'), y]));
      },
    ],
    'depthwise and grouped': [
      `x = ${convolve('self.dw', 4)}`,
      ['weight', 'dw'],
      (net, x, conv) => net.add('conv2d', x, { ...conv, groups: 4 }, 'dw'),
    ],
    'a weight that is used twice': [
      `x = torch.relu(${convolve('self.mix')})\nx = ${convolve('self.mix')}`,
      ['weight', 'mix', 'mix#2'],
      (net, x, conv) => net.reuse('mix', net.add('relu', net.add('conv2d', x, conv, 'mix')), 'mix#2'),
    ],
    'a loop': [
      `for i in range(2):\n  x = ${convolve('self.mix')}`,
      ['weight', 'mix', 'mix#2'],
      (net, x, conv) => net.reuse('mix', net.add('conv2d', x, conv, 'mix'), 'mix#2'),
    ],
    'a branch by what the picture is': [
      `if torch.eq(torch.size(x, 1), 4):\n  x = torch.relu(x)\nelse:\n  x = torch.neg(x)`,
      ['weight'],
      (net, x) => net.add('relu', x),
    ],
    'a branch of training, which is never taken': [
      `if self.training:\n  x = torch.rand_like(x)\nelse:\n  x = torch.relu(x)`,
      ['weight'],
      (net, x) => net.add('relu', x),
      { training: true },
    ],
    'a move to the device that it was saved on': [
      `x = torch.cuda(torch.to(x, torch.device("cuda:0"), 6))`,
      ['weight'],
      (net, x) => x,
    ],
    'a cast to half precision and back': [`x = torch.to(torch.to(x, 5), 6)`, ['weight'], (net, x) => x],
  };
  for (const [name, [body, taps, build, attributes = {}]] of Object.entries(cases)) {
    it(`${name}: the same logits and maps`, async () => {
      const net = smallNet(body, { ...more, attributes: { ...more.attributes, ...attributes } });
      const script = await load(net);
      expect(script.taps).to.deep.equal(taps);
      await expectSame(script, await spec(build, taps));
    });
  }

  it('in double precision, as the single one, and nearer', async () => {
    const body = `x = torch.add(x, torch.matmul(x, torch.zeros([8, 8])))\nx = torch.relu_(${convolve('self.mix')})`;
    const single = await load(smallNet(body, more));
    const double = await load(smallNet(body, more), { dtype: 'float64' });
    const options = { conditions: 0, excludeTarget: false };
    const [a, b] = [await single.explain(images, options), await double.explain(images, options)];
    expect([a.logits.dtype, b.logits.dtype]).to.deep.equal(['float32', 'float64']);
    expect(await error(a.maps, b.maps)).to.be.within(1e-9, 1e-4);
    for (const cnn of [single, double]) cnn.dispose();
  });

  it('activations that convolutions own may be tapped, by the convolution’s name', async () => {
    const body = `x = torch.relu_(x)\nx = torch.relu_(${convolve('self.mix')})`;
    const script = await load(smallNet(body, more), { tapAt: 'activation' });
    expect(script.describeTaps()).to.deep.equal([
      { name: 'weight.relu', op: 'relu', shape: [4, SIDE, SIDE] },
      { name: 'mix.relu', op: 'relu', shape: [4, SIDE, SIDE] },
    ]);
    const build = (net, x, conv) =>
      net.add('relu', net.add('conv2d', net.add('relu', x, {}, 'first'), conv, 'mix'), {}, 'second');
    await expectSame(script, await spec(build, ['first', 'second']));
  });

  it('a softmax at the end is left out: logits are explained', async () => {
    const [plain, soft] = [await load(smallNet()), await load(smallNet('', { softmax: true }))];
    expect(soft.notes).to.deep.equal(['the last softmax is left out: what is explained are the logits before it']);
    await expectSame(soft, plain);
  });

  it('one whose way depends on its pictures is explained as it was found, or refused in words', async () => {
    const body = `if torch.gt(torch.max(x), 1000.):\n  x = ${convolve('self.mix')}\nelse:\n  pass`;
    const script = await load(smallNet(body, more));
    expect(script.taps).to.deep.equal(['weight']);
    disposeAll(await script.explain(images, { conditions: 0 }));
    const bright = f32(new Float32Array(3 * SIDE * SIDE).fill(1e5), [1, 3, SIDE, SIDE]);
    const refused = await rejection(script.explain(bright, { conditions: 0 }));
    expect([refused.code, refused.message]).to.deep.equal([
      'ERR_SHAPE',
      'the model takes another way for these images than at its loading: it has other convolutions to explain',
    ]);
    script.dispose();
  });

  it('one that no gradient goes through is refused when it is loaded', async () => {
    const body = `y = torch.relu(x)\nx = torch.add(torch.add_(y, 1.), ${convolve('self.mix')})`;
    const refused = await rejection(load(smallNet(body, more)));
    expect(refused.code).to.equal('ERR_FORMAT');
    expect(refused.message).to.match(
      /^\S+model\.pt: cannot be differentiated: one of the variables needed for gradient computation has been modified/,
    );
  });

  it('the same bits at the first and the hundredth call, whatever came between, and nothing is left behind', async () => {
    const body = `for i in range(3):\n  x = torch.relu_(${convolve('self.mix')})`;
    const script = await load(smallNet(body, more));
    const explain = () => script.explain(images, { conditions: 2 });
    const first = await explain();
    await collectGarbage();
    const before = memory().tensors;
    for (let call = 2; call < 100; call++) {
      const count = 1 + (call % 3);
      const others = f32(uniform(call, count * 3 * SIDE * SIDE, 0, 1), [count, 3, SIDE, SIDE]);
      disposeAll(await script.explain(others, { conditions: 2 }));
      others.dispose();
    }
    const hundredth = await explain();
    for (const field of ['logits', 'maps', 'cumulative', 'targetMap'])
      expect([...(await hundredth[field].data())], field).to.deep.equal([...(await first[field].data())]);
    disposeAll(hundredth);
    await collectGarbage();
    expect(memory().tensors).to.equal(before);
    script.dispose();
  });

  it('is written as it was read, by way of our file and back', async () => {
    const bytes = smallNet(`x = torch.relu_(${convolve('self.mix')})`, more);
    const script = await load(bytes, { preprocessing: 'torch', classes: ['cat', 'dog'] });
    const file = join(folder, 'cnn.safetensors');
    await script.save(file);
    const { tensors } = await readSafetensors(file);
    expect(Buffer.from(await tensors.torchscript.data()).equals(bytes)).to.equal(true);
    const again = await Cnn.load(file, { device: 'cpu' });
    expect(again.spec).to.deep.equal(script.spec);
    expect(again.spec.classes).to.deep.equal(['cat', 'dog']);
    const second = join(folder, 'again.safetensors');
    await again.save(second);
    expect(Buffer.from(await (await readSafetensors(second)).tensors.torchscript.data()).equals(bytes)).to.equal(true);
    await expectSame(again, script);
  });

  it('a file that is removed is still there; one that is written over is refused, and ends no process', async () => {
    const script = await load(smallNet());
    const file = join(folder, 'kept.safetensors');
    unlinkSync(path);
    await script.save(file);
    expect((await Cnn.load(file, { device: 'cpu' })).taps).to.deep.equal(['weight']);
    script.dispose();
    const cut = await load(smallNet());
    truncateSync(path, 10);
    const refused = await rejection(cut.save(file));
    expect(refused.code).to.equal('ERR_IO');
    expect(refused.message).to.equal(`${path}: has changed since the model was loaded from it: load it again`);
    cut.dispose();
  });

  for (const which of ['pickles', 'code']) {
    it(`changed bytes of its ${which}, every checksum right, crash nothing`, function () {
      this.timeout(200_000);
      fc.assert(
        fc.property(fc.nat(1e9), (seed) => {
          const child = ['test/support/torchscript-child.js', String(seed), '150', which];
          const { status, signal, stdout, stderr } = spawnSync(process.execPath, child, { encoding: 'utf8' });
          expect({ status, signal }, stderr).to.deep.equal({ status: 0, signal: null });
          const { loaded, refused, megabytes } = JSON.parse(stdout);
          expect(loaded + refused).to.equal(150);
          expect(refused).to.be.above(75);
          expect(megabytes).to.be.below(1024);
        }),
        { numRuns: 2 },
      );
    });
  }

  it('a file that is cut or has a changed byte is refused', async () => {
    const whole = smallNet(`x = ${convolve('self.mix')}`, more);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        const caught = await rejection(load(whole.subarray(0, length)));
        expect(caught).to.be.instanceOf(CumulensError);
        expect(caught.message).to.match(/^\S+model\.pt: /);
      }),
      { numRuns: 60 },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(whole);
        changed[at] ^= change;
        try {
          (await load(changed)).dispose();
        } catch (caught) {
          if (!(caught instanceof CumulensError) || caught.code === 'ERR_INTERNAL') throw caught;
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('Files that are no model', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-no-model-'));
  after(() => rmSync(folder, { recursive: true }));
  const at = (name) => join(folder, name);
  const refusal = async (name) => {
    const caught = await rejection(Cnn.load(at(name), { device: 'cpu', input: 8 }));
    if (!(caught instanceof CumulensError)) throw caught;
    return `${caught.code} ${caught.message.replaceAll(at(name), 'FILE')}`;
  };

  it('are named: absent, empty, a folder, links in a circle, what cannot be read as a file', async () => {
    expect(await refusal('absent.pt')).to.match(/^ERR_IO FILE: cannot open: ENOENT/);
    writeFileSync(at('empty.pt'), '');
    expect(await refusal('empty.pt')).to.match(/^ERR_FORMAT FILE: not a model that can be read/);
    expect(await refusal('.')).to.match(/^ERR_IO .*: is a folder, expected/);
    symlinkSync('b.pt', at('a.pt'));
    symlinkSync('a.pt', at('b.pt'));
    expect(await refusal('a.pt')).to.match(/^ERR_IO FILE: cannot open: ELOOP/);
    symlinkSync('nowhere.pt', at('dangling.pt'));
    expect(await refusal('dangling.pt')).to.match(/^ERR_IO FILE: cannot open: ENOENT/);
  });

  for (const suffix of ['pt', 'safetensors', 'onnx', 'keras', 'h5', 'json']) {
    it(`random bytes in a .${suffix}, with and without a format's first bytes`, async () => {
      const name = `random.${suffix}`;
      const heads = [
        '',
        'PK\x03\x04',
        '\x89HDF\r\n\x1a\n',
        '\x10\0\0\0\0\0\0\0{',
        '{"format":"layers-model",',
        '\x08\x07',
      ];
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 300 }), async (head, bytes) => {
          writeFileSync(at(name), Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
          expect(await refusal(name)).to.match(/^ERR_(FORMAT|IO) FILE: /);
        }),
        { numRuns: 60 },
      );
    });
  }

  it('a CNN’s file with changed bytes in its header is refused, or as good', async () => {
    const net = new CnnBuilder({ channels: 3, height: 8, width: 8 });
    const pooled = net.add('globalAvgPool2d', net.add('conv2d', net.input, { filters: 2, kernel: 3 }));
    const cnn = await Cnn.create(net.build(net.add('linear', pooled, { units: 2 })), { device: 'cpu' });
    await cnn.save(at('whole.safetensors'));
    cnn.dispose();
    const whole = readFileSync(at('whole.safetensors'));
    const header = 8 + Number(whole.readBigUInt64LE());
    await fc.assert(
      fc.asyncProperty(fc.nat(header - 1), fc.nat(255), fc.boolean(), async (place, value, cut) => {
        const changed = Buffer.from(whole);
        changed[place] = value;
        writeFileSync(at('changed.safetensors'), cut ? changed.subarray(0, place) : changed);
        try {
          (await Cnn.load(at('changed.safetensors'), { device: 'cpu' })).dispose();
        } catch (caught) {
          if (!(caught instanceof CumulensError) || caught.code === 'ERR_INTERNAL') throw caught;
          expect(caught.message).to.match(/^\S+changed\.safetensors(: |\.\w)/);
        }
      }),
      { numRuns: 200 },
    );
    copyFileSync(at('whole.safetensors'), at('changed.safetensors'));
    (await Cnn.load(at('changed.safetensors'), { device: 'cpu' })).dispose();
  });
});
