/** Files that appear whole or not at all, and errors that name them. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { CumulensError } from './errors.js';

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder, and those above it, unless they are there. @throws CumulensError ERR_IO */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot make the folder: ${(cause as Error).message}`, { cause });
  });
}

/** What a JSON file holds, unchecked. @throws CumulensError ERR_IO, ERR_FORMAT */
export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot read: ${(cause as Error).message}`, { cause });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CumulensError('ERR_FORMAT', `${path}: not JSON`, { cause });
  }
}

/** Some systems read no more than 2 GiB at a time. */
const MAX_READ_BYTES = 2 ** 30;

/** Fills `target` with a file's bytes from `offset` on. @param path names the file in errors @throws CumulensError ERR_IO when it ends before */
export async function readInto(file: FileHandle, target: Uint8Array, offset: number, path: string): Promise<void> {
  for (let done = 0; done < target.length;) {
    const length = Math.min(target.length - done, MAX_READ_BYTES);
    const { bytesRead } = await file.read(target, done, length, offset + done).catch((cause: unknown) => {
      throw new CumulensError('ERR_IO', `${path}: cannot read: ${(cause as Error).message}`, { cause });
    });
    if (bytesRead === 0) throw new CumulensError('ERR_IO', `${path}: ended while it was read`);
    done += bytesRead;
  }
}

/** Zeros in memory of their own, so that numbers in it lie at multiples of their size. @throws CumulensError ERR_OUT_OF_MEMORY */
export function allocate(bytes: number, what: string): Buffer {
  try {
    return Buffer.from(new ArrayBuffer(bytes));
  } catch (cause) {
    throw new CumulensError('ERR_OUT_OF_MEMORY', `${what}: no memory for its ${bytes} bytes`, { cause });
  }
}

/** A name beside `path` that no other process has, on this machine or on one that shares the folder. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}-${randomBytes(4).toString('hex')}.new`;
}

/** Names of files that are being written, here or natively, or were when their process was killed. */
export const TEMPORARY = /\.(tmp-\d+-\d+|\d+-[0-9a-f]{8}\.new)$/;

/**
 * Writes a file to a temporary name beside `path`, syncs it and renames it.
 * @throws CumulensError ERR_IO naming the path and the system's reason.
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await sync(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new CumulensError('ERR_IO', `${path}: cannot write: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Fills a folder under a temporary name and renames it to `path`, which it replaces: a reader sees all of its files or none. Whenever the
 * process is killed, what was at `path` or what comes there is whole, under a temporary name if not its own.
 * @throws CumulensError ERR_IO naming the path and the system's reason, or whatever `fill` throws.
 */
export async function writeFolderAtomic(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const [temporary, replaced] = [temporaryName(path), temporaryName(path)];
  try {
    await mkdir(temporary, { recursive: true });
    await fill(temporary);
    await sync(temporary);
    if (existsSync(path)) await rename(path, replaced);
    await rename(temporary, path).catch(async (cause: unknown) => {
      if (existsSync(replaced)) await rename(replaced, path);
      throw cause;
    });
    await sync(dirname(path));
    await rm(replaced, { recursive: true, force: true });
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true });
    if (cause instanceof CumulensError) throw cause;
    throw new CumulensError('ERR_IO', `${path}: cannot write: ${(cause as Error).message}`, { cause });
  }
}
