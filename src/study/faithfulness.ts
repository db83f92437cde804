/** What a study's generators and Grad-CAM say of the CNN itself, by scores that need no target map. */
import { Cnn } from '../cnn/cnn.js';
import { openDataset } from '../data/dataset.js';
import type { ExplanationMethod } from '../evaluate/contract.js';
import { BASELINE_METHODS } from '../evaluate/evaluation/options.js';
import { createMethod, generatorMethod, linearMethod } from '../evaluate/methods/methods.js';
import { createScorer, type ScoreName, type Scorer } from '../evaluate/scores/scores.js';
import { conditioningSchema, Generator } from '../gan/generator.js';
import { disposeAll, Tensor } from '../tensor.js';
import type { Artifacts, Report } from './artifacts.js';
import { pairName, type Pair, type Training } from './plan.js';
import { addScores, linearWeights, sourceName, triedOn, type MethodRows } from './scoring.js';

const ON_THE_CNN: readonly ScoreName[] = ['deletion', 'insertion', 'adcc'];
const IN_THE_MASK: readonly ScoreName[] = ['energyInMask', 'pointingGame'];
/** What every generator of a pair is compared with. */
const COMMON = ['gradcam', ...BASELINE_METHODS] as const;

/** Images explained at once. */
const BATCH = 32;

/** Names of the results that together are a generator's comparison on a pair. */
export function faithfulnessParts(training: Training, pair: Pair): string[] {
  return [triedOn('common', pair), triedOn(sourceName(training), pair), triedOn(training.id, pair)];
}

/** Scores of some methods on the held-out images of a pair. */
async function scoreMethods(
  methods: readonly ExplanationMethod[],
  pair: Pair,
  artifacts: Artifacts,
  report: Report,
): Promise<MethodRows> {
  const { config, signal } = artifacts;
  const cnn = await Cnn.load(await artifacts.cnn(pair, report), { device: config.device });
  const data = await openDataset(await artifacts.images(pair.data, report));
  try {
    const split = data.split('test');
    const masked = split.names.includes('mask');
    const scorer = createScorer([...ON_THE_CNN, ...(masked ? IN_THE_MASK : [])], { steps: config.curveSteps });
    const total = Math.min(split.count, config.limit ?? split.count);
    const rows: MethodRows = {};
    for (let first = 0; first < total; first += BATCH) {
      const indices = Array.from({ length: Math.min(BATCH, total - first) }, (_, i) => first + i);
      const samples = await split.batch(indices, { names: ['image', ...(masked ? ['mask'] : [])], signal });
      const { predicted, logits, probabilities } = await cnn.predict(samples.image as Tensor, { signal });
      const target = Tensor.from(BigInt64Array.from(predicted, BigInt), [predicted.length]);
      const request = { cnn, images: samples.image as Tensor, target, seed: 0, first, signal };
      try {
        for (const method of methods) await explainAndScore(rows, method, request, samples.mask, scorer);
      } finally {
        disposeAll({ ...samples, target, logits, probabilities });
      }
      report(first + indices.length, total, `${methods.map(({ name }) => name).join(', ')}, ${pairName(pair)}`);
    }
    return rows;
  } finally {
    data.dispose();
    cnn.dispose();
  }
}

async function explainAndScore(
  rows: MethodRows,
  method: ExplanationMethod,
  request: Parameters<ExplanationMethod['explain']>[0],
  masks: Tensor | undefined,
  scorer: Scorer,
): Promise<void> {
  const maps = await method.explain(request);
  try {
    addScores(rows, method.name, await scorer.score({ ...request, method, maps, ...(masks ? { masks } : {}) }));
  } finally {
    maps.dispose();
  }
}

/** Scores a trained generator on a pair's CNN, and what it is compared with where that is not done. */
export async function scoreFaithfulness(
  file: string,
  training: Training,
  pair: Pair,
  artifacts: Artifacts,
  report: Report,
): Promise<void> {
  const { folder, config } = artifacts;
  const [common, linear, own] = faithfulnessParts(training, pair) as [string, string, string];
  const once = (part: string, work: () => Promise<void>): Promise<void> =>
    artifacts.once(`faithfulness-${part}`, () => folder.has('faithfulness', part), work);
  await once(common, async () => {
    const methods = COMMON.map((name) => createMethod(name));
    await folder.write('faithfulness', common, await scoreMethods(methods, pair, artifacts, report));
  });
  await once(linear, async () => {
    const weights = await linearWeights(training, artifacts, report);
    try {
      const method = linearMethod(weights, await conditioningOf(pair, training, artifacts, report), {
        size: config.size,
      });
      await folder.write('faithfulness', linear, await scoreMethods([method], pair, artifacts, report));
    } finally {
      weights.dispose();
    }
  });
  if (folder.has('faithfulness', own)) return;
  const generator = await Generator.load(file, { device: config.device });
  try {
    const method = generatorMethod(generator, { name: 'generator' });
    await folder.write('faithfulness', own, await scoreMethods([method], pair, artifacts, report));
  } finally {
    generator.dispose();
  }
}

/** How the pair's conditions were made. */
async function conditioningOf(pair: Pair, training: Training, artifacts: Artifacts, report: Report) {
  const data = await openDataset(await artifacts.prepared(pair, training.target, report));
  try {
    return conditioningSchema.parse(data.manifest.settings);
  } finally {
    data.dispose();
  }
}
