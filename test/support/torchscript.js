// TorchScript archives written by hand, honest ones and others: code as text, attributes as values, and any byte may lie.
import { zip } from './zip.js';

const int32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const int64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
};
const join = (...parts) =>
  Buffer.concat(parts.map((part) => (Buffer.isBuffer(part) ? part : Buffer.from(part, 'latin1'))));

/** Bytes of a pickle as they are. */
export class Raw {
  constructor(...parts) {
    this.bytes = join(...parts);
  }
}

const global = (module, name) => `c${module}\n${name}\n`;
const text = (value) => join('X', int32(Buffer.byteLength(value)), Buffer.from(value));

/** Python's pickle of protocol 2, as far as TorchScript uses it. @returns bytes without head and end */
export function pickle(value) {
  if (value instanceof Raw) return value.bytes;
  if (value === null) return join('N');
  if (value === true) return join('\x88');
  if (value === false) return join('\x89');
  if (typeof value === 'string') return text(value);
  if (typeof value === 'bigint') return join('\x8a\x08', int64(value));
  if (typeof value === 'number') return join('J', int32(value));
  if (Array.isArray(value)) return join(']', '(', ...value.map(pickle), 'e');
  throw new TypeError(`no pickle of ${String(value)}`);
}
export const tuple = (...values) => new Raw('(', ...values.map(pickle), 't');
export const dict = (entries) =>
  new Raw('}', '(', ...Object.entries(entries).flatMap(([key, value]) => [text(key), pickle(value)]), 'u');
export const call = (module, name, ...values) => new Raw(global(module, name), pickle(tuple(...values)), 'R');
export const tagged = (value, type) => call('torch.jit._pickle', 'restore_type_tag', value, type);
export const ints = (values) => call('torch.jit._pickle', 'build_intlist', values);

/** An object of a class of the archive's code. */
export function object(name, attributes = {}) {
  const dot = name.lastIndexOf('.');
  return new Raw(global(name.slice(0, dot), name.slice(dot + 1)), ')\x81', pickle(dict(attributes)), 'b');
}

/** float32 values, and what the pickle says of them; `lie` replaces a part: count, offset, shape, strides, type, key. */
export class Storage {
  constructor(values, shape, lie = {}) {
    Object.assign(this, { values: Float32Array.from(values), shape, lie });
  }

  pickled(key) {
    let step = 1;
    const strides = this.shape.map((_, i) => this.shape.slice(i + 1).reduce((a, b) => a * b, step)).map(Number);
    step = 0;
    const whole = { count: this.values.length, offset: 0, shape: this.shape, strides, type: 'FloatStorage', key };
    const told = { ...whole, ...this.lie };
    const storage = new Raw(
      pickle(tuple('storage', new Raw(global('torch', told.type)), told.key, 'cpu', told.count)),
      'Q',
    );
    const hooks = call('collections', 'OrderedDict');
    return call('torch._utils', '_rebuild_tensor_v2', storage, told.offset, tuple(...told.shape), tuple(...told.strides), false, hooks); // prettier-ignore
  }
}
export const tensor = (values, shape, lie) => new Storage(values, shape, lie);

/**
 * An archive. `code` is the text of code/__torch__.py (or { path: text }); `attributes` those of `__torch__.Net`, or any root;
 * `constants` the table that code calls CONSTANTS.c0 …; `write` makes the archive of its files.
 */
export function torchscript({
  code,
  attributes = {},
  root,
  constants = [],
  records = {},
  deflate = false,
  write = zip,
}) {
  const files = [];
  const add = (name, data) => files.push({ name: `net/${name}`, data, deflate });
  const whole = (folder, build) => {
    let count = 0;
    const resolve = (value) => {
      if (!(value instanceof Storage)) return value;
      const key = String(count++);
      add(`${folder}/${key}`, Buffer.from(value.values.buffer));
      return value.pickled(key);
    };
    return join('\x80\x02', pickle(build(resolve)), '.');
  };
  const resolved = (resolve) => Object.fromEntries(Object.entries(attributes).map(([name, v]) => [name, resolve(v)]));
  const data = whole('data', (resolve) => root ?? object('__torch__.Net', resolved(resolve)));
  const table = whole('constants', (resolve) => tuple(...constants.map(resolve)));
  const contents = {
    'data.pkl': data,
    'constants.pkl': table,
    version: '3\n',
    byteorder: 'little',
    ...Object.fromEntries(
      Object.entries(typeof code === 'string' ? { __torch__: code } : code).map(([path, source]) => [
        `code/${path}.py`,
        source,
      ]),
    ),
    ...records,
  };
  for (const [name, content] of Object.entries(contents)) if (content !== undefined) add(name, content);
  return write(files);
}

const draw = (count) => Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + 1) / 3);
/** What `smallNet` has. */
export const SMALL = {
  attributes: {
    weight: tensor(draw(4 * 3 * 9), [4, 3, 3, 3]),
    head: tensor(draw(2 * 4), [2, 4]),
    training: false,
  },
  declarations: '  weight : Tensor\n  head : Tensor\n  training : bool\n',
};

/** A net of one convolution, [N, 3, H, W] → [N, 2], around `body`, which reads `x`, the convolution's output, and may assign it. */
export function smallNet(
  body = '',
  { declarations = '', attributes = {}, functions = '', softmax = false, ...more } = {},
) {
  const lines = body.split('\n').filter(Boolean).map((line) => `    ${line}\n`).join(''); // prettier-ignore
  const code = `${functions}class Net(Module):
  __parameters__ = ["weight", "head", ]
  __buffers__ = []
${SMALL.declarations}${declarations}  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    weight = self.weight
    x = torch.conv2d(x, weight, None, [1, 1], [1, 1], [1, 1], 1)
${lines}    y = torch.linear(torch.mean(x, [2, 3]), self.head)
    return ${softmax ? 'torch.softmax(y, 1)' : 'y'}
`;
  return torchscript({ code, attributes: { ...SMALL.attributes, ...attributes }, ...more });
}
