/** Keras models: .keras archives, and .h5 files of whole models of Keras 2 and 3. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CumulensError } from '../../../errors.js';
import type { ImportedCnn, Importer, ImportSettings } from '../contract.js';
import type { Dialect } from '../layers/contract.js';
import { translateLayers, type WeightFinder } from '../layers/translate.js';
import { withZip, type ZipArchive } from '../zip.js';
import { archiveWeights } from './archive_weights.js';
import { readHdf5 } from './hdf5.js';
import { legacyWeights } from './legacy_weights.js';

const WEIGHTS = 'model.weights.h5';

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CumulensError('ERR_FORMAT', `${what} is not JSON`, { cause });
  }
}

/** @param version such as "3.15.1" or "2.15.0"; files of old do not say it */
const dialectOf = (version: unknown): Dialect =>
  typeof version === 'string' && Number(version.split('.')[0]) >= 3 ? 'keras3' : 'keras2';

/** The archive's arrays, by way of a file that is gone afterwards: the library reads files only. */
async function readArchiveWeights(zip: ZipArchive, path: string): Promise<WeightFinder> {
  const folder = await mkdtemp(join(tmpdir(), 'cumulens-keras-'));
  try {
    const file = join(folder, WEIGHTS);
    await zip.extract(WEIGHTS, file);
    return archiveWeights(await readHdf5(file, ['optimizer']), path);
  } catch (error) {
    if (!(error instanceof CumulensError)) throw error;
    throw new CumulensError(error.code, error.message.replace(join(folder, WEIGHTS), `${path}: '${WEIGHTS}'`), {
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function importArchive(path: string, settings: ImportSettings): Promise<ImportedCnn> {
  const { config, version, findWeights } = await withZip(path, async (zip) => {
    const read = async (name: string) => parseJson((await zip.read(name)).toString('utf8'), `${path}: '${name}'`);
    const metadata = zip.entries.has('metadata.json') ? await read('metadata.json') : {};
    return {
      config: await read('config.json'),
      version: (metadata as { keras_version?: unknown } | null)?.keras_version,
      findWeights: await readArchiveWeights(zip, path),
    };
  });
  return translateLayers({ path, config, dialect: dialectOf(version), findWeights, settings });
}

async function importLegacy(path: string, settings: ImportSettings): Promise<ImportedCnn> {
  const file = await readHdf5(path, ['optimizer_weights']);
  const { model_config: config, keras_version: version } = file.groups.get('') ?? {};
  if (typeof config !== 'string') {
    throw new CumulensError(
      'ERR_FORMAT',
      `${path}: holds no model, only data: it has no attribute 'model_config' (save the whole model, not its weights)`,
    );
  }
  return translateLayers({
    path,
    config: parseJson(config, `${path}: attribute 'model_config'`),
    dialect: dialectOf(version),
    findWeights: legacyWeights(file, path),
    settings,
  });
}

async function isZip(path: string): Promise<boolean> {
  const file = await open(path).catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot open: ${(cause as Error).message}`, { cause });
  });
  try {
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.toString('latin1') === 'PK';
  } finally {
    await file.close();
  }
}

/**
 * Reads a .keras archive or an .h5 file of a whole model. Nothing in it is run.
 * @throws CumulensError ERR_IO, ERR_FORMAT naming the layer, field or entry that is wrong or not supported
 */
export const importKeras: Importer = async (path, settings) =>
  (await isZip(path)) ? importArchive(path, settings) : importLegacy(path, settings);
