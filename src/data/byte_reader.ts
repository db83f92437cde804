/** Reads a file, gzipped or not, a few bytes at a time: memory does not grow with the file. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { CumulensError } from '../errors.js';

const GZIP_MAGIC = 0x1f8b;

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot open: ${(cause as Error).message}`, { cause });
  });
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.readUInt16BE() === GZIP_MAGIC;
  } catch (cause) {
    throw new CumulensError('ERR_IO', `${path}: cannot read: ${(cause as Error).message}`, { cause });
  } finally {
    await file.close();
  }
}

export class ByteReader {
  readonly path: string;
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(path: string, stream: Readable) {
    this.path = path;
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** @throws CumulensError ERR_IO */
  static async open(path: string): Promise<ByteReader> {
    const gzip = await isGzip(path);
    const file = createReadStream(path, { highWaterMark: 1 << 18 });
    if (!gzip) return new ByteReader(path, file);
    // Errors reach the reader through the last stream, which the pipeline destroys with them.
    const unzipped = createGunzip({ chunkSize: 1 << 18 });
    pipeline(file, unzipped, () => undefined);
    return new ByteReader(path, unzipped);
  }

  /** Exactly `size` bytes; they stay valid. @throws CumulensError ERR_FORMAT when the file ends before, saying `what` was cut off. */
  async read(size: number, what: string): Promise<Buffer> {
    if (!(await this.#fill(size))) {
      throw new CumulensError(
        'ERR_FORMAT',
        `${this.path}: ends within ${what}: ${size} bytes expected, ${this.#rest.length} left`,
      );
    }
    const bytes = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return bytes;
  }

  async atEnd(): Promise<boolean> {
    return !(await this.#fill(1));
  }

  async #fill(size: number): Promise<boolean> {
    const parts = [this.#rest];
    let length = this.#rest.length;
    try {
      while (length < size) {
        const next = await this.#chunks.next();
        if (next.done) break;
        parts.push(next.value);
        length += next.value.length;
      }
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      const format = code?.startsWith('Z_') ?? false;
      throw new CumulensError(
        format ? 'ERR_FORMAT' : 'ERR_IO',
        `${this.path}: ${format ? 'damaged gzip' : 'cannot read'}: ${message}`,
        { cause },
      );
    }
    if (parts.length > 1) this.#rest = Buffer.concat(parts, length);
    return length >= size;
  }

  close(): void {
    this.#stream.destroy();
  }
}
