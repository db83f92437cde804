/** NumPy's .npy (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): a Python dict as header, then the values. */
import { open } from 'node:fs/promises';

import { CumulensError } from '../errors.js';
import { writeFileAtomic } from '../files.js';
import { native, type Dtype } from '../native.js';
import type { Tensor } from '../tensor.js';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
const ALIGNMENT = 64;

const DTYPES: Record<string, { dtype: Dtype; bytes: number }> = {
  '<f8': { dtype: 'float64', bytes: 8 },
  '<f4': { dtype: 'float32', bytes: 4 },
  '<f2': { dtype: 'float16', bytes: 2 },
  '<i8': { dtype: 'int64', bytes: 8 },
  '<i4': { dtype: 'int32', bytes: 4 },
  '<i2': { dtype: 'int16', bytes: 2 },
  '|i1': { dtype: 'int8', bytes: 1 },
  '|u1': { dtype: 'uint8', bytes: 1 },
  '|b1': { dtype: 'bool', bytes: 1 },
};
/** 16-bit floats come out of a Tensor as float32, so that is what is written. */
const DESCRIPTIONS: Partial<Record<Dtype, string>> = {
  ...Object.fromEntries(Object.entries(DTYPES).map(([description, { dtype }]) => [dtype, description])),
  float16: '<f4',
  bfloat16: '<f4',
};

async function readHeader(path: string): Promise<{ text: string; dataBegin: number }> {
  const file = await open(path).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot open: ${(cause as Error).message}`, { cause });
  });
  try {
    const prefix = Buffer.alloc(12);
    const { bytesRead } = await file.read(prefix, 0, 12, 0);
    if (bytesRead < 12 || !prefix.subarray(0, 6).equals(MAGIC))
      throw new CumulensError('ERR_FORMAT', `${path}: not a .npy file`);
    const version = prefix[6] as number;
    if (version < 1 || version > 3)
      throw new CumulensError('ERR_FORMAT', `${path}: .npy version ${version}, expected 1 to 3`);
    const begin = version === 1 ? 10 : 12;
    const length = version === 1 ? prefix.readUInt16LE(8) : prefix.readUInt32LE(8);
    const text = Buffer.alloc(Math.min(length, 1 << 20));
    if ((await file.read(text, 0, text.length, begin)).bytesRead < length)
      throw new CumulensError('ERR_FORMAT', `${path}: ends within its header`);
    return { text: text.toString('utf8'), dataBegin: begin + length };
  } finally {
    await file.close();
  }
}

/**
 * Maps an array; the Tensor is a view of the file, read when it is used.
 * @throws CumulensError ERR_IO, or ERR_FORMAT for a damaged file, a dtype without a Tensor (strings, objects, unsigned, big-endian) or
 * column-major order.
 */
export async function readNpy(path: string): Promise<Tensor> {
  const { text, dataBegin } = await readHeader(path);
  const description = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (order === undefined || sizes === undefined)
    throw new CumulensError('ERR_FORMAT', `${path}: .npy header without shape or order: ${text.trim()}`);
  const known = DTYPES[description ?? ''];
  if (!known) {
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: dtype ${description ?? 'of several fields'}, expected one of ${Object.keys(DTYPES).join(', ')}`,
    );
  }
  const shape = sizes
    .split(',')
    .map((size) => size.trim())
    .filter(Boolean)
    .map(Number);
  if (order === 'True' && shape.length > 1) {
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: column-major (Fortran) order; save it with numpy.ascontiguousarray`,
    );
  }
  const bytes = shape.reduce((product, n) => product * n, known.bytes);
  const [tensor] = await native.mapTensors(path, [
    { dtype: known.dtype, shape, begin: dataBegin, end: dataBegin + bytes },
  ]);
  return tensor as Tensor;
}

/**
 * Writes a Tensor, row-major, whole or not at all; 16-bit floats as float32.
 * @throws CumulensError ERR_IO naming the path and the reason
 */
export async function writeNpy(path: string, tensor: Tensor): Promise<void> {
  const { shape, dtype } = tensor;
  const tuple = shape.length === 1 ? `(${shape.join('')},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${DESCRIPTIONS[dtype] as string}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // The values begin at a multiple of 64, and the header ends in a newline.
  const unpadded = MAGIC.length + 4 + dict.length + 1;
  const header = Buffer.from(`${dict}${' '.repeat((ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT)}\n`, 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  const values = await tensor.data();
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  await writeFileAtomic(path, Buffer.concat([MAGIC, Buffer.from([1, 0]), length, header, bytes]));
}
