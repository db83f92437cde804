/** A CNN of a file, whatever its format: its spec and tensors, or a TorchScript archive. */
import { CumulensError } from '../errors.js';
import type { NativeStateDict } from '../native.js';
import { readSafetensors, readTensorSpans } from '../safetensors.js';
import { Tensor } from '../tensor.js';
import type { ImportedTensor } from './import/contract.js';
import { detectFormat } from './import/detect.js';
import { importModel, type ParsedImportOptions } from './import/import.js';
import { placeStateDict } from './import/state_dict.js';
import { ScriptArchive } from './script/archive.js';
import { isScriptSpec, parseScriptSpec, type ScriptSpec } from './script/spec.js';

/** The key of a CNN's file that holds its spec as JSON. */
export const METADATA_KEY = 'cumulens';
/** The tensor of a CNN's file that holds a TorchScript archive's bytes. */
export const SCRIPT_TENSOR = 'torchscript';

/** A TorchScript model. */
export interface ReadScript {
  archive: ScriptArchive;
  spec?: ScriptSpec;
}

export interface ReadCnn {
  spec: unknown;
  tensors: NativeStateDict;
  notes: readonly string[];
  /** What needs the tensors, in errors. */
  network?: string;
}

/**
 * Reads a file by its format. Its tensors, or its archive, are the caller's to dispose of.
 * @throws CumulensError ERR_IO, or ERR_FORMAT or ERR_OPTION naming what the file lacks, or what in it is not supported
 */
export async function readCnn(path: string, options: ParsedImportOptions): Promise<ReadCnn | ReadScript> {
  const format = await detectFormat(path);
  if (format === 'safetensors') return readOwn(path, options);
  refuseArch(options, path, `a model of ${format}`);
  if (format === 'torchscript') return { archive: await ScriptArchive.open(path) };
  return ownTensors(await importModel(path, format, options));
}

/** Puts the file's path before what is wrong with it. */
export async function naming<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CumulensError)) throw error;
    const message = onOneLine(error.message.startsWith(path) ? error.message : `${path}: ${error.message}`);
    throw message === error.message ? error : new CumulensError(error.code, message, { cause: error });
  }
}

/** Names in a stranger's file may hold anything; a message is one line. */
function onOneLine(message: string): string {
  return message.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}

function refuseArch({ arch }: ParsedImportOptions, path: string, what: string): void {
  if (arch === undefined) return;
  throw new CumulensError('ERR_OPTION', `${path}: is ${what}, which says its own network: arch is for weights alone`);
}

/** A CNN's file, or weights without a network. */
async function readOwn(path: string, options: ParsedImportOptions): Promise<ReadCnn | ReadScript> {
  const { tensors, metadata } = await readSafetensors(path);
  if (metadata[METADATA_KEY] === undefined) return placeStateDict(path, tensors, options);
  refuseArch(options, path, 'a CNN of cumulens');
  const spec = parseMetadata(path, metadata[METADATA_KEY]);
  if (!isScriptSpec(spec)) return { spec, tensors, notes: [] };
  const { [SCRIPT_TENSOR]: archive, ...others } = tensors;
  for (const tensor of Object.values(others)) tensor.dispose();
  if (archive?.dtype !== 'uint8' || archive.shape.length !== 1) {
    throw new CumulensError('ERR_FORMAT', `${path}: has no tensor '${SCRIPT_TENSOR}', the archive as uint8 [n]`);
  }
  const { begin, end } = (await readTensorSpans(path))[SCRIPT_TENSOR] as { begin: number; end: number };
  // Before the archive is opened, which would be left open if the spec were wrong.
  const parsed = parseScriptSpec(spec, path);
  return { archive: await ScriptArchive.open(path, { bytes: archive, range: { begin, end } }), spec: parsed };
}

/** Imported values as native tensors. */
function ownTensors({
  spec,
  weights,
  notes,
}: {
  spec: unknown;
  weights: Record<string, ImportedTensor>;
  notes: string[];
}): ReadCnn {
  const tensors = Object.entries(weights).map(([name, { shape, data }]) => [name, Tensor.from(data, shape)]);
  return { spec, tensors: Object.fromEntries(tensors) as NativeStateDict, notes };
}

function parseMetadata(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CumulensError('ERR_FORMAT', `${path}: its metadata '${METADATA_KEY}' is not JSON`, { cause });
  }
}
