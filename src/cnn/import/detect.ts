/** Which format a model's file is in, by its first bytes, whatever its name. */
import { existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { CumulensError } from '../../errors.js';

export type ModelFormat = 'safetensors' | 'torchscript' | 'onnx' | 'keras' | 'tfjs';

const HEAD_BYTES = 16;
const HDF5 = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
const ZIP = Buffer.from([0x50, 0x4b, 0x03, 0x04]);

export const KNOWN_FORMATS =
  'a CNN or weights in safetensors, TorchScript (.pt), ONNX (.onnx), Keras (.keras, .h5) or tfjs (model.json)';

/** The file that a path means: tfjs writes `file://` addresses, and folders that hold a model.json. */
export async function locateModel(path: string): Promise<string> {
  const file = /^file:\/\//i.test(path) ? addressed(path) : path;
  const info = await stat(file).catch(() => undefined);
  return info?.isDirectory() && existsSync(join(file, 'model.json')) ? join(file, 'model.json') : file;
}

function addressed(address: string): string {
  try {
    return fileURLToPath(address);
  } catch (cause) {
    throw new CumulensError('ERR_IO', `${address}: not the address of a file: ${(cause as Error).message}`, { cause });
  }
}

async function readHead(path: string): Promise<Buffer> {
  const fail = (cause: unknown): never => {
    throw new CumulensError('ERR_IO', `${path}: cannot open: ${(cause as Error).message}`, { cause });
  };
  if ((await stat(path).catch(fail)).isDirectory()) {
    throw new CumulensError('ERR_IO', `${path}: is a folder, expected ${KNOWN_FORMATS}`);
  }
  const file = await open(path).catch(fail);
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** @throws CumulensError ERR_IO, or ERR_FORMAT when the bytes are of no format that is read */
export async function detectFormat(path: string): Promise<ModelFormat> {
  const head = await readHead(path);
  const extension = extname(path).toLowerCase();
  if (head.subarray(0, 8).equals(HDF5)) return 'keras';
  if (head.subarray(0, 4).equals(ZIP)) return extension === '.keras' ? 'keras' : 'torchscript';
  // A protobuf has no magic: its fields may come in any order.
  if (extension === '.onnx') return 'onnx';
  if (head.length >= 9 && head[8] === 0x7b /* { after a length of 8 bytes */) return 'safetensors';
  if (head.toString('latin1').trimStart().startsWith('{')) return 'tfjs';
  throw new CumulensError('ERR_FORMAT', `${path}: not a model that can be read; expected ${KNOWN_FORMATS}`);
}
