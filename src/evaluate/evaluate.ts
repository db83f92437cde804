/** Explanations judged: every method, every score, on any number of images, with the checks that catch a fake. */
import { join } from 'node:path';

import { Cnn } from '../cnn/cnn.js';
import { CumulensError } from '../errors.js';
import { writeFileAtomic } from '../files.js';
import { writeEvaluationPage } from '../report/evaluation_page.js';
import { writeCsv } from './evaluation/csv.js';
import { EvaluationData } from './evaluation/data.js';
import { chooseCases, drawGallery } from './evaluation/gallery.js';
import { beginEvaluation, type Begun } from './evaluation/begin.js';
import { measureAll, type Measurement } from './evaluation/measure.js';
import { disposeGenerators, loadGenerators } from './evaluation/methods.js';
import { parseEvaluateOptions, selectRanking, type EvaluateOptions } from './evaluation/options.js';
import { PartFolder } from './evaluation/parts.js';
import {
  EVALUATION_FORMAT,
  type EvaluatedMethod,
  type EvaluatedSanity,
  type EvaluationResults,
  type GalleryCase,
} from './evaluation/results.js';
import { checkSanity, type SanityResults } from './evaluation/sanity_stage.js';
import { summarise, type Summary } from './evaluation/summary.js';
import { collectTimes, TIMES_FILE } from './evaluation/times.js';
import type { MethodSanity } from './sanity.js';
import { SCORES } from './scores/scores.js';
import { softwareVersions } from './versions.js';

export interface Evaluation {
  results: EvaluationResults;
  /** results.json, the same. */
  json: string;
  /** results.csv, an image a row. */
  csv: string;
  /** report.html, to be opened. */
  report: string;
}

/**
 * Evaluates explanations: maps of every method for every image, scored, ranked with intervals and paired differences, checked for sanity, and
 * shown in a page that opens from disk. Memory is bounded by a chunk of images, beside a few numbers an image. A run that was killed or aborted
 * continues when called again, to the same bytes of results.json and results.csv.
 * @throws CumulensError ERR_OPTION (also when `out` was begun with other settings), ERR_FORMAT, ERR_IO, ERR_SHAPE, ERR_ABORTED
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const parsed = parseEvaluateOptions(options);
  const owned: (() => void)[] = [];
  try {
    const cnn = parsed.cnn instanceof Cnn ? parsed.cnn : await Cnn.load(parsed.cnn, { device: parsed.device });
    if (cnn !== parsed.cnn) owned.push(() => cnn.dispose());
    const data = await EvaluationData.open(parsed, cnn);
    owned.push(() => data.dispose());
    const generators = await loadGenerators(parsed, cnn);
    owned.push(() => disposeGenerators(generators));
    const begun = await beginEvaluation({ cnn, data, options: parsed }, generators);
    owned.push(() => begun.dispose());
    return await finish(begun, parsed.cnn);
  } finally {
    for (const dispose of owned.reverse()) dispose();
  }
}

async function finish({ measurement, notes: ofMethods, settings }: Begun, given: Cnn | string): Promise<Evaluation> {
  const { options, data, methods, scorer, target } = measurement;
  const notes = [...data.notes, ...ofMethods];
  for (const note of notes) options.onNote?.(note);
  const parts = new PartFolder(options.out, data.chunks.length);
  await parts.open();
  await measureAll(measurement, parts);
  const outcome = await cnnOutcome(parts);
  if (outcome.samples === 0) throw new CumulensError('ERR_FORMAT', 'evaluate: none of the images can be read');
  const sanity = await checkSanity(measurement);
  const { rankBy, headline } = selectRanking(options, scorer.names);
  const summary = await summarise({
    ...{ parts, methods, target, rankBy, headline },
    names: scorer.names,
    settings: scorer.settings,
    images: outcome.samples,
    pixels: measurement.cnn.spec.input.height * measurement.cnn.spec.input.width,
    seed: options.seed,
  });
  const gallery = await drawCases(summary, measurement, parts);
  const { cnn: cnnOf, samples } = describeCnn(measurement, outcome, given);
  const { headlineValues: _values, methods: evaluated, ...found } = summary;
  const results: EvaluationResults = {
    format: EVALUATION_FORMAT,
    samples,
    skipped: data.count - samples,
    cnn: { ...cnnOf, fingerprint: settings.cnn as string },
    data: describeData(measurement),
    settings,
    ...found,
    methods: evaluated.map((method) => withSanity(method, sanity)),
    ...(sanity ? { sanity: describeSanity(sanity) } : {}),
    gallery,
    notes,
    versions: softwareVersions(),
  };
  return write(results, measurement, parts);
}

interface Outcome {
  samples: number;
  labelled: number;
  correct: number;
}

async function cnnOutcome(parts: PartFolder): Promise<Outcome> {
  const outcome = { samples: 0, labelled: 0, correct: 0 };
  for await (const { ids, labels, predicted } of parts.read(() => false)) {
    outcome.samples += ids.length;
    outcome.labelled += labels.filter((label) => label >= 0).length;
    outcome.correct += labels.filter((label, i) => label >= 0 && label === predicted[i]).length;
  }
  return outcome;
}

function describeCnn(
  { cnn, data }: Measurement,
  { samples, labelled, correct }: Outcome,
  given: Cnn | string,
): { cnn: Omit<EvaluationResults['cnn'], 'fingerprint'>; samples: number } {
  const { channels, height, width } = cnn.spec.input;
  const path = typeof given === 'string' ? given : '';
  const input = { channels, height, width };
  return { samples, cnn: { path, input, classes: [...data.classes], taps: [...cnn.taps], labelled, correct } };
}

function describeData({ data, options }: Measurement): EvaluationResults['data'] {
  const path = typeof options.data === 'string' ? options.data : options.data.folder;
  const { kind, fingerprint, hasMasks } = data;
  return { path, kind, fingerprint, split: options.split, masks: hasMasks };
}

function describeSanity({ images, settings }: SanityResults): EvaluationResults['sanity'] {
  return { images, thresholds: { ...settings.thresholds }, weights: settings.weights };
}

function withSanity(method: EvaluatedMethod, sanity: SanityResults | undefined): EvaluatedMethod {
  const found = sanity?.methods.get(method.name);
  return found ? { ...method, sanity: toEvaluated(found) } : method;
}

function toEvaluated({ modelRandomisation, randomLogit, verdict }: MethodSanity): EvaluatedSanity {
  return { modelRandomisation, ...(randomLogit ? { randomLogit } : {}), verdict };
}

/** The best and worst cases by the headline score: of generators first, of baselines not at all. */
async function drawCases(
  { headlineValues, ranking }: Summary,
  measurement: Measurement,
  parts: PartFolder,
): Promise<GalleryCase[]> {
  const { methods, options } = measurement;
  const explaining = methods.filter(({ kind }) => kind !== 'baseline').map(({ name }) => name);
  const values = new Map([...headlineValues].filter(([name]) => explaining.length === 0 || explaining.includes(name)));
  const { better } = SCORES[ranking.headline as keyof typeof SCORES];
  const choices = chooseCases({ values, better, count: options.gallery, methods: methods.length });
  return drawGallery(choices, parts, measurement, headlineValues);
}

async function write(results: EvaluationResults, measurement: Measurement, parts: PartFolder): Promise<Evaluation> {
  const { out } = measurement.options;
  const names = results.methods.map(({ name }) => name);
  const [json, csv, report] = ['results.json', 'results.csv', 'report.html'].map((name) => join(out, name)) as [
    string,
    string,
    string,
  ];
  await writeCsv(csv, { parts, methods: names, scores: measurement.scorer.names, classes: results.cnn.classes });
  const times = await collectTimes(parts, names);
  await writeFileAtomic(join(out, TIMES_FILE), `${JSON.stringify(times, null, 2)}\n`);
  await writeEvaluationPage(report, results, times);
  await writeFileAtomic(json, `${JSON.stringify(results, null, 2)}\n`);
  return { results, json, csv, report };
}
