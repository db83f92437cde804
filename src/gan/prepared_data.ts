/** A prepared dataset, as the GAN's trainer takes it. */
import { openDataset, type Dataset, type Samples } from '../data/dataset.js';
import { CumulensError } from '../errors.js';
import { conditioningSchema, type Conditioning } from './generator.js';

/** What the trainer reads of a sample. */
const FIELDS = ['image', 'conditions', 'target'] as const;

export interface PreparedData {
  count: number;
  conditions: number;
  size: number;
  targetChannels: 1 | 3;
  /** How the conditions were made. */
  conditioning?: Conditioning;
  /** Changes with the samples. */
  fingerprint: string;
  /** The training split, mapped. */
  train: Samples[];
  dataset: Dataset;
  dispose(): void;
}

/**
 * Maps a prepared dataset directory, or takes one that is open.
 * @throws CumulensError ERR_IO, ERR_FORMAT naming the file; ERR_OPTION when it cannot train a GAN
 */
export async function openPreparedData(data: string | Dataset): Promise<PreparedData> {
  const dataset = typeof data === 'string' ? await openDataset(data) : data;
  const { folder, manifest, splits } = dataset;
  const refuse = (reason: string): never => {
    if (typeof data === 'string') dataset.dispose();
    throw new CumulensError('ERR_OPTION', `${folder}: ${reason}`);
  };
  if (manifest.kind !== 'prepared') refuse('these are images; prepare makes training data of them');
  const [height, width] = manifest.size;
  if (height !== width) refuse(`maps of ${height}×${width}; a GAN needs square ones`);
  const train = splits.train;
  if (!train || train.count === 0) return refuse("there are no samples in the split 'train'");
  const conditioning = conditioningSchema.safeParse(manifest.settings);
  return {
    count: train.count,
    conditions: manifest.conditions as number,
    size: height,
    targetChannels: manifest.targetChannels ?? 1,
    ...(conditioning.success ? { conditioning: conditioning.data } : {}),
    fingerprint: dataset.fingerprint,
    train: train.shards.map((shard) => Object.fromEntries(FIELDS.map((name) => [name, shard[name]])) as Samples),
    dataset,
    dispose: () => (typeof data === 'string' ? dataset.dispose() : undefined),
  };
}

/** The first samples to look at: of the test split where there is one. The caller disposes of them. */
export function shownSamples({ dataset }: PreparedData, count: number): Promise<Samples> {
  const { train, test } = dataset.splits;
  const split = test && test.count > 0 ? test : train;
  const indices = Array.from({ length: Math.min(count, split?.count ?? 0) }, (_, i) => i);
  return (split as NonNullable<typeof split>).batch(indices, { names: FIELDS });
}
