/** Prepared datasets, as the GAN's trainer takes them: one, or several whose samples are mixed. */
import { createHash } from 'node:crypto';

import { openDataset, type Dataset, type DatasetSplit, type Samples } from '../data/dataset.js';
import { CumulensError } from '../errors.js';
import { conditioningSchema, type Conditioning } from './generator.js';

/** What the trainer reads of a sample. */
const FIELDS = ['image', 'conditions', 'target'] as const;

export type DataSource = string | Dataset;

export interface PreparedData {
  count: number;
  conditions: number;
  size: number;
  targetChannels: 1 | 3;
  /** How the conditions were made. */
  conditioning?: Conditioning;
  /** Changes with the samples. */
  fingerprint: string;
  /** The training splits, mapped. */
  train: Samples[];
  /** The validation splits, mapped; empty where there are none. */
  validation: Samples[];
  datasets: readonly Dataset[];
  dispose(): void;
}

/** @throws CumulensError ERR_OPTION when the dataset cannot train a GAN */
function checkPrepared({ folder, manifest, splits }: Dataset): void {
  const refuse = (reason: string): never => {
    throw new CumulensError('ERR_OPTION', `${folder}: ${reason}`);
  };
  if (manifest.kind !== 'prepared') refuse('these are images; prepare makes training data of them');
  const [height, width] = manifest.size;
  if (height !== width) refuse(`maps of ${height}×${width}; a GAN needs square ones`);
  if (!splits.train?.count) refuse("there are no samples in the split 'train'");
}

/** What samples of one generator must have in common. */
function formOf({ manifest }: Dataset) {
  const conditioning = conditioningSchema.safeParse(manifest.settings);
  return {
    size: manifest.size[0],
    conditions: manifest.conditions as number,
    targetChannels: manifest.targetChannels ?? 1,
    ...(conditioning.success ? { conditioning: conditioning.data } : {}),
  };
}

function checkAlike(first: Dataset, other: Dataset): void {
  const flat = (dataset: Dataset): Record<string, unknown> => {
    const { conditioning, ...form } = formOf(dataset);
    return { ...form, ...conditioning };
  };
  const [one, two] = [flat(first), flat(other)];
  for (const name of new Set([...Object.keys(one), ...Object.keys(two)])) {
    const [expected, found] = [one, two].map((form) => (name in form ? JSON.stringify(form[name]) : 'none'));
    if (expected === found) continue;
    throw new CumulensError(
      'ERR_OPTION',
      `${other.folder}: has ${name} ${found}, expected ${expected} as in ${first.folder}: data to be mixed must be prepared alike`,
    );
  }
}

const fieldsOf = (split: DatasetSplit | undefined): Samples[] =>
  split?.shards.map((shard) => Object.fromEntries(FIELDS.map((name) => [name, shard[name]])) as Samples) ?? [];

/** One dataset's own fingerprint, or the hash of all. */
function fingerprintOf(datasets: readonly Dataset[]): string {
  if (datasets.length === 1) return (datasets[0] as Dataset).fingerprint;
  const hash = createHash('sha256');
  for (const { fingerprint } of datasets) hash.update(fingerprint);
  return hash.digest('hex');
}

/**
 * Maps prepared dataset directories, or takes ones that are open.
 * @throws CumulensError ERR_IO, ERR_FORMAT naming the file; ERR_OPTION when they cannot train a GAN, or not together
 */
export async function openPreparedData(sources: readonly DataSource[]): Promise<PreparedData> {
  const opened: Dataset[] = [];
  const dispose = (): void => opened.forEach((dataset) => dataset.dispose());
  const datasets: Dataset[] = [];
  try {
    for (const source of sources) {
      const dataset = typeof source === 'string' ? await openDataset(source) : source;
      if (typeof source === 'string') opened.push(dataset);
      checkPrepared(dataset);
      checkAlike(datasets[0] ?? dataset, dataset);
      datasets.push(dataset);
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return {
    ...formOf(datasets[0] as Dataset),
    count: datasets.reduce((sum, { splits }) => sum + (splits.train?.count ?? 0), 0),
    fingerprint: fingerprintOf(datasets),
    train: datasets.flatMap(({ splits }) => fieldsOf(splits.train)),
    validation: datasets.flatMap(({ splits }) => fieldsOf(splits.validation)),
    datasets,
    dispose,
  };
}

/** The first samples to look at: of the first data's test split where there is one. The caller disposes of them. */
export function shownSamples({ datasets }: PreparedData, count: number): Promise<Samples> {
  const { train, test } = (datasets[0] as Dataset).splits;
  const split = test && test.count > 0 ? test : train;
  const indices = Array.from({ length: Math.min(count, split?.count ?? 0) }, (_, i) => i);
  return (split as NonNullable<typeof split>).batch(indices, { names: FIELDS });
}
