/** Tensors whose bytes lie in other files, as large models keep them: in the model's folder, or below, and nowhere else. */
import { open, type FileHandle } from 'node:fs/promises';
import { normalize } from 'node:path';

import { allocate, readInto } from '../../../files.js';
import { cannotOpen, fileBeside } from '../beside.js';
import type { TensorMessage } from './schema.js';
import { declaredBytes } from './tensors.js';

const EXTERNAL = 1;

interface OpenFile {
  path: string;
  handle: FileHandle;
  bytes: number;
  /** What tensors have asked for, and got: tensors may share their bytes. */
  ranges: Map<string, Buffer>;
  claimed: number;
}

interface Place {
  location: string;
  offset: number;
  length: number | undefined;
}

type Refuse = (problem: string) => never;

function wholeNumber(text: string | undefined, key: string, refuse: Refuse): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : refuse(`has ${key} '${text}' for its data, expected a number of bytes`);
}

function placeOf({ externalData }: TensorMessage, refuse: Refuse): Place {
  const entries = new Map(externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (!location) return refuse('has its data in another file, but does not say which');
  return {
    location,
    offset: wholeNumber(entries.get('offset'), 'offset', refuse) ?? 0,
    length: wholeNumber(entries.get('length'), 'length', refuse),
  };
}

class ExternalFiles implements AsyncDisposable {
  readonly #modelPath: string;
  readonly #files = new Map<string, OpenFile>();

  constructor(modelPath: string) {
    this.#modelPath = modelPath;
  }

  async read(tensor: TensorMessage, refuse: Refuse): Promise<Buffer> {
    const { location, offset, length } = placeOf(tensor, refuse);
    const file = await this.#open(location, refuse);
    const bytes = declaredBytes(tensor, refuse);
    if (length !== undefined && length !== bytes) {
      refuse(`has ${length} bytes in '${location}', expected ${bytes} for [${tensor.dims.join(', ')}]`);
    }
    if (offset + bytes > file.bytes) {
      refuse(`lies at ${offset} … ${offset + bytes} in '${location}', which has ${file.bytes} bytes`);
    }
    const range = `${offset} ${bytes}`;
    const shared = file.ranges.get(range);
    if (shared) return shared;
    file.claimed += bytes;
    if (file.claimed > file.bytes) {
      refuse(`shares bytes of '${location}' with others: the tensors in it claim more than its ${file.bytes} bytes`);
    }
    const data = allocate(bytes, file.path);
    await readInto(file.handle, data, offset, file.path);
    file.ranges.set(range, data);
    return data;
  }

  async #open(location: string, refuse: Refuse): Promise<OpenFile> {
    const name = normalize(location);
    const known = this.#files.get(name);
    if (known) return known;
    const { path, real, bytes } = await fileBeside(location, this.#modelPath, (problem) => refuse(`has its data in ${problem}`)); // prettier-ignore
    const handle = await open(real).catch(cannotOpen(path));
    const file: OpenFile = { path, handle, bytes, ranges: new Map(), claimed: 0 };
    this.#files.set(name, file);
    return file;
  }

  get bytes(): number {
    return [...this.#files.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { handle } of this.#files.values()) await handle.close();
  }
}

/**
 * Reads what tensors have in other files; their messages then hold it as raw data. Sizes are compared with the files' before anything is read.
 * @param refuse ends the import, naming the tensor
 * @returns the bytes of those files
 * @throws CumulensError ERR_IO, ERR_FORMAT
 */
export async function loadExternal(
  tensors: readonly TensorMessage[],
  modelPath: string,
  refuse: (tensor: TensorMessage, problem: string) => never,
): Promise<number> {
  await using files = new ExternalFiles(modelPath);
  for (const tensor of tensors) {
    if (tensor.dataLocation === EXTERNAL) tensor.rawData = await files.read(tensor, (problem) => refuse(tensor, problem)); // prettier-ignore
  }
  return files.bytes;
}
