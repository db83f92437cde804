/** CIFAR-10's binary version (https://www.cs.toronto.edu/~kriz/cifar.html): records of a label byte and 3 × 32 × 32 bytes. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { CumulensError } from '../errors.js';
import { ByteReader } from './byte_reader.js';

export const CIFAR10_CLASSES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];
export const CIFAR10_SIZE = 32;

const PICTURE_BYTES = 3 * CIFAR10_SIZE * CIFAR10_SIZE;
const RECORD_BYTES = 1 + PICTURE_BYTES;
const BATCH = /^(data_batch_[1-5]|test_batch)\.bin$/;
const TAR_BLOCK = 512;

export interface Cifar10Sample {
  /** 'train' or 'test', as the files have it. */
  split: 'train' | 'test';
  /** Batch file and record. */
  id: string;
  label: number;
  /** Planes R, G, B. */
  bytes: Buffer;
}

async function* readBatch(reader: ByteReader, name: string, records: number): AsyncGenerator<Cifar10Sample> {
  for (let i = 0; i < records; i++) {
    const record = await reader.read(RECORD_BYTES, `record ${i} of ${name}`);
    const label = record[0] as number;
    if (label >= CIFAR10_CLASSES.length) {
      throw new CumulensError(
        'ERR_FORMAT',
        `${reader.path}: record ${i} of ${name} has label ${label}, expected 0 to 9`,
      );
    }
    yield { split: name === 'test_batch.bin' ? 'test' : 'train', id: `${name}/${i}`, label, bytes: record.subarray(1) };
  }
}

function recordsOf(path: string, name: string, bytes: number): number {
  if (bytes === 0 || bytes % RECORD_BYTES !== 0) {
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: ${name} has ${bytes} bytes, no multiple of the ${RECORD_BYTES} of a CIFAR-10 record`,
    );
  }
  return bytes / RECORD_BYTES;
}

async function* readFolder(folder: string): AsyncGenerator<Cifar10Sample> {
  const names = ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch'].map(
    (name) => `${name}.bin`,
  );
  const present = names.filter((name) => existsSync(join(folder, name)));
  if (present.length === 0) {
    throw new CumulensError(
      'ERR_FORMAT',
      `${folder}: has none of CIFAR-10's binary batches (data_batch_1.bin … test_batch.bin)`,
    );
  }
  for (const name of present) {
    const path = join(folder, name);
    const records = recordsOf(path, name, (await stat(path)).size);
    const reader = await ByteReader.open(path);
    try {
      yield* readBatch(reader, name, records);
    } finally {
      reader.close();
    }
  }
}

/** The batches in a tar, gzipped or not, in the order they come; other entries are passed over. */
async function* readTar(path: string): AsyncGenerator<Cifar10Sample> {
  const reader = await ByteReader.open(path);
  let found = 0;
  try {
    while (!(await reader.atEnd())) {
      const header = await reader.read(TAR_BLOCK, 'a tar header');
      if (header.every((byte) => byte === 0)) break;
      if (header.toString('latin1', 257, 262) !== 'ustar')
        throw new CumulensError('ERR_FORMAT', `${path}: not a tar archive`);
      const name = basename(header.toString('utf8', 0, 100).replace(/\0.*$/s, ''));
      const size = parseInt(header.toString('latin1', 124, 136), 8);
      if (!Number.isSafeInteger(size))
        throw new CumulensError('ERR_FORMAT', `${path}: the size of ${name} in the tar is damaged`);
      const isFile = header[156] === 0 || header[156] === 0x30;
      if (isFile && BATCH.test(name)) {
        found += 1;
        yield* readBatch(reader, name, recordsOf(path, name, size));
      } else {
        for (let left = size; left > 0; left -= 1 << 16) await reader.read(Math.min(left, 1 << 16), name);
      }
      await reader.read((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK, `the padding of ${name}`);
    }
  } finally {
    reader.close();
  }
  if (found === 0)
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: holds none of CIFAR-10's binary batches (data_batch_1.bin … test_batch.bin)`,
    );
}

/**
 * Every sample of CIFAR-10's binary version.
 * @param path a folder with the batches, or the archive they come in (tar.gz or tar)
 * @throws CumulensError ERR_IO, or ERR_FORMAT naming the batch and record
 */
export async function* readCifar10(path: string): AsyncGenerator<Cifar10Sample> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot open: ${(cause as Error).message}`, { cause });
  });
  if (!found.isDirectory()) yield* readTar(path);
  else if (existsSync(join(path, 'cifar-10-batches-bin'))) yield* readFolder(join(path, 'cifar-10-batches-bin'));
  else yield* readFolder(path);
}
