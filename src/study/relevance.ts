/** How much each condition matters to a study's generators (METHOD §8), on the held-out images of a pair. */
import { relevance } from '../evaluate/relevance.js';
import { RELEVANCE_KINDS, type RelevanceKind } from '../evaluate/relevance_summary.js';
import type { Artifacts, Report } from './artifacts.js';
import type { Pair, Training } from './plan.js';
import { triedOn } from './scoring.js';

/** Rows [image][condition] by kind. */
export type RelevanceRows = Partial<Record<RelevanceKind, number[][]>>;

export async function measureRelevance(
  generator: string,
  training: Training,
  pair: Pair,
  artifacts: Artifacts,
  report: Report,
): Promise<void> {
  const { folder, signal, config } = artifacts;
  const name = triedOn(training.id, pair);
  if (folder.has('relevance', name)) return;
  const { samples } = await relevance({
    generator,
    data: await artifacts.prepared(pair, training.target, report),
    device: config.device,
    ...(config.limit === undefined ? {} : { limit: config.limit }),
    signal,
    onProgress: ({ done, total }) => report(done, total, 'relevance'),
  });
  const rows: RelevanceRows = Object.fromEntries(
    RELEVANCE_KINDS.map((kind) => [kind, samples.map((sample) => sample.relevance[kind] as number[])]),
  );
  await folder.write('relevance', name, rows);
}
