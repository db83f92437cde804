/** What tells two models apart. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

import { CumulensError } from './errors.js';
import type { Tensor } from './tensor.js';

/** SHA-256, hexadecimal, over a model's description and the values of its tensors, in the order of their names. */
export async function fingerprintTensors(
  description: unknown,
  tensors: Readonly<Record<string, Tensor>>,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(description));
  for (const name of Object.keys(tensors).sort()) {
    const values = await tensors[name]?.data();
    if (values) hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

/** SHA-256, hexadecimal, of a file's bytes. @throws CumulensError ERR_IO */
export async function fingerprintFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot read: ${(cause as Error).message}`, { cause });
  });
  return hash.digest('hex');
}
