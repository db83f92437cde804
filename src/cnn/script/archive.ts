/** The archive of a TorchScript model as it lies in a file: it is mapped, since it is as large as the model. */
import { stat } from 'node:fs/promises';

import { CumulensError } from '../../errors.js';
import { native, type NativeTensor } from '../../native.js';
import type { ByteRange } from '../import/zip.js';

/** What tells whether a file's bytes are still those that were mapped. */
async function stateOf(path: string) {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
  return { file: `${dev}:${ino}`, contents: `${size}:${mtimeNs}` };
}

export class ScriptArchive {
  private constructor(
    readonly path: string,
    /** uint8 [n] */
    readonly bytes: NativeTensor,
    /** The archive's place, when it is not the whole file. */
    readonly range: ByteRange | undefined,
    private readonly state: Awaited<ReturnType<typeof stateOf>>,
  ) {}

  /** Maps a `.pt` file, or takes what is mapped of another. */
  static async open(path: string, mapped?: { bytes: NativeTensor; range: ByteRange }): Promise<ScriptArchive> {
    const state = await stateOf(path);
    if (mapped) return new ScriptArchive(path, mapped.bytes, mapped.range, state);
    const { size } = await stat(path);
    const [bytes] = await native.mapTensors(path, [{ dtype: 'uint8', shape: [size], begin: 0, end: size }]);
    return new ScriptArchive(path, bytes as NativeTensor, undefined, state);
  }

  /**
   * The bytes, once more. A file that was replaced or removed is still there for who has it open; one that was written over is not, and to
   * read what was cut off it would end the process.
   * @throws CumulensError ERR_IO when the file was written over since it was opened
   */
  async reread(): Promise<NativeTensor> {
    const now = await stateOf(this.path).catch(() => undefined);
    if (now?.file === this.state.file && now.contents !== this.state.contents) {
      throw new CumulensError('ERR_IO', `${this.path}: has changed since the model was loaded from it: load it again`);
    }
    return this.bytes;
  }

  dispose(): void {
    this.bytes.dispose();
  }
}
