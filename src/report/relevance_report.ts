/** `cumulens relevance`: measures generators, and leaves results.json, pictures and a page of its own in a folder. */
import { basename, dirname, join, resolve } from 'node:path';

import { z } from 'zod';

import { openDataset, type Dataset } from '../data/dataset.js';
import { relevance } from '../evaluate/relevance.js';
import { RELEVANCE_KINDS, type SampleRelevance } from '../evaluate/relevance_summary.js';
import { makeFolder, writeFileAtomic } from '../files.js';
import { fingerprintTensors } from '../fingerprint.js';
import { Generator } from '../gan/generator.js';
import { generatorFile } from '../gan/run_folder.js';
import { Journal } from '../journal.js';
import { parseOptions } from '../options.js';
import { beginOrContinue } from '../run_folder.js';
import { disposeAll } from '../tensor.js';
import { version } from '../version.js';
import { writeRelevancePage } from './relevance_page.js';
import { writeSamplePictures } from './relevance_pictures.js';
import { RELEVANCE_FORMAT, type GeneratorRelevance, type RelevanceResults } from './relevance_results.js';

const SETTINGS_FILE = 'relevance.json';

const schema = z.strictObject({
  generators: z.array(z.string().min(1)).min(1),
  data: z.string().min(1),
  out: z.string().min(1),
  split: z.string().default('test'),
  meanSplit: z.string().default('train'),
  kinds: z
    .array(z.enum(RELEVANCE_KINDS))
    .min(1)
    .default([...RELEVANCE_KINDS]),
  limit: z.number().int().positive().optional(),
  batchSize: z.number().int().min(1).max(4096).default(32),
  shown: z.number().int().min(0).max(1000).default(60),
  seed: z.number().int().nonnegative().default(0),
  device: z.string().default('auto'),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z
    .custom<(progress: { generator: string; done: number; total: number }) => void>(
      (value) => typeof value === 'function',
    )
    .optional(),
});

/**
 * As `relevance` has them, and
 * - `generators`: files, or folders of trainings; `data`: a prepared dataset's folder; `out`: where to write, and where to go on
 * - `shown`: how many samples the page shows with their pictures, spread over all (60)
 */
export type RelevanceReportOptions = z.input<typeof schema>;
type Parsed = z.output<typeof schema>;

interface Loaded {
  generator: Generator;
  file: string;
  label: string;
  fingerprint: string;
}

/** By variant, and by where it lies where that does not tell them apart. */
function labelsOf(loaded: readonly { generator: Generator; file: string }[]): string[] {
  const variants = loaded.map(({ generator }) => generator.config.variant.toUpperCase());
  return variants.map((variant, i) => {
    if (variants.filter((other) => other === variant).length === 1) return variant;
    const { file } = loaded[i] as { file: string };
    return `${variant} ${basename(dirname(resolve(file)))}/${basename(file)}`;
  });
}

async function load(paths: readonly string[], device: string): Promise<Loaded[]> {
  const loaded: { generator: Generator; file: string; fingerprint: string }[] = [];
  try {
    for (const path of paths) {
      const file = await generatorFile(path);
      const generator = await Generator.load(file, { device });
      const weights = await generator.stateDict();
      const fingerprint = await fingerprintTensors(generator.config, weights).finally(() => disposeAll(weights));
      loaded.push({ generator, file, fingerprint });
    }
  } catch (error) {
    for (const { generator } of loaded) generator.dispose();
    throw error;
  }
  const labels = labelsOf(loaded);
  return loaded.map((one, i) => ({ ...one, label: labels[i] as string }));
}

/** Goes on where an earlier call was interrupted. */
async function measure(
  { generator, file, label, fingerprint }: Loaded,
  data: Dataset,
  options: Parsed,
): Promise<GeneratorRelevance> {
  const { split, meanSplit, kinds, limit, batchSize, seed, out, signal, onProgress } = options;
  const journal = await Journal.open<SampleRelevance>(join(out, `measured-${fingerprint.slice(0, 16)}.jsonl`));
  try {
    const result = await relevance({
      generator,
      data,
      ...{ split, meanSplit, kinds, limit, batchSize, seed, signal },
      done: [...journal.rows],
      onSamples: (rows) => journal.append(rows),
      onProgress: (progress) => onProgress?.({ generator: label, ...progress }),
    });
    return { label, file, parameters: generator.parameterCount, ...result };
  } finally {
    await journal.close();
  }
}

/**
 * Measures every generator on the same samples and writes `results.json`, `pictures/` and `relevance.html`. Called again after it was
 * interrupted, it goes on.
 * @throws CumulensError as `relevance`, and ERR_OPTION when the folder holds other work
 */
export async function makeRelevanceReport(
  options: RelevanceReportOptions,
): Promise<{ results: RelevanceResults; page: string }> {
  const parsed = parseOptions(schema, options, 'relevance');
  const { generators: paths, data: folder, out, split, meanSplit, kinds, limit, seed, device } = parsed;
  const data = await openDataset(folder);
  let loaded: Loaded[] = [];
  try {
    loaded = await load(paths, device);
    const described = { split, meanSplit, kinds, limit: limit ?? null, seed };
    using _held = await beginOrContinue(
      out,
      SETTINGS_FILE,
      { ...described, data: data.fingerprint, generators: loaded.map(({ fingerprint }) => fingerprint) },
      { by: 'relevance', opaque: { data: 'data set', generators: 'set of generators' } },
    );
    const generators: GeneratorRelevance[] = [];
    for (const one of loaded) generators.push(await measure(one, data, parsed));
    await makeFolder(join(out, 'pictures'));
    const samples = generators[0]?.samples.length ?? 0;
    const results: RelevanceResults = {
      format: RELEVANCE_FORMAT,
      cumulens: version,
      data: {
        folder,
        split,
        meanSplit,
        samples,
        classes: [...data.classes],
        conditions: data.manifest.conditions ?? 0,
        size: data.size[0],
      },
      kinds,
      seed,
      generators,
      shown: await writeSamplePictures(
        data.split(split),
        loaded.map(({ generator }) => generator),
        { samples, ...parsed },
      ),
    };
    await writeFileAtomic(join(out, 'results.json'), `${JSON.stringify(results)}\n`);
    return { results, page: await writeRelevancePage(out, results) };
  } finally {
    data.dispose();
    for (const { generator } of loaded) generator.dispose();
  }
}
