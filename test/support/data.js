// Files and folders for tests of the data readers.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import sharp from 'sharp';

/** Bytes that look random and are the same at every call. */
export function someBytes(length, seed = 1) {
  let state = seed >>> 0;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

/** An IDX file's bytes. */
export function idxBytes(shape, values) {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt8(8, 2);
  header.writeUInt8(shape.length, 3);
  shape.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i));
  return Buffer.concat([header, Buffer.from(values)]);
}

/** An image of one colour, or of raw pixels. */
export function picture(width, height, background = { r: 200, g: 100, b: 50 }) {
  return sharp({ create: { width, height, channels: background.alpha === undefined ? 3 : 4, background } });
}

export const raw = (pixels, width, height, channels = 3) => sharp(pixels, { raw: { width, height, channels } });

export function put(path, bytes) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

/** `classes` × `count` different PNG images in folder/class-i/j.png. */
export async function imageFolder(folder, classes, count, size = 12) {
  for (let label = 0; label < classes; label++) {
    for (let i = 0; i < count; i++) {
      const pixels = someBytes(size * size * 3, 1 + label * 1000 + i);
      put(join(folder, `class-${label}`, `${i}.png`), await raw(pixels, size, size).png().toBuffer());
    }
  }
  return folder;
}

/** SHA-256 of every file of a folder, by name. */
export function hashes(folder) {
  const files = readdirSync(folder).sort();
  return Object.fromEntries(
    files.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  );
}

/** The error a promise ends with. */
export async function failure(promise) {
  return promise.then(
    () => {
      throw new Error('it succeeded, an error was expected');
    },
    (error) => error,
  );
}
