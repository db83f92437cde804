/** TorchScript models: their archive is checked here, its contents and its graph in C++ (native/core/cnn/script). */
import { basename, extname } from 'node:path';

import { CumulensError } from '../../errors.js';
import { native, withSignal, type NativeCnn, type NativeScriptTap } from '../../native.js';
import type { ParsedImportOptions } from '../import/import.js';
import { withZip } from '../import/zip.js';
import { mergePreprocessing, preprocessingSchema } from '../preprocessing.js';
import { selectTaps } from '../taps.js';
import type { ScriptArchive } from './archive.js';
import { SCRIPT_FORMAT, type ScriptSpec } from './spec.js';

/** A TorchScript model, ready to run. */
export interface LoadedScript {
  spec: ScriptSpec;
  native: NativeCnn;
  notes: readonly string[];
}

/** Where to run it, and until when to load it. */
export interface ScriptPlacement {
  device: string;
  dtype: 'float32' | 'float64';
  signal: AbortSignal | undefined;
}

/** The names to tap by default, and all that could be. */
function tapChoice(candidates: readonly NativeScriptTap[], tapAt: ScriptSpec['tapAt']) {
  const owned = new Map(candidates.flatMap(({ name, owner }) => (owner === undefined ? [] : [[owner, name] as const])));
  const defaults = candidates.flatMap(({ name, owner }, index) => {
    if (owner !== undefined) return [];
    return [tapAt === 'activation' ? (owned.get(index) ?? name) : name];
  });
  return { defaults, nodes: candidates.map(({ name }) => name) };
}

/**
 * Loads a TorchScript model, with the caller's word over the source's. Every byte of the archive is checked against its
 * CRC-32, and every declared size against the file, before libtorch reads any of it.
 * @param source what an earlier import said of it
 * @throws CumulensError ERR_OPTION when the image size is not given, ERR_FORMAT, ERR_SHAPE, ERR_OUT_OF_MEMORY, ERR_ABORTED
 */
export async function loadScript(
  archive: ScriptArchive,
  source: ScriptSpec | undefined,
  options: ParsedImportOptions,
  { signal, ...placement }: ScriptPlacement,
): Promise<LoadedScript> {
  const { path } = archive;
  const input = options.input ?? source?.input;
  if (!input) {
    throw new CumulensError(
      'ERR_OPTION',
      `${path}: a TorchScript file does not say the size of its images: give input, such as input: 224`,
    );
  }
  await withZip(path, (zip) => zip.verify(), archive.range);
  const preprocessing = preprocessingSchema.parse(
    mergePreprocessing(source?.preprocessing, options.preprocessing) ?? {},
  );
  const handle = await withSignal(signal, (call) =>
    native.loadScript(archive.bytes, { input, preprocessing, ...placement }, call),
  );
  try {
    const { input: shape, classes, candidates, vggLike, notes } = handle.describe();
    const names = options.classes ?? source?.classes;
    if (names && names.length !== classes) {
      throw new CumulensError('ERR_SHAPE', `classes: ${names.length} names for ${classes} logits`);
    }
    const tapAt = options.tapAt ?? source?.tapAt ?? (vggLike ? 'activation' : 'conv');
    const choice = tapChoice(candidates, tapAt);
    const kept = source?.tapAt === tapAt ? source.taps : choice.defaults;
    const taps = selectTaps(options.taps ?? kept, { ...choice, ...(options.taps ? { defaults: kept } : {}) }, path);
    await handle.selectTaps(taps);
    const [channels, height, width] = shape as [number, number, number];
    const spec: ScriptSpec = {
      format: SCRIPT_FORMAT,
      name: source?.name ?? basename(path, extname(path)),
      input: { channels, height, width },
      preprocessing,
      tapAt,
      taps,
      ...(names ? { classes: names } : {}),
    };
    return { spec, native: handle, notes };
  } catch (error) {
    handle.dispose();
    throw error;
  }
}
