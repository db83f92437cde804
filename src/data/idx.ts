/** IDX, the format of MNIST and its relatives (http://yann.lecun.com/exdb/mnist): big-endian sizes and then the values, often gzipped. */
import { CumulensError } from '../errors.js';
import { ByteReader } from './byte_reader.js';

const UNSIGNED_BYTE = 0x08;

export interface IdxFile {
  /** Sizes, outermost first: [N, H, W] for pictures, [N] for labels. */
  shape: number[];
  /** Row-major. */
  data: Buffer;
}

interface OpenIdx {
  shape: number[];
  reader: ByteReader;
}

async function openIdx(path: string): Promise<OpenIdx> {
  const reader = await ByteReader.open(path);
  try {
    const magic = await reader.read(4, 'its header');
    if (magic[0] !== 0 || magic[1] !== 0 || magic[3] === 0) {
      throw new CumulensError(
        'ERR_FORMAT',
        `${path}: not an IDX file: it begins ${magic.toString('hex')}, expected 0000 08 and a number of dimensions`,
      );
    }
    if (magic[2] !== UNSIGNED_BYTE) {
      throw new CumulensError(
        'ERR_FORMAT',
        `${path}: IDX values of type 0x${(magic[2] as number).toString(16)}; only unsigned bytes (0x08) are pictures or labels`,
      );
    }
    const shape: number[] = [];
    for (let i = 0; i < (magic[3] as number); i++) shape.push((await reader.read(4, 'its header')).readUInt32BE());
    return { shape, reader };
  } catch (error) {
    reader.close();
    throw error;
  }
}

async function atEnd({ reader }: OpenIdx): Promise<void> {
  if (!(await reader.atEnd()))
    throw new CumulensError('ERR_FORMAT', `${reader.path}: has more bytes than its header says`);
}

/**
 * A whole IDX file of unsigned bytes, gzipped or not.
 * @throws CumulensError ERR_IO, or ERR_FORMAT for anything else, cut off or with bytes left over
 */
export async function readIdx(path: string): Promise<IdxFile> {
  const file = await openIdx(path);
  try {
    const size = file.shape.reduce((product, n) => product * n, 1);
    const data = await file.reader.read(size, `its ${file.shape.join('×')} values`);
    await atEnd(file);
    return { shape: file.shape, data };
  } finally {
    file.reader.close();
  }
}

/** Pictures and their labels, one at a time, from a pair of IDX files. */
export interface LabelledIdx {
  count: number;
  height: number;
  width: number;
  samples(): AsyncGenerator<{ bytes: Buffer; label: number }>;
}

/** @throws CumulensError ERR_IO, ERR_FORMAT; also when the two files do not belong together */
export async function openLabelledIdx(imagesPath: string, labelsPath: string): Promise<LabelledIdx> {
  const labels = await readIdx(labelsPath);
  const images = await openIdx(imagesPath);
  const [count, height, width] = images.shape as [number, number, number];
  if (images.shape.length !== 3 || labels.shape.length !== 1 || labels.shape[0] !== count) {
    images.reader.close();
    throw new CumulensError(
      'ERR_FORMAT',
      `${imagesPath}: [${images.shape.join(', ')}] and ${labelsPath}: [${labels.shape.join(', ')}] are not N pictures and their N labels`,
    );
  }
  async function* samples(): AsyncGenerator<{ bytes: Buffer; label: number }> {
    try {
      for (let i = 0; i < count; i++) {
        yield { bytes: await images.reader.read(height * width, `picture ${i}`), label: labels.data[i] as number };
      }
      await atEnd(images);
    } finally {
      images.reader.close();
    }
  }
  return { count, height, width, samples };
}
