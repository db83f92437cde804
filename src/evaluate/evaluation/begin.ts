/** The beginning of an evaluation: what exactly is evaluated, and whether its folder holds that already. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { fingerprintCnn } from '../../data/prepare_options.js';
import { CumulensError } from '../../errors.js';
import { readJson, writeFileAtomic } from '../../files.js';
import { beginOrContinue } from '../../run_folder.js';
import { version } from '../../version.js';
import type { ExplanationMethod } from '../contract.js';
import { createMethod } from '../methods/methods.js';
import { createScorer, SCORES, type ScoreName, type Scorer } from '../scores/scores.js';
import { tryMethods, type Measurement } from './measure.js';
import { createMethods, generatorNotes, namedMethods, targetSettings, type LoadedGenerator } from './methods.js';
import { selectMetrics, selectRanking } from './options.js';

/** What everything that an evaluation measures depends on, as evaluate.json keeps it. */
export type EvaluationSettings = Readonly<Record<string, unknown>>;

export interface Begun {
  measurement: Measurement;
  settings: EvaluationSettings;
  notes: string[];
  dispose(): void;
}

const SETTINGS_FILE = 'evaluate.json';
/** Methods that cannot explain this CNN, and why. */
const LEFT_OUT_FILE = 'left-out.json';

type Context = Pick<Measurement, 'cnn' | 'data' | 'options'>;

/** The scores that this data can give. @throws CumulensError ERR_OPTION when none are left */
function chooseScores({ data, options }: Context): { names: ScoreName[]; notes: string[] } {
  const asked = selectMetrics(options.metrics);
  const names = asked.filter((name) => SCORES[name].needs !== 'mask' || data.hasMasks);
  if (names.length === 0)
    throw new CumulensError(
      'ERR_OPTION',
      `evaluate.metrics: '${asked.join("', '")}' need masks, and the data has none`,
    );
  const left = asked.filter((name) => !names.includes(name)).map((name) => SCORES[name].label);
  return { names, notes: left.length > 0 ? [`${left.join(', ')}: left out, since the data has no masks`] : [] };
}

/** @throws CumulensError ERR_OPTION for a class that the CNN has not */
function checkTarget({ cnn, options: { target } }: Context): void {
  if (typeof target === 'number' && target >= cnn.classes)
    throw new CumulensError(
      'ERR_OPTION',
      `evaluate.target: class ${target}, but the CNN has ${cnn.classes} classes, from 0`,
    );
}

async function describeSettings(
  { cnn, data, options }: Context,
  generators: readonly LoadedGenerator[],
  scorer: Scorer,
  agreement: ExplanationMethod | undefined,
): Promise<EvaluationSettings> {
  const { split, target, seed, chunkSize, sanity, test, validation } = options;
  const { batchSize: _batchSize, ...scoreSettings } = scorer.settings;
  return {
    format: 'cumulens.evaluate/1',
    version,
    device: cnn.device.replace(/:.*/, ''),
    cnn: await fingerprintCnn(cnn),
    data: data.fingerprint,
    split,
    ...(data.kind === 'files' ? { test, validation } : {}),
    images: data.count,
    target,
    seed,
    chunkSize,
    generators: generators.map(({ name, fingerprint }) => ({ name, fingerprint })),
    methods: namedMethods(generators, options).map(({ name, settings }) => ({ name, settings })),
    metrics: scorer.names,
    scoreSettings,
    ...(agreement ? { agreement: agreement.settings } : {}),
    sanity,
  };
}

/** Loads, fits and tries what is evaluated, in a folder that is new or holds the beginning of the same. @throws CumulensError */
export async function beginEvaluation(context: Context, generators: readonly LoadedGenerator[]): Promise<Begun> {
  const { cnn, options } = context;
  checkTarget(context);
  const { names, notes } = chooseScores(context);
  selectRanking(options, names); // a wrong name is told now, not after all is measured
  const scorer = createScorer(names, options.scoreSettings);
  const agreement = names.some((name) => SCORES[name].needs === 'target')
    ? createMethod('target', targetSettings(generators, options))
    : undefined;
  const settings = await describeSettings(context, generators, scorer, agreement);
  const held = await beginOrContinue(options.out, SETTINGS_FILE, settings, {
    by: 'evaluate',
    opaque: {
      cnn: 'CNN (its weights differ)',
      data: 'set of images',
      generators: 'set of generators',
      methods: 'set of methods, or other settings of theirs',
      scoreSettings: 'choice of score settings',
      agreement: 'map that agreement is measured with',
      version: 'version of cumulens',
    },
  });
  let made: Awaited<ReturnType<typeof createMethods>> | undefined;
  const dispose = (): void => {
    using _held = held;
    made?.dispose();
  };
  try {
    made = await createMethods(generators, context);
    const leftOut = await findLeftOut(made.methods, generators, context);
    const methods = made.methods.filter(({ name }) => !(name in leftOut));
    const left = Object.entries(leftOut).map(([name, reason]) => `'${name}' is left out: ${reason}`);
    return {
      measurement: { cnn, data: context.data, options, methods, scorer, target: agreement },
      settings,
      notes: [...generatorNotes(generators, options, agreement !== undefined), ...made.notes, ...left, ...notes],
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Tries every method on one image, once for a folder. @throws CumulensError when one cannot that was asked for by its name */
async function findLeftOut(
  methods: readonly ExplanationMethod[],
  generators: readonly LoadedGenerator[],
  context: Context,
): Promise<Record<string, string>> {
  const path = join(context.options.out, LEFT_OUT_FILE);
  if (existsSync(path)) return (await readJson(path)) as Record<string, string>;
  const reasons = await tryMethods(methods, context);
  const asked = [...context.options.methods, ...generators.map(({ name }) => name)];
  for (const [name, reason] of Object.entries(reasons))
    if (asked.includes(name))
      throw new CumulensError('ERR_OPTION', `evaluate: '${name}' cannot explain this CNN: ${reason}`);
  await writeFileAtomic(path, `${JSON.stringify(reasons, null, 2)}\n`);
  return reasons;
}
