/** The thread that reads one HDF5 file: what a malformed one breaks ends with it. See hdf5.ts. */
import fs, { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

import type { Dataset, Entity, Group } from 'h5wasm/node';

import { halfToFloat } from '../half.js';
import type { Hdf5Attributes, Hdf5Message, Hdf5Request } from './hdf5.js';

const MAX_OBJECTS = 200_000;
const MAX_DEPTH = 64;
/** How far compressed data may grow; as for archives. */
const MAX_RATIO = 200;
/** What is read at once: the library holds it twice. */
const SLAB_BYTES = 32 * 2 ** 20;

const { path, skip } = workerData as Hdf5Request;
const send = (message: Hdf5Message, transfer: ArrayBuffer[] = []): void => parentPort?.postMessage(message, transfer);

/** A file may name others (external links, external storage): in this thread none but itself can be opened, nor written. */
function confine(): void {
  const openFile = fs.openSync;
  fs.openSync = (name, flags, mode) => {
    const readOnly = flags === 'r' || (typeof flags === 'number' && (flags & 3) === fs.constants.O_RDONLY);
    if (resolve(String(name)) === resolve(path) && readOnly) return openFile(name, flags, mode);
    throw Object.assign(new Error(`${String(name)} is another file`), { code: 'ENOENT' });
  };
  // The library tells standard error, past any handler, what the errors it returns say already.
  fs.writeSync = (_file: number, data: unknown, _offset?: unknown, length?: unknown) =>
    typeof length === 'number' ? length : Buffer.byteLength(data as string | NodeJS.ArrayBufferView);
}

const isText = (value: unknown): value is string | string[] =>
  typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'));

function textAttributes(entity: Group | Dataset): Hdf5Attributes {
  const found: Hdf5Attributes = {};
  for (const [name, attribute] of Object.entries(entity.attrs)) {
    const { value } = attribute;
    if (isText(value)) found[name] = value;
  }
  return found;
}

/** What the library gives for numbers of a type, as float32. */
function copyFloats(value: unknown, half: boolean, into: Float32Array): void {
  if (half && ArrayBuffer.isView(value)) {
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    for (let i = 0; i < into.length; i++) into[i] = halfToFloat(view.getUint16(2 * i, true));
  } else if (value instanceof BigInt64Array || value instanceof BigUint64Array) {
    for (let i = 0; i < into.length; i++) into[i] = Number(value[i]);
  } else if (typeof value === 'number' || typeof value === 'bigint') {
    into[0] = Number(value);
  } else {
    into.set(value as ArrayLike<number>);
  }
}

class Reader {
  #objects = 0;
  #bytes = 0;
  readonly #fileBytes = statSync(path).size;

  walk(group: Group, where: string, depth: number): void {
    if (depth > MAX_DEPTH) throw new Error(`'${where}': groups lie more than ${MAX_DEPTH} deep`);
    send({ kind: 'group', path: where, attributes: textAttributes(group) });
    for (const key of group.keys()) {
      const child = where === '' ? key : `${where}/${key}`;
      if (skip.includes(child)) continue;
      if (++this.#objects > MAX_OBJECTS) throw new Error(`has more than ${MAX_OBJECTS} objects`);
      this.#visit(group.get(key), child, depth);
    }
  }

  #visit(entity: Entity | null, where: string, depth: number): void {
    if (entity && 'keys' in entity) this.walk(entity, where, depth + 1);
    else if (entity && 'metadata' in entity && 'slice' in entity) this.#read(entity, where);
    else throw new Error(`'${where}' is neither a group nor numbers of this file`);
  }

  #read(dataset: Dataset, where: string): void {
    const { shape, size, type, littleEndian, virtual_sources: virtual } = dataset.metadata;
    const numeric = type === 0 || type === 1;
    if (!shape || !numeric || !littleEndian || virtual?.length) {
      throw new Error(`'${where}' does not hold little-endian numbers`);
    }
    const count = shape.reduce((product, n) => product * n, 1);
    this.#claim(count * size, dataset.filters.length > 0, where);
    const data = new Float32Array(count);
    const half = type === 1 && size === 2;
    const rows = shape[0] ?? 1;
    const rowLength = rows === 0 ? 0 : count / rows;
    const step = Math.max(1, Math.floor(SLAB_BYTES / Math.max(1, rowLength * size)));
    for (let begin = 0; begin < rows && count > 0; begin += step) {
      const end = Math.min(rows, begin + step);
      const rest: [number, number][] = shape.slice(1).map((length) => [0, length]);
      const value = shape.length === 0 ? dataset.value : dataset.slice([[begin, end], ...rest]);
      copyFloats(value, half, data.subarray(begin * rowLength, end * rowLength));
      send({ kind: 'alive' });
    }
    send({ kind: 'dataset', path: where, shape, data }, [data.buffer]);
  }

  /** Sizes are believed as far as the file could hold them. */
  #claim(bytes: number, packed: boolean, where: string): void {
    this.#bytes += bytes;
    const most = this.#fileBytes * (packed ? MAX_RATIO : 1);
    if (!(this.#bytes <= most)) {
      throw new Error(`'${where}' claims ${bytes} bytes, more than the file's ${this.#fileBytes} can hold`);
    }
  }
}

async function run(): Promise<void> {
  const { File, ready } = await import('h5wasm/node');
  await ready;
  confine();
  const file = new File(path, 'r');
  if (file.file_id <= 0n) throw new Error('it cannot be opened');
  new Reader().walk(file, '', 0);
  send({ kind: 'done' });
}

run().catch((error: unknown) => {
  send({ kind: 'failed', problem: error instanceof Error ? error.message : 'the library gave up on it' });
});
