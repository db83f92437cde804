/** Weights as tfjs keeps them: a manifest of groups, each the bytes of its weights one after another, cut into shards anywhere. */
import { open, type FileHandle } from 'node:fs/promises';

import { z } from 'zod';

import { CumulensError } from '../../../errors.js';
import { allocate, readInto } from '../../../files.js';
import { parseOptions } from '../../../options.js';
import { cannotOpen, fileBeside, type FileBeside } from '../beside.js';
import type { ImportedTensor } from '../contract.js';
import { halfToFloat } from '../half.js';

const size = z.number().int().nonnegative();
const weightSchema = z.object({
  name: z.string(),
  shape: z.array(size),
  dtype: z.string(),
  quantization: z
    .object({
      dtype: z.enum(['uint8', 'uint16', 'float16']),
      scale: z.number().optional(),
      min: z.number().optional(),
    })
    .nullish(),
});
const manifestSchema = z.array(z.object({ paths: z.array(z.string()), weights: z.array(weightSchema) }));
type Weight = z.output<typeof weightSchema>;

const BYTES = { float32: 4, int32: 4, uint16: 2, float16: 2, uint8: 1, bool: 1 } as const;
type Stored = keyof typeof BYTES;

function storedType({ name, dtype, quantization }: Weight, what: string): Stored {
  const stored = quantization?.dtype ?? dtype;
  if (Object.hasOwn(BYTES, stored)) return stored as Stored;
  throw new CumulensError(
    'ERR_FORMAT',
    `${what}: weight '${name}' has dtype ${stored}, expected one of ${Object.keys(BYTES).join(', ')}`,
  );
}

/** Little-endian bytes as float32; whole numbers that stand for others are stretched: q·scale + min. */
function decode(bytes: Buffer, stored: Stored, { quantization }: Weight): Float32Array {
  const count = bytes.length / BYTES[stored];
  if (stored === 'float32') return new Float32Array(bytes.buffer, bytes.byteOffset, count);
  const read = {
    int32: (i: number) => bytes.readInt32LE(4 * i),
    uint16: (i: number) => bytes.readUInt16LE(2 * i),
    float16: (i: number) => halfToFloat(bytes.readUInt16LE(2 * i)),
    uint8: (i: number) => bytes[i] as number,
    bool: (i: number) => bytes[i] as number,
  }[stored];
  const scaled = quantization && stored !== 'float16';
  const [scale, min] = scaled ? [quantization.scale ?? 1, quantization.min ?? 0] : [1, 0];
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = read(i) * scale + min;
  return values;
}

/** Reads a group's bytes in their order, across its shards. */
class ShardReader implements AsyncDisposable {
  readonly #shards: readonly FileBeside[];
  #index = 0;
  #offset = 0;
  #handle: FileHandle | undefined;

  constructor(shards: readonly FileBeside[]) {
    this.#shards = shards;
  }

  async read(bytes: number): Promise<Buffer> {
    const result = allocate(bytes, this.#shards[0]?.path ?? '');
    for (let filled = 0; filled < bytes;) {
      const shard = this.#shards[this.#index] as FileBeside;
      const length = Math.min(bytes - filled, shard.bytes - this.#offset);
      if (length > 0) await this.#fill(shard, result.subarray(filled, filled + length));
      filled += length;
      this.#offset += length;
      if (this.#offset === shard.bytes) await this.#next();
    }
    return result;
  }

  async #fill({ path, real }: FileBeside, target: Buffer): Promise<void> {
    this.#handle ??= await open(real).catch(cannotOpen(path));
    await readInto(this.#handle, target, this.#offset, path);
  }

  async #next(): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#index++;
    this.#offset = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

/**
 * Every weight by its name, as float32.
 * @param manifest `weightsManifest` of a model.json
 * @param modelPath the model.json, beside which the shards lie
 * @throws CumulensError ERR_IO, ERR_FORMAT: sizes are compared with the shards' before anything is read
 */
export async function readWeights(manifest: unknown, modelPath: string): Promise<Map<string, ImportedTensor>> {
  const refuse = (problem: string): never => {
    throw new CumulensError('ERR_FORMAT', `${modelPath}: ${problem}`);
  };
  const groups = parseOptions(manifestSchema, manifest, `${modelPath}: weightsManifest`, 'ERR_FORMAT');
  const found = new Map<string, ImportedTensor>();
  const read = new Set<string>();
  for (const { paths, weights } of groups) {
    const shards: FileBeside[] = [];
    for (const name of paths) {
      const shard = await fileBeside(name, modelPath, (problem) => refuse(`has a shard ${problem}`));
      if (read.has(shard.real)) refuse(`has the shard '${name}' twice`);
      read.add(shard.real);
      shards.push(shard);
    }
    const held = shards.reduce((sum, { bytes }) => sum + bytes, 0);
    const sizes = weights.map((weight) => {
      const count = weight.shape.reduce((product, n) => product * n, 1);
      return count * BYTES[storedType(weight, modelPath)];
    });
    const claimed = sizes.reduce((sum, bytes) => sum + bytes, 0);
    if (claimed !== held) {
      throw new CumulensError(
        'ERR_FORMAT',
        `${modelPath}: weights of ${claimed} bytes in shards of ${held}: ${paths.join(', ')}`,
      );
    }
    await using reader = new ShardReader(shards);
    for (const [i, weight] of weights.entries()) {
      if (found.has(weight.name)) {
        throw new CumulensError('ERR_FORMAT', `${modelPath}: weight '${weight.name}' is there twice`);
      }
      const bytes = await reader.read(sizes[i] as number);
      found.set(weight.name, { shape: weight.shape, data: decode(bytes, storedType(weight, modelPath), weight) });
    }
  }
  return found;
}
