/** The safetensors format (https://github.com/huggingface/safetensors): the header here, the bytes by mmap and atomic write in C++. */
import { open } from 'node:fs/promises';

import { z } from 'zod';

import { CumulensError } from './errors.js';
import { native, type Dtype, type TensorSpan } from './native.js';
import type { Tensor } from './tensor.js';

const DTYPES: Record<string, { dtype: Dtype; bytes: number }> = {
  F64: { dtype: 'float64', bytes: 8 },
  F32: { dtype: 'float32', bytes: 4 },
  F16: { dtype: 'float16', bytes: 2 },
  BF16: { dtype: 'bfloat16', bytes: 2 },
  I64: { dtype: 'int64', bytes: 8 },
  I32: { dtype: 'int32', bytes: 4 },
  I16: { dtype: 'int16', bytes: 2 },
  I8: { dtype: 'int8', bytes: 1 },
  U8: { dtype: 'uint8', bytes: 1 },
  BOOL: { dtype: 'bool', bytes: 1 },
};
const TAGS = new Map(Object.entries(DTYPES).map(([tag, { dtype, bytes }]) => [dtype, { tag, bytes }]));

/** The format's own limit: a header of more is refused, whatever the file claims. */
const MAX_HEADER_BYTES = 100_000_000;

const size = z.number().int().nonnegative();
const headerSchema = z.record(
  z.string(),
  z.union([
    z.object({ dtype: z.string(), shape: z.array(size), data_offsets: z.tuple([size, size]) }),
    z.record(z.string(), z.string()),
  ]),
);

export interface SafetensorsFile {
  tensors: Record<string, Tensor>;
  metadata: Record<string, string>;
}

interface Header {
  names: string[];
  spans: TensorSpan[];
  metadata: Record<string, string>;
}

async function readHeaderText(path: string): Promise<{ text: string; dataBegin: number }> {
  const file = await open(path).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot open: ${(cause as Error).message}`, { cause });
  });
  try {
    const { size: fileSize } = await file.stat();
    const prefix = Buffer.alloc(8);
    if (fileSize < 8 || (await file.read(prefix, 0, 8, 0)).bytesRead < 8) {
      throw new CumulensError('ERR_FORMAT', `${path}: not a safetensors file: shorter than its 8-byte length field`);
    }
    const length = prefix.readBigUInt64LE();
    if (length > BigInt(Math.min(MAX_HEADER_BYTES, fileSize - 8))) {
      throw new CumulensError(
        'ERR_FORMAT',
        `${path}: not a safetensors file: its header claims ${length} bytes of ${fileSize}`,
      );
    }
    const text = Buffer.alloc(Number(length));
    await file.read(text, 0, text.length, 8);
    return { text: text.toString('utf8'), dataBegin: 8 + text.length };
  } finally {
    await file.close();
  }
}

function parseHeader(path: string, text: string, dataBegin: number): Header {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CumulensError('ERR_FORMAT', `${path}: not a safetensors file: its header is not JSON`, { cause });
  }
  const parsed = headerSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: safetensors header: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    );
  }
  const header: Header = { names: [], spans: [], metadata: {} };
  for (const [name, entry] of Object.entries(parsed.data)) {
    if (name === '__metadata__') {
      header.metadata = entry as Record<string, string>;
      continue;
    }
    if (!Array.isArray(entry.data_offsets)) {
      throw new CumulensError('ERR_FORMAT', `${path}: tensor '${name}' has no data_offsets`);
    }
    const {
      dtype: tag,
      shape,
      data_offsets,
    } = entry as { dtype: string; shape: number[]; data_offsets: [number, number] };
    const known = DTYPES[tag];
    if (!known) {
      const tags = Object.keys(DTYPES).join(', ');
      throw new CumulensError('ERR_FORMAT', `${path}: tensor '${name}' has dtype ${tag}, expected one of ${tags}`);
    }
    header.names.push(name);
    header.spans.push({
      dtype: known.dtype,
      shape,
      begin: dataBegin + data_offsets[0],
      end: dataBegin + data_offsets[1],
    });
  }
  return header;
}

/** Where each tensor's bytes lie. @throws as readSafetensors */
export async function readTensorSpans(path: string): Promise<Record<string, TensorSpan>> {
  const { text, dataBegin } = await readHeaderText(path);
  const { names, spans } = parseHeader(path, text, dataBegin);
  return Object.fromEntries(names.map((name, i) => [name, spans[i] as TensorSpan]));
}

/**
 * Maps a safetensors file; the tensors are views of the file, read when they are used.
 * @throws CumulensError ERR_IO when it cannot be read, ERR_FORMAT when it is not one or was truncated.
 */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  const { text, dataBegin } = await readHeaderText(path);
  const { names, spans, metadata } = parseHeader(path, text, dataBegin);
  const tensors = await native.mapTensors(path, spans);
  return { tensors: Object.fromEntries(names.map((name, i) => [name, tensors[i] as Tensor])), metadata };
}

/**
 * Writes tensors as one safetensors file, whole or not at all. The same tensors and metadata give the same bytes.
 * @throws CumulensError ERR_IO naming the path and the reason.
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  // Widest dtype first keeps every tensor aligned, as the format asks; names break ties.
  const entries = Object.entries(tensors)
    .map(([name, tensor]) => ({ name, tensor, shape: tensor.shape, ...tagOf(path, name, tensor) }))
    .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let offset = 0;
  for (const { name, tag, bytes, shape } of entries) {
    const end = offset + shape.reduce((product, n) => product * n, bytes);
    header[name] = { dtype: tag, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = JSON.stringify(header);
  const text = json + ' '.repeat((8 - (Buffer.byteLength(json) % 8)) % 8);
  await native.writeTensors(
    path,
    text,
    entries.map(({ tensor }) => tensor),
  );
}

function tagOf(path: string, name: string, tensor: Tensor): { tag: string; bytes: number } {
  const known = TAGS.get(tensor.dtype);
  if (!known)
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: tensor '${name}' has dtype ${tensor.dtype}, which safetensors has not`,
    );
  return known;
}
