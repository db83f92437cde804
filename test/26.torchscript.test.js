// TorchScript models: what strangers may write into one, and how it is refused; see also support/torchscript.js, which writes them.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { Cnn, CumulensError, Tensor } from '../dist/index.js';
import { error, rejection } from './support/arrays.js';
import { call, ints, object, Raw, SMALL, smallNet, tagged, tensor, torchscript, tuple } from './support/torchscript.js';

describe('TorchScript models from strangers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-torchscript-'));
  const path = join(folder, 'model.pt');
  after(() => rmSync(folder, { recursive: true }));

  const load = (bytes, options = {}) => {
    writeFileSync(path, bytes);
    return Cnn.load(path, { device: 'cpu', input: 16, ...options });
  };
  const refusal = async (bytes, options) => {
    const caught = await rejection(load(bytes, options));
    if (!(caught instanceof CumulensError)) throw caught;
    return `${caught.code} ${caught.message.replaceAll(path, 'FILE')}`;
  };

  it('one of one convolution, written by hand, is loaded', async () => {
    const cnn = await load(smallNet());
    expect(cnn.describeTaps()).to.deep.equal([{ name: 'weight', op: 'conv2d', shape: [4, 16, 16] }]);
    expect(cnn.classes).to.equal(2);
    cnn.dispose();
  });

  it('nothing runs while one is loaded', async () => {
    const target = join(folder, 'written');
    const write = `torch.from_file("${target}", True, 16, dtype=0)`;
    const literal = 'it would run while the model is loaded';
    const withWrite = (name) => `def ${name}(x: Tensor, y: Tensor=${write}) -> Tensor:\n  return x\n`;
    const withDefault = smallNet('x = __torch__.f(x, )', { functions: withWrite('f') });
    expect(await refusal(withDefault)).to.equal(
      `ERR_FORMAT FILE: 'code/__torch__.py' in the archive has a default argument that is no literal: ${literal}`,
    );
    expect(await refusal(smallNet('', { declarations: `  q : Final[Tensor] = ${write}\n` }))).to.equal(
      `ERR_FORMAT FILE: 'code/__torch__.py' in the archive has a class constant that is no literal: ${literal}`,
    );
    const setState = '  def __setstate__(self: __torch__.Net,\n    state: Tensor) -> NoneType:\n    return None\n';
    expect(await refusal(smallNet('', { declarations: setState }))).to.match(/has '__setstate__', which runs while/);
    expect(await refusal(smallNet('', { declarations: '  q : __torch__.torch.classes.a.B\n' }))).to.match(
      /uses a C\+\+ class/,
    );
    const custom = { q: object('__torch__.torch.classes.quantized.Conv2dPackedParamsBase') };
    expect(await refusal(smallNet('', { attributes: custom }))).to.match(/'data.pkl' in the archive names '__torch__.torch.classes/); // prettier-ignore
    const shell = { q: call('os', 'system', `touch ${target}`) };
    expect(await refusal(smallNet('', { attributes: shell }))).to.match(/names 'os.system', which is no plain data/);
    for (const name of ['set_grad_enabled(False)', '_print("x")', 'manual_seed(1)'])
      expect(await refusal(smallNet(`_0 = torch.${name}`))).to.match(
        /could run without a bound, or do more than compute/,
      );
    const evil = withWrite('f');
    const hidden = (name, more = {}) => refusal(smallNet('x = __torch__.evil.f(x, )', { records: { [name]: evil, ...more } })); // prettier-ignore
    // libtorch finds records whatever their case, and beyond the length that its list cuts them to.
    for (const name of ['code/__torch__/evil.PY', 'CODE/__torch__/evil.py', 'code/__torch__/evil.Py'])
      expect(await hidden(name)).to.equal(`ERR_FORMAT FILE: has code in '${name}', expected 'code/….py'`);
    expect(await hidden('code/__torch__/EVIL.py', { 'code/__torch__/evil.py': 'def f(x: Tensor) -> Tensor:\n  return x\n' })).to.match(/names differ by case alone/); // prettier-ignore
    const long = 'a'.repeat(600);
    expect(await refusal(smallNet(`x = __torch__.${long}.f(x, )`, { records: { [`code/__torch__/${long}.py`]: evil } }))).to.match(/has a record whose name is too long: 'code/); // prettier-ignore
    const harmless = 'def f(x: Tensor) -> Tensor:\n  return x\n';
    expect(
      await refusal(smallNet('x = __torch__.evil.f(x, )', { records: { 'code/__torch__/EVIL.py': harmless } })),
    ).to.match(/uses '__torch__.evil.f', which it does not define/);
    expect(existsSync(target)).to.equal(false);
  });

  it('what the unpickler makes is what was checked', async () => {
    const color = new Raw('c__torch__\nColor\n', 'K\x63', 'R');
    const functions = 'class Color(Enum):\n  RED = 1\n';
    expect(await refusal(smallNet('', { functions }))).to.match(
      /has an Enum, which the CNNs that are read cannot have/,
    );
    const q = (value) => refusal(smallNet('', { attributes: { q: value } }));
    expect(await q(color)).to.match(/calls __torch__.Color, which is no function/);
    expect(await q(new Raw('c__torch__\nNet\n', 'K\x01\x85\x81}b'))).to.match(/makes an object with arguments/);
    expect(await q(new Raw('c__torch__\nNet\n', ')\x81)b'))).to.match(
      /fills an object of __torch__.Net with what is no dictionary/,
    );
    expect(await q(new Raw('K\x01', ')\x81}b'))).to.match(/makes an object of no class/);
    expect(await q(new Raw('K\x01}b'))).to.match(/fills what is no object/);
  });

  it('of one channel is given gray pictures', async () => {
    const weight = tensor(Array.from({ length: 36 }, (_, i) => Math.sin(i)), [4, 1, 3, 3]); // prettier-ignore
    const cnn = await load(smallNet('', { attributes: { weight } }), { input: { channels: 1, height: 16, width: 16 } });
    const bytes = Uint8Array.from({ length: 3 * 256 }, (_, i) => (i * 37) % 256);
    const gray = Float32Array.from({ length: 256 }, (_, i) => (0.299 * bytes[i] + 0.587 * bytes[256 + i] + 0.114 * bytes[512 + i]) / 255); // prettier-ignore
    const [coloured, plain] = [await cnn.predict(Tensor.from(bytes, [1, 3, 16, 16])), await cnn.predict(Tensor.from(gray, [1, 1, 16, 16]))]; // prettier-ignore
    expect(await error(coloured.logits, plain.logits)).to.be.below(1e-6);
    const wrong = await rejection(cnn.predict(Tensor.from(bytes, [1, 3, 8, 32])));
    expect(wrong.message).to.equal('images must be [N, 1 or 3, 16, 16], got [1, 3, 8, 32]');
    cnn.dispose();
  });

  it('operations that do more than compute logits are named', async () => {
    const named = (body) => refusal(smallNet(body));
    const refused = (kind) => new RegExp(`^ERR_FORMAT FILE: the operation ${kind} is not one that a classifier needs`);
    expect(await named('y = torch.from_file("/etc/passwd", False, 16, dtype=0)\nx = torch.add(x, torch.sum(y))')).to.match(refused('aten::from_file')); // prettier-ignore
    expect(await named('torch.save(x, "/tmp/x")')).to.match(refused('aten::save'));
    expect(await named('x = torch.rand_like(x)')).to.match(refused('aten::rand_like'));
    expect(await named('x = torch.as_strided(x, [1], [1], 99)')).to.match(refused('aten::as_strided'));
    const cnn = await load(smallNet('print("a model that talks", x)'));
    cnn.dispose();
  });

  it('one that changes itself is refused: lists, weights and their views, constants', async () => {
    const changes = (name) => `ERR_FORMAT FILE: the model changes its own ${name} while it runs: its maps would not be the same at every call`; // prettier-ignore
    const list = { declarations: '  l : List[int]\n', attributes: { l: ints([1, 2]) } };
    expect(await refusal(smallNet('_0 = torch.append(self.l, 1)', list))).to.equal(changes("'l'"));
    for (const body of [
      '_0 = torch.add_(self.head, 1.)',
      '_0 = torch.mul_(torch.view(self.head, [8]), 2.)',
      '_0 = torch.t_(self.head)',
      '_0 = torch.add_(ops.prim.data(self.head), 1.)',
    ])
      expect(await refusal(smallNet(body)), body).to.equal(changes("'head'"));
    const constant = { constants: [tensor([1], [1])] };
    expect(await refusal(smallNet('x = torch.add(x, torch.add_(CONSTANTS.c0, 1))', constant))).to.equal(
      changes('constant'),
    );
    const filled = smallNet('_0 = torch.append(CONSTANTS.c0, 1)\nx = torch.mul(x, torch.len(CONSTANTS.c0))', {
      constants: [ints([1, 2])],
    });
    const cnn = await load(filled);
    const images = { images: (await import('./support/small-cnn.js')).someImages(1, 16) };
    const [first, second] = [await cnn.predict(images.images), await cnn.predict(images.images)];
    expect([...(await first.logits.data())]).to.deep.equal([...(await second.logits.data())]);
    cnn.dispose();
  });

  it('values of another type than the code takes them for', async () => {
    const lies = (what, type) => `ERR_FORMAT FILE: its ${what} is not the ${type} that its code takes it for`;
    const module = (name, fields) =>
      `class ${name}(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n${fields}`;
    const other = smallNet('x = torch.add(x, self.other.z)', {
      functions: module('A', '  a : Tensor\n  z : Tensor\n') + module('B', ''),
      declarations: '  other : __torch__.A\n',
      attributes: { other: object('__torch__.B', { training: false }) },
    });
    expect(await refusal(other)).to.equal(lies("'other'", '__torch__.A'));
    const unpack = (value) => `a, b, c = ${value}\nx = torch.add(x, torch.add(a, torch.add(b, c)))`;
    const three = 'Tuple[int, int, int]';
    const attribute = { declarations: `  t : ${three}\n`, attributes: { t: tuple(1) } };
    expect(await refusal(smallNet(unpack('self.t'), attribute))).to.equal(lies("'t'", three));
    const constants = [tagged([tuple(1)], `List[${three}]`)];
    expect(await refusal(smallNet(unpack('(CONSTANTS.c0)[0]'), { constants }))).to.equal(
      lies('constant', `List[${three}]`),
    );
    const any = { declarations: '  t : Any\n', attributes: { t: tuple(1) } };
    expect(await refusal(smallNet(unpack(`unchecked_cast(${three}, self.t)`), any))).to.equal(
      `ERR_FORMAT FILE: a value is taken for a ${three}, which cannot be checked`,
    );
  });

  it('tensors that lie outside their storage, or claim more than there is', async () => {
    const lying = (lie) =>
      refusal(smallNet('', { attributes: { head: tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 4], lie) } }));
    expect(await lying({ count: 9 })).to.match(/claims 9 values of 4 bytes in tensor '1', which has 32 bytes/);
    expect(await lying({ count: 2n ** 60n })).to.match(/claims 1152921504606846976 values/);
    expect(await lying({ offset: 1 })).to.match(/has a tensor that ends at value 9 of 8 in its storage/);
    expect(await lying({ offset: -1 })).to.match(/has a tensor outside its storage/);
    expect(await lying({ shape: [2n ** 40n, 2n ** 40n] })).to.match(/has a tensor outside its storage/);
    expect(await lying({ strides: [2n ** 62n, 2n ** 62n] })).to.match(/has a tensor of impossible size/);
    expect(await lying({ shape: [2, 4, 1] })).to.match(/has a tensor that is none/);
    expect(await lying({ key: '../../../etc/passwd' })).to.match(
      /reads tensor '..\/..\/..\/etc\/passwd', which the file has not/,
    );
    expect(await lying({ type: 'QInt8Storage' })).to.match(/names 'torch.QInt8Storage'/);
  });

  it('code too deep for recursion, in every direction', async () => {
    const deep = /nests its (code|definitions) too deep/;
    const times = (text, n) => text.repeat(n);
    expect(await refusal(smallNet(`y = ${times('(', 50_000)}1${times(')', 50_000)}`))).to.match(deep);
    expect(await refusal(smallNet(`y = ${times('[', 50_000)}1${times(']', 50_000)}`))).to.match(deep);
    expect(await refusal(smallNet(`y = ${times('not ', 50_000)}True`))).to.match(deep);
    expect(await refusal(smallNet(`y = 1${times(' + 1', 50_000)}`))).to.match(deep);
    expect(await refusal(smallNet(`y = x${times('.neg()', 50_000)}`))).to.match(deep);
    expect(await refusal(smallNet(`if True:\n  pass\n${times('elif True:\n  pass\n', 9000)}else:\n  pass`))).to.match(
      /has 'elif'/,
    );
    const chain = (n) => Array.from({ length: n }, (_, i) => `def f${i}(x: Tensor) -> Tensor:\n  return ${i > 0 ? `__torch__.f${i - 1}(x, )` : 'x'}\n`).join(''); // prettier-ignore
    expect(await refusal(smallNet('x = __torch__.f9999(x, )', { functions: chain(10_000) }))).to.match(deep);
    const cnn = await load(smallNet('x = __torch__.f49(x, )', { functions: chain(50) }));
    cnn.dispose();
    const tag = {
      declarations: '  l : List[int]\n',
      attributes: { l: tagged([], `${times('List[', 900)}int${times(']', 900)}`) },
    };
    expect(await refusal(smallNet('', tag))).to.match(/without a type that is known/);
    const nested = new Raw(times('(', 5000), 'N', times('t', 5000));
    expect(await refusal(smallNet('', { attributes: { q: nested } }))).to.match(/nests values more than 512 deep/);
  });

  it('what grows while it is loaded: texts, tuples, values that hold one another twice', async () => {
    const grows = /makes texts or tuples that grow beyond bounds/;
    const text = `s = "${'a'.repeat(64)}"\n${'s = torch.add(s, s)\n'.repeat(40)}`;
    expect(await refusal(smallNet(`${text}x = torch.add(x, torch.len(s))`))).to.match(grows);
    expect(await refusal(smallNet(`t = (1, 2)\n${'t = (t, t)\n'.repeat(40)}`))).to.match(grows);
    expect(await refusal(smallNet('n = torch.factorial(4611686018427387904)'))).to.match(/uses 'factorial'/);
    const twice = new Raw('N\x85q\x00', ...Array.from({ length: 40 }, (_, i) => `h${String.fromCharCode(i)}h${String.fromCharCode(i)}\x86q${String.fromCharCode(i + 1)}`)); // prettier-ignore
    expect(await refusal(torchscript({ code: 'class Net(Module):\n  pass\n', root: twice }))).to.match(/holds values of more than 1000000 parts/); // prettier-ignore
  });

  it('what runs for ever, or takes all memory, comes to an end', async () => {
    const end = /^ERR_FORMAT FILE: the model does not come to an end: its loops have run 4000000 operations$/;
    const lists = /^ERR_FORMAT FILE: the model makes lists of more than 16777216 elements$/;
    const ends = (body) => refusal(smallNet(body));
    expect(
      await ends('n = 0\nc = True\nwhile c:\n  n = torch.add(n, 1)\n  c = torch.ge(n, 0)\nx = torch.add(x, n)'),
    ).to.match(end);
    expect(await ends('l = [1]\nfor i in range(1000000000):\n  _0 = torch.append(l, i)\nx = torch.add(x, torch.len(l))')).to.match(end); // prettier-ignore
    expect(await ends('l = [1]\nfor i in range(40):\n  l = torch.add(l, l)\nx = torch.add(x, torch.len(l))')).to.match(
      lists,
    );
    expect(await ends('l = torch.mul([1], 1099511627776)\nx = torch.add(x, torch.len(l))')).to.match(lists);
    expect(await ends('l = torch.unbind(torch.zeros([1099511627776, 0]))\nx = torch.add(x, torch.len(l))')).to.match(
      lists,
    );
    expect(await ends('y = torch.expand(torch.sum(x), [1099511627776])\nx = torch.add(x, torch.sum(y))')).to.match(
      /^ERR_FORMAT FILE: the model makes a tensor of 1099511627776 values, expected at most 8589934592$/,
    );
    expect(await ends('y = torch.zeros([1073741824, 1024])\nx = torch.add(x, torch.sum(y))')).to.match(/^ERR_OUT_OF_MEMORY FILE: /); // prettier-ignore
  });

  it('a load can be aborted, in mid-loop too', async () => {
    const slow = smallNet(
      'for i in range(1000000):\n  x = torch.conv2d(x, torch.ones([4, 4, 3, 3]), None, [1, 1], [1, 1], [1, 1], 1)',
    );
    expect((await rejection(load(smallNet(), { signal: AbortSignal.abort() }))).code).to.equal('ERR_ABORTED');
    expect((await rejection(load(slow, { signal: AbortSignal.timeout(200) }))).code).to.equal('ERR_ABORTED');
  });

  it('outputs: logits alone, the only ones of several, those called logits; others are refused', async () => {
    const net = (returns, type) =>
      torchscript({
        code: `class Net(Module):\n  __parameters__ = []\n  __buffers__ = []\n${SMALL.declarations}  def forward(self: __torch__.Net,
    x: Tensor) -> ${type}:
    f = torch.mean(torch.conv2d(x, self.weight, None, [1, 1], [1, 1], [1, 1], 1), [2, 3])
    y = torch.linear(f, self.head)
    return ${returns}\n`,
        attributes: SMALL.attributes,
      });
    const notes = async (...of) => {
      const cnn = await load(net(...of));
      expect(cnn.classes).to.equal(2);
      cnn.dispose();
      return cnn.notes;
    };
    expect(await notes('y', 'Tensor')).to.deep.equal([]);
    expect(await notes('(y, None)', 'Tuple[Tensor, NoneType]')).to.deep.equal([
      "the model gives several values: '0' is taken for its logits",
    ]);
    expect(await notes('{"features": f, "logits": y}', 'Dict[str, Tensor]')).to.deep.equal([
      "the model gives several values: 'logits' is taken for its logits",
    ]);
    expect(await refusal(net('(f, y)', 'Tuple[Tensor, Tensor]'))).to.equal(
      'ERR_SHAPE FILE: the model gives several values that could be its logits, a Tuple (0: [2, 4], 1: [2, 2]): export one that gives its logits alone',
    );
    expect(await refusal(net('torch.sum(y)', 'Tensor'))).to.equal(
      'ERR_SHAPE FILE: the model must give logits [2, classes] for 2 images, but gives a tensor []',
    );
  });
});
