/** The sanity checks of an evaluation: a method at a time, each kept in sanity/, so that a killed run goes on with the next. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { makeFolder, readJson, writeFileAtomic } from '../../files.js';
import { disposeAll } from '../../tensor.js';
import type { ExplanationMethod } from '../contract.js';
import { sanityChecks, type MethodSanity, type Sanity } from '../sanity.js';
import { spread, type ChunkImages } from './data.js';
import { classify, type Measurement } from './measure.js';

export interface SanityResults {
  images: number;
  settings: Sanity['settings'];
  /** By the method's name. */
  methods: ReadonlyMap<string, MethodSanity>;
}

/** Some of the images, evenly spread over the split that has most of them. */
async function sanityImages({ data, options }: Measurement): Promise<ChunkImages | undefined> {
  const rows = new Map<string, number[]>();
  for (const chunk of data.chunks) rows.set(chunk.split, [...(rows.get(chunk.split) ?? []), ...chunk.rows]);
  const [largest] = [...rows].sort(([, a], [, b]) => b.length - a.length);
  if (!largest) return undefined;
  const [split, all] = largest;
  return data.read(
    split,
    spread(all.length, options.sanity).map((index) => all[index] as number),
  );
}

/** @returns nothing when no image was asked for, or none can be read */
export async function checkSanity(measurement: Measurement): Promise<SanityResults | undefined> {
  const { options, methods, cnn } = measurement;
  if (options.sanity === 0) return undefined;
  const folder = join(options.out, 'sanity');
  await makeFolder(folder);
  const chunk = await sanityImages(measurement);
  if (!chunk) return undefined;
  const { images, masks, ids } = chunk;
  const { target } = await classify(cnn, chunk, options);
  try {
    const results = new Map<string, MethodSanity>();
    let settings: Sanity['settings'] | undefined;
    for (const [index, method] of methods.entries()) {
      const path = join(folder, `method-${String(index).padStart(2, '0')}.json`);
      if (!existsSync(path)) {
        const report = (part: number): void =>
          options.onProgress?.({ stage: 'sanity', done: index + part, total: methods.length, note: method.label });
        const sanity = await checkOne(method, { measurement, images, target, report });
        await writeFileAtomic(path, `${JSON.stringify(sanity, null, 2)}\n`);
      }
      const { settings: used, methods: checked } = (await readJson(path)) as Sanity;
      settings = used;
      results.set(method.name, checked[0] as MethodSanity);
    }
    options.onProgress?.({ stage: 'sanity', done: methods.length, total: methods.length });
    return settings && { images: ids.length, settings, methods: results };
  } finally {
    disposeAll({ images, target, ...(masks ? { masks } : {}) });
  }
}

async function checkOne(
  method: ExplanationMethod,
  {
    measurement,
    images,
    target,
    report,
  }: Pick<ChunkImages, 'images'> & {
    measurement: Measurement;
    target: ChunkImages['images'];
    report: (part: number) => void;
  },
): Promise<Sanity> {
  const { cnn, options } = measurement;
  const { seed, signal } = options;
  report(0);
  return sanityChecks({
    cnn,
    methods: [method],
    images,
    target,
    seed,
    onProgress: ({ done, total }) => report(done / total),
    ...(signal ? { signal } : {}),
  });
}
