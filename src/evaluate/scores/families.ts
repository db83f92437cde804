/** Scores by what they need done: each family in one native call, or one for each time that the method is run again. */
import { native, withSignal, type NativeCall } from '../../native.js';
import type { Tensor } from '../../tensor.js';
import type { ScoreRequest, SampleScores } from './scorer.js';
import type { ScoreSettings } from './settings.js';
import { TARGET_SCORES, type ScoreName } from './table.js';

/** float64 to numbers, bool to 0 and 1; the handle is not needed after. */
async function numbers(tensor: Tensor): Promise<number[]> {
  const values = Array.from((await tensor.data()) as Float64Array | Uint8Array);
  tensor.dispose();
  return values;
}

/** Tensors named by score, and flags named by score + 'Undefined'. */
async function collect(tensors: Readonly<Record<string, Tensor>>): Promise<SampleScores> {
  const scores: SampleScores = { values: {}, undefined: {} };
  for (const [key, tensor] of Object.entries(tensors)) {
    const name = key.replace(/Undefined$/, '') as ScoreName;
    const values = await numbers(tensor);
    if (key === name) scores.values[name] = values;
    else scores.undefined[name] = values.map((flag) => flag !== 0);
  }
  return scores;
}

/** Against the target map. @param maps,targets [n, 1, S, S] */
export async function scoreAgainstTarget(maps: Tensor, targets: Tensor, signal?: AbortSignal): Promise<SampleScores> {
  return collect(await withSignal(signal, (call) => native.scoreMaps(maps, targets, call)));
}

/** Against the mask of where the evidence is: energy and pointing game. @param maps,masks [n, 1, S, S] */
export async function scoreAgainstMask(maps: Tensor, masks: Tensor, signal?: AbortSignal): Promise<SampleScores> {
  return collect(await withSignal(signal, (call) => native.scoreInMasks(maps, masks, call)));
}

export function merge(...parts: readonly SampleScores[]): SampleScores {
  const merged: SampleScores = { values: {}, undefined: {} };
  for (const { values, undefined: flags, curves } of parts) {
    Object.assign(merged.values, values);
    Object.assign(merged.undefined, flags);
    if (curves) merged.curves = { ...merged.curves, ...curves };
  }
  return merged;
}

/** One request with the names that are wanted of a family. */
interface Work {
  request: ScoreRequest;
  settings: ScoreSettings;
  wanted: ReadonlySet<ScoreName>;
}

const scored = ({ request: { cnn, images, target, maps }, settings: { batchSize } }: Work) => ({
  cnn: cnn.native,
  images,
  target,
  maps,
  batchSize,
});

const followed = <T>({ request }: Work, run: (call: NativeCall) => Promise<T>): Promise<T> =>
  withSignal(request.signal, run);

const draws = ({ request: { seed, first } }: Work) => ({ seed, first });

async function maskedPrediction(work: Work): Promise<SampleScores> {
  return collect(await followed(work, (call) => native.maskedPrediction(scored(work), call)));
}

async function perturbationCurves(work: Work): Promise<SampleScores> {
  const { wanted, settings } = work;
  const { steps, deletionBaseline, insertionBaseline } = settings;
  const curves = {
    ...(wanted.has('deletion') ? { deletion: deletionBaseline } : {}),
    ...(wanted.has('insertion') ? { insertion: insertionBaseline } : {}),
  };
  const tensors = await followed(work, (call) =>
    native.perturbationCurves(scored(work), { ...draws(work), steps, curves }, call),
  );
  const scores: SampleScores = { values: {}, undefined: {}, curves: {} };
  for (const name of Object.keys(curves) as ('deletion' | 'insertion')[]) {
    scores.values[name] = await numbers(tensors[name] as Tensor);
    const points = await numbers(tensors[`${name}Curve`] as Tensor);
    const rows = points.length / (steps + 1);
    scores.curves = {
      ...scores.curves,
      [name]: Array.from({ length: rows }, (_, i) => points.slice(i * (steps + 1), (i + 1) * (steps + 1))),
    };
  }
  return scores;
}

async function road(work: Work): Promise<SampleScores> {
  const options = { ...draws(work), noise: work.settings.roadNoise };
  return collect({ road: await followed(work, (call) => native.road(scored(work), options, call)) });
}

async function infidelity(work: Work): Promise<SampleScores> {
  const options = { ...draws(work), draws: work.settings.infidelityDraws };
  return collect({
    infidelity: await followed(work, (call) => native.infidelity(scored(work), options, call)),
  });
}

async function mapStatistics(work: Work): Promise<SampleScores> {
  return collect(await followed(work, (call) => native.mapStatistics(work.request.maps, call)));
}

/** The method's maps of other images, everything else as it was. */
async function withMapsOf<T>(images: Tensor, work: Work, use: (maps: Tensor) => Promise<T>): Promise<T> {
  const { cnn, target, seed, first, signal, method } = work.request;
  let maps: Tensor | undefined;
  try {
    maps = await method.explain({ cnn, images, target, seed, first, signal });
    return await use(maps);
  } finally {
    images.dispose();
    maps?.dispose();
  }
}

async function coherency(work: Work): Promise<SampleScores> {
  const { cnn, images, maps } = work.request;
  const masked = await followed(work, (call) => native.maskImages(cnn.native, images, maps, call));
  return withMapsOf(masked, work, async (again) => {
    const { pearson, pearsonUndefined } = await followed(work, (call) => native.correlateMaps(maps, again, call));
    const [values, flags] = [await numbers(pearson), await numbers(pearsonUndefined)];
    return {
      values: { coherency: values.map((value, i) => (flags[i] ? 0 : (value + 1) / 2)) },
      undefined: { coherency: flags.map((flag) => flag !== 0) },
    };
  });
}

async function maxSensitivity(work: Work): Promise<SampleScores> {
  const { images, maps, seed, first } = work.request;
  const { sensitivityDraws, sensitivityRadius: radius } = work.settings;
  let largest: number[] = [];
  let flags: number[] = [];
  for (let draw = 0; draw < sensitivityDraws; draw++) {
    const shaken = await followed(work, (call) => native.shakeImages(images, { seed, first, draw, radius }, call));
    const tensors = await withMapsOf(shaken, work, (others) =>
      followed(work, (call) => native.mapChange(maps, others, call)),
    );
    const change = await numbers(tensors.change);
    flags = await numbers(tensors.changeUndefined);
    largest = change.map((value, i) => Math.max(value, largest[i] ?? 0));
  }
  return { values: { maxSensitivity: largest }, undefined: { maxSensitivity: flags.map((flag) => flag !== 0) } };
}

const againstMask = ({ request: { maps, masks, signal } }: Work): Promise<SampleScores> =>
  scoreAgainstMask(maps, masks as Tensor, signal);
const overlap = async ({ request: { maps, masks, signal } }: Work): Promise<SampleScores> =>
  collect(await withSignal(signal, (call) => native.otsuOverlap(maps, masks as Tensor, call)));
const againstTarget = ({ request: { maps, targets, signal } }: Work): Promise<SampleScores> =>
  scoreAgainstTarget(maps, targets as Tensor, signal);

/** Who computes what. `adcc` is made of others'. */
export const FAMILIES: readonly { names: readonly ScoreName[]; score: (work: Work) => Promise<SampleScores> }[] = [
  { names: ['deletion', 'insertion'], score: perturbationCurves },
  { names: ['road'], score: road },
  { names: ['avgDrop', 'avgIncrease', 'avgGain'], score: maskedPrediction },
  { names: ['coherency'], score: coherency },
  { names: ['complexity', 'sparseness'], score: mapStatistics },
  { names: ['infidelity'], score: infidelity },
  { names: ['maxSensitivity'], score: maxSensitivity },
  { names: ['energyInMask', 'pointingGame'], score: againstMask },
  { names: ['iou'], score: overlap },
  { names: TARGET_SCORES, score: againstTarget },
];

/** What an image's ADCC is made of. */
export const ADCC_PARTS = ['coherency', 'complexity', 'avgDrop'] as const;

/** 3/(1/coherency + 1/(1 − complexity) + 1/(1 − avgDrop/100)): 0 where a part is 0; undefined where one is. */
export function adcc({ values, undefined: flags }: SampleScores): SampleScores {
  const [coherence, complexity, drop] = ADCC_PARTS.map((name) => values[name] ?? []) as [number[], number[], number[]];
  const unknown = coherence.map((_, i) => ADCC_PARTS.some((name) => flags[name]?.[i] ?? false));
  const scores = coherence.map((value, i) => {
    const parts = [value, 1 - (complexity[i] as number), 1 - (drop[i] as number) / 100];
    return unknown[i] ? 0 : parts.length / parts.reduce((sum, part) => sum + 1 / part, 0);
  });
  return { values: { adcc: scores }, undefined: { adcc: unknown } };
}
