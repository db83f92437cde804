/** Zip archives from strangers: nothing in one is believed before it is checked. */
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';

import * as yauzl from 'yauzl';

import { CumulensError } from '../../errors.js';

/** Deflate reaches 1032; weights hardly ever pass 20, and text seldom. Entries below FREE_BYTES may do as they like. */
const MAX_RATIO = 200;
const FREE_BYTES = 4 * 2 ** 20;
const MAX_ENTRIES = 100_000;
/** A text that a model's archive holds: a config, a code listing. */
const MAX_TEXT_BYTES = 64 * 2 ** 20;

/** One file of an archive. */
export interface ZipEntry {
  name: string;
  /** Bytes once inflated, as declared; reading checks it. */
  size: number;
  /** Bytes in the archive. */
  compressedSize: number;
}

/**
 * An open archive. Whatever is read comes with its CRC-32 and its size checked.
 * Every method throws CumulensError ERR_FORMAT naming archive and entry, or ERR_IO.
 */
export class ZipArchive {
  readonly #path: string;
  readonly #file: yauzl.ZipFile;
  readonly #raw: ReadonlyMap<string, yauzl.Entry>;
  /** The files by name, folders left out. */
  readonly entries: ReadonlyMap<string, ZipEntry>;

  /** @internal */
  constructor(path: string, file: yauzl.ZipFile, raw: ReadonlyMap<string, yauzl.Entry>) {
    this.#path = path;
    this.#file = file;
    this.#raw = raw;
    this.entries = new Map(
      [...raw].map(([name, { uncompressedSize: size, compressedSize }]) => [name, { name, size, compressedSize }]),
    );
  }

  /** The whole of a small entry. @param maxBytes refused if it declares more */
  async read(name: string, maxBytes = MAX_TEXT_BYTES): Promise<Buffer> {
    const { uncompressedSize: size } = this.#entry(name);
    if (size > maxBytes) throw this.#wrong(name, `has ${size} bytes, expected at most ${maxBytes}`);
    const chunks: Buffer[] = [];
    for await (const chunk of this.#stream(name)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Writes an entry of any size to a file, a chunk at a time. */
  async extract(name: string, target: string): Promise<void> {
    await pipeline(this.#stream(name), createWriteStream(target)).catch((cause: unknown) => {
      if (cause instanceof CumulensError) throw cause;
      throw new CumulensError('ERR_IO', `${target}: cannot write: ${(cause as Error).message}`, { cause });
    });
  }

  /** Reads every entry through, in the memory of a chunk, to see that all of them are whole. */
  async verify(): Promise<void> {
    for (const name of this.#raw.keys()) {
      const stream = this.#stream(name);
      while (!(await stream.next()).done);
    }
  }

  #entry(name: string): yauzl.Entry {
    const entry = this.#raw.get(name);
    if (!entry) throw new CumulensError('ERR_FORMAT', `${this.#path}: the archive has no '${name}'`);
    return entry;
  }

  #wrong(name: string, problem: string, cause?: unknown): CumulensError {
    return new CumulensError('ERR_FORMAT', `${this.#path}: '${name}' ${problem}`, { cause });
  }

  async *#stream(name: string): AsyncGenerator<Buffer, void> {
    const entry = this.#entry(name);
    let sum = 0;
    try {
      const { fileName } = await this.#file.readLocalFileHeaderPromise(entry);
      // Other readers believe the local header; both must mean the same file.
      if (!fileName.equals(entry.fileNameRaw)) throw this.#wrong(name, 'has another name in its own header');
      const stream: Readable = await this.#file.openReadStreamPromise(entry);
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        sum = crc32(chunk, sum);
        yield chunk;
      }
    } catch (cause) {
      if (cause instanceof CumulensError) throw cause;
      throw this.#wrong(name, `cannot be read: ${(cause as Error).message}`, cause);
    }
    if (sum !== entry.crc32) throw this.#wrong(name, 'is damaged: its CRC-32 does not match');
  }
}

function problemOf(entry: yauzl.Entry): string | undefined {
  const { uncompressedSize: size, compressedSize } = entry;
  if (entry.isEncrypted()) return 'is encrypted';
  if (!entry.canDecodeFileData()) return `is packed by method ${entry.compressionMethod}, expected stored or deflated`;
  if (size > FREE_BYTES && size > MAX_RATIO * compressedSize) {
    return `would grow from ${compressedSize} bytes to ${size}, more than ${MAX_RATIO} times`;
  }
  return undefined;
}

async function listEntries(path: string, file: yauzl.ZipFile, bytes: number): Promise<Map<string, yauzl.Entry>> {
  const refuse = (problem: string) => new CumulensError('ERR_FORMAT', `${path}: ${problem}`);
  if (file.entryCount > MAX_ENTRIES) throw refuse(`claims ${file.entryCount} entries, expected ≤ ${MAX_ENTRIES}`);
  const entries = new Map<string, yauzl.Entry>();
  let stored = 0;
  for await (const entry of file.eachEntry()) {
    const { fileName: name } = entry;
    const problem = entries.has(name) ? 'is there twice' : problemOf(entry);
    if (problem) throw refuse(`'${name}' ${problem}`);
    // Entries that share their bytes are how small archives grow without end.
    stored += entry.compressedSize;
    if (stored > bytes) throw refuse(`its entries claim ${stored} bytes of ${bytes}: some of them overlap`);
    if (!name.endsWith('/')) entries.set(name, entry);
  }
  return entries;
}

/** Some of a file's bytes, `begin` … `end` − 1. */
export interface ByteRange {
  begin: number;
  end: number;
}

/** An archive within a file. */
class RangeReader extends yauzl.RandomAccessReader {
  constructor(
    private readonly path: string,
    private readonly begin: number,
  ) {
    super();
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return createReadStream(this.path, { start: this.begin + start, end: this.begin + end - 1 });
  }
}

const OPTIONS = { autoClose: false, strictFileNames: true };

async function openArchive(path: string, range?: ByteRange): Promise<{ file: yauzl.ZipFile; archive: ZipArchive }> {
  const { size: fileSize } = await stat(path).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot open: ${(cause as Error).message}`, { cause });
  });
  let file: yauzl.ZipFile | undefined;
  try {
    const size = range ? range.end - range.begin : fileSize;
    file = range
      ? await yauzl.fromRandomAccessReaderPromise(new RangeReader(path, range.begin), size, OPTIONS)
      : await yauzl.openPromise(path, OPTIONS);
    return { file, archive: new ZipArchive(path, file, await listEntries(path, file, size)) };
  } catch (cause) {
    file?.close();
    if (cause instanceof CumulensError) throw cause;
    throw new CumulensError('ERR_FORMAT', `${path}: not a whole and safe zip archive: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/**
 * Opens an archive, checks its directory, and closes it when `use` is done. Refused are names that leave the archive's
 * folder, encrypted, overlapping or doubled entries, and sizes out of all proportion.
 * @param range the archive's place, when it is not the whole file
 * @throws CumulensError ERR_IO, ERR_FORMAT naming the archive and the entry, or whatever `use` throws
 */
export async function withZip<T>(path: string, use: (zip: ZipArchive) => Promise<T>, range?: ByteRange): Promise<T> {
  const { file, archive } = await openArchive(path, range);
  try {
    return await use(archive);
  } finally {
    file.close();
  }
}
