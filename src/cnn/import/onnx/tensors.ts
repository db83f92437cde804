/** TensorProto: its declared size is compared with its bytes before any number is read. */
import { halfToFloat } from '../half.js';
import { countOf, type Constant, type NumberKind } from './constants.js';
import type { TensorMessage } from './schema.js';

interface DataType {
  name: string;
  /** Of a value in raw_data. */
  bytes: number;
  kind: NumberKind;
  /** The field that holds it where raw_data does not, and how: one after another, or a varint each. */
  field: 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data';
  read: (data: DataView, offset: number) => number;
}

const little = true;
const type = (
  name: string,
  bytes: number,
  kind: NumberKind,
  field: DataType['field'],
  read: DataType['read'],
): DataType => ({ name, bytes, kind, field, read });

const bfloat = new DataView(new ArrayBuffer(4));
/** bfloat16: the upper half of a float32. */
export function bfloatToFloat(bits: number): number {
  bfloat.setUint32(0, bits * 0x10000);
  return bfloat.getFloat32(0);
}

/** By ONNX's number of the type. */
const TYPES: Readonly<Partial<Record<number, DataType>>> = {
  1: type('float', 4, 'float', 'floatData', (data, at) => data.getFloat32(at, little)),
  2: type('uint8', 1, 'int', 'int32Data', (data, at) => data.getUint8(at)),
  3: type('int8', 1, 'int', 'int32Data', (data, at) => data.getInt8(at)),
  4: type('uint16', 2, 'int', 'int32Data', (data, at) => data.getUint16(at, little)),
  5: type('int16', 2, 'int', 'int32Data', (data, at) => data.getInt16(at, little)),
  6: type('int32', 4, 'int', 'int32Data', (data, at) => data.getInt32(at, little)),
  7: type('int64', 8, 'int', 'int64Data', (data, at) => Number(data.getBigInt64(at, little))),
  9: type('bool', 1, 'bool', 'int32Data', (data, at) => data.getUint8(at)),
  10: type('float16', 2, 'float', 'int32Data', (data, at) => halfToFloat(data.getUint16(at, little))),
  11: type('double', 8, 'float', 'doubleData', (data, at) => data.getFloat64(at, little)),
  12: type('uint32', 4, 'int', 'uint64Data', (data, at) => data.getUint32(at, little)),
  13: type('uint64', 8, 'int', 'uint64Data', (data, at) => Number(data.getBigUint64(at, little))),
  16: type('bfloat16', 2, 'float', 'int32Data', (data, at) => bfloatToFloat(data.getUint16(at, little))),
};
const FLOAT = 1;
const FLOAT16 = 10;
const DOUBLE = 11;
const BFLOAT16 = 16;

const OTHER_TYPES: Readonly<Partial<Record<number, string>>> = {
  8: 'string',
  14: 'complex64',
  15: 'complex128',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
};

export const typeName = (dataType: number): string =>
  TYPES[dataType]?.name ?? OTHER_TYPES[dataType] ?? `type ${dataType}`;
export const kindOfType = (dataType: number): NumberKind | undefined => TYPES[dataType]?.kind;

/** Whole numbers are shapes and settings; more than these are quantised weights. */
const MAX_INTEGERS = 2 ** 20;

type Refuse = (problem: string) => never;

function typeOf({ dataType }: TensorMessage, refuse: Refuse): DataType {
  const known = TYPES[dataType];
  if (known) return known;
  const names = Object.values(TYPES).map((found) => found?.name);
  return refuse(`has numbers of ${typeName(dataType)}, expected ${names.join(', ')}`);
}

/**
 * How many bytes a tensor declares, as raw data.
 * @param refuse ends the import, naming the tensor
 */
export function declaredBytes(tensor: TensorMessage, refuse: Refuse): number {
  if (!tensor.dims.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    refuse(`has shape [${tensor.dims.join(', ')}]`);
  }
  return countOf(tensor.dims) * typeOf(tensor, refuse).bytes;
}

const total = (chunks: readonly Uint8Array[]): number => chunks.reduce((sum, { length }) => sum + length, 0);

/** Whole numbers from protobuf's varints: 7 bits a byte, the lowest first; negative ones as 64-bit two's complements. */
function readVarints(chunks: readonly Uint8Array[], count: number, signed: boolean, refuse: Refuse): Float64Array {
  const values = new Float64Array(count);
  let filled = 0;
  for (const chunk of chunks) {
    let value = 0n;
    let shift = 0n;
    for (const byte of chunk) {
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
      if (byte >= 128 && shift < 70n) continue;
      if (filled === count || byte >= 128) refuse(`holds more numbers than its shape's ${count}`);
      values[filled++] = Number(signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value));
      value = shift = 0n;
    }
  }
  if (filled !== count) refuse(`holds ${filled} numbers, expected ${count}`);
  return values;
}

const asView = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** A view of the bytes where they lie at a multiple of four, a copy elsewhere. */
function asFloats(bytes: Uint8Array): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, bytes.length / 4);
}

function readRaw(bytes: Uint8Array, dataType: number, { bytes: width, read }: DataType): Constant['values'] {
  if (dataType === FLOAT) return asFloats(bytes);
  const data = asView(bytes);
  const count = bytes.length / width;
  const values = dataType === FLOAT16 || dataType === BFLOAT16 ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = read(data, i * width);
  return values;
}

/** Where protobuf itself holds the numbers: floats in a row, everything else as varints. */
function readFields(tensor: TensorMessage, { field }: DataType, count: number, refuse: Refuse): Constant['values'] {
  const chunks = tensor[field];
  if (field === 'floatData' || field === 'doubleData') {
    const width = field === 'floatData' ? 4 : 8;
    if (total(chunks) !== width * count) refuse(`holds ${total(chunks) / width} numbers, expected ${count}`);
    const bytes = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
    return readRaw(bytes, field === 'floatData' ? FLOAT : DOUBLE, typeOf(tensor, refuse));
  }
  const values = readVarints(chunks, count, field !== 'uint64Data', refuse);
  if (tensor.dataType === FLOAT16) return Float32Array.from(values, (bits) => halfToFloat(bits & 0xffff));
  if (tensor.dataType === BFLOAT16) return Float32Array.from(values, (bits) => bfloatToFloat(bits & 0xffff));
  return values;
}

/**
 * Whether a tensor has as much data as it declares, without reading it.
 * @param refuse ends the import, naming the tensor
 */
export function checkTensor(tensor: TensorMessage, refuse: Refuse): void {
  const bytes = declaredBytes(tensor, refuse);
  const count = countOf(tensor.dims);
  if (Object.hasOwn(tensor, 'segment')) refuse('is kept in segments, which is not supported');
  const { field, kind, bytes: width } = typeOf(tensor, refuse);
  if (kind !== 'float' && count > MAX_INTEGERS) {
    refuse(`holds ${count} whole numbers, expected at most ${MAX_INTEGERS}: quantised weights are not supported`);
  }
  if (Object.hasOwn(tensor, 'rawData')) {
    if (tensor.rawData.length !== bytes) {
      refuse(`holds ${tensor.rawData.length} bytes, expected ${bytes} for [${tensor.dims.join(', ')}]`);
    }
    return;
  }
  // A varint has one byte at least, and ten at most.
  const held = total(tensor[field]);
  const [least, most] = field === 'floatData' || field === 'doubleData' ? [width, width] : [1, 10];
  if (held < least * count || held > most * count) {
    refuse(`holds ${held} bytes of numbers, expected ${count} numbers for [${tensor.dims.join(', ')}]`);
  }
}

/** The numbers of a tensor that has been checked; float32 as a view of the file's bytes where that is possible. */
export function readTensor(tensor: TensorMessage, refuse: Refuse): Constant {
  const dataType = typeOf(tensor, refuse);
  const values = Object.hasOwn(tensor, 'rawData')
    ? readRaw(tensor.rawData, tensor.dataType, dataType)
    : readFields(tensor, dataType, countOf(tensor.dims), refuse);
  return { dims: tensor.dims, kind: dataType.kind, values };
}
