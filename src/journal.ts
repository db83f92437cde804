/** Lines of JSON that grow as long work goes on. */
import { open, readFile, truncate, type FileHandle } from 'node:fs/promises';

import { CumulensError } from './errors.js';

export class Journal<Row> {
  readonly path: string;
  /** What it held when it was opened. */
  readonly rows: readonly Row[];
  readonly #file: FileHandle;

  private constructor(path: string, rows: readonly Row[], file: FileHandle) {
    this.path = path;
    this.rows = rows;
    this.#file = file;
  }

  /**
   * Opens the file, or makes it. What a killed process left of a last line is dropped.
   * @throws CumulensError ERR_IO, or ERR_FORMAT naming the line that is not JSON
   */
  static async open<Row>(path: string): Promise<Journal<Row>> {
    const bytes = await readFile(path).catch((cause: unknown) => {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT') return Buffer.alloc(0);
      throw new CumulensError('ERR_IO', `${path}: cannot read: ${message}`, { cause });
    });
    const whole = bytes.lastIndexOf('\n') + 1;
    const rows = bytes
      .subarray(0, whole)
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line, i) => {
        try {
          return JSON.parse(line) as Row;
        } catch (cause) {
          throw new CumulensError('ERR_FORMAT', `${path}: line ${i + 1} is not JSON`, { cause });
        }
      });
    try {
      if (whole < bytes.length) await truncate(path, whole);
      return new Journal(path, rows, await open(path, 'a'));
    } catch (cause) {
      throw new CumulensError('ERR_IO', `${path}: cannot write: ${(cause as Error).message}`, { cause });
    }
  }

  /** Adds rows; they are on the disk when it is done. @throws CumulensError ERR_IO */
  async append(rows: readonly Row[]): Promise<void> {
    try {
      await this.#file.appendFile(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      await this.#file.datasync();
    } catch (cause) {
      throw new CumulensError('ERR_IO', `${this.path}: cannot write: ${(cause as Error).message}`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
