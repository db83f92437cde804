/** The methods of an evaluation: generators first, then those that need no training, then the baselines. */
import { existsSync } from 'node:fs';

import type { Cnn } from '../../cnn/cnn.js';
import { CumulensError } from '../../errors.js';
import { fingerprintTensors } from '../../fingerprint.js';
import { Generator } from '../../gan/generator.js';
import { generatorFile } from '../../gan/run_folder.js';
import { didYouMean } from '../../options.js';
import { disposeAll } from '../../tensor.js';
import type { ExplanationMethod } from '../contract.js';
import {
  createMethod,
  generatorMethod,
  METHOD_NAMES,
  type ConditioningOption,
  type MethodSettings,
} from '../methods/methods.js';
import type { EvaluationData } from './data.js';
import { defaultRecipe, distinct, LINEAR_NAME, linearMethods, recipeOf, type Recipe } from './linear.js';
import { selectMethods, type ParsedEvaluateOptions } from './options.js';

/** A generator that was asked for. */
interface Asked {
  name: string | undefined;
  what: Generator | string;
}

export interface LoadedGenerator {
  name: string;
  label: string;
  generator: Generator;
  /** Of its configuration and weights. */
  fingerprint: string;
  /** What its conditions are made with here, where its file says something this CNN has not. */
  laidOver: ConditioningOption;
  /** Whether it was loaded here, and is disposed of. */
  own: boolean;
}

function askedGenerators({ generators }: ParsedEvaluateOptions): Asked[] {
  if (!Array.isArray(generators)) return Object.entries(generators).map(([name, what]) => ({ name, what }));
  return generators.map((text) => {
    const [, name, path] = /^([^=/\\]+)=(.+)$/.exec(text) ?? [];
    return name !== undefined && path !== undefined && !existsSync(text)
      ? { name, what: path }
      : { name: undefined, what: text };
  });
}

/** `lsft:runs/a` names the variant too, as results do. */
function splitVariant(text: string): { variant: string | undefined; path: string } {
  const [, variant, path] = /^(lsft|gsft):(.+)$/.exec(text) ?? [];
  return variant !== undefined && path !== undefined ? { variant, path } : { variant: undefined, path: text };
}

async function fingerprintOf(generator: Generator): Promise<string> {
  const weights = await generator.stateDict();
  try {
    return await fingerprintTensors({ config: generator.config, ...generator.origin }, weights);
  } finally {
    disposeAll(weights);
  }
}

async function loadGenerator({ name, what }: Asked, cnn: Cnn): Promise<LoadedGenerator> {
  const { variant, path } = splitVariant(typeof what === 'string' ? what : '');
  const own = typeof what === 'string';
  const generator = own ? await Generator.load(await generatorFile(path), { device: cnn.device }) : what;
  if (variant && variant !== generator.config.variant)
    throw new CumulensError(
      'ERR_OPTION',
      `${path}: is a generator of variant ${generator.config.variant}, not ${variant}`,
    );
  const tap = generator.origin.conditioning?.targetTap;
  return {
    name: name ?? `${generator.config.variant}:${path}`,
    label: `${generator.config.variant.toUpperCase()} ${name ?? path}`,
    generator,
    fingerprint: await fingerprintOf(generator),
    laidOver: typeof tap === 'string' && !cnn.taps.includes(tap) ? { targetTap: -1 } : {},
    own,
  };
}

/** Results go by names. @throws CumulensError ERR_OPTION for a name that another method has */
function checkName(name: string, others: readonly LoadedGenerator[]): void {
  if (others.some((other) => other.name === name))
    throw new CumulensError('ERR_OPTION', `evaluate.generators: two are named '${name}'; name them: NAME=PATH`);
  if ((METHOD_NAMES as readonly string[]).includes(name) || LINEAR_NAME.test(name))
    throw new CumulensError(
      'ERR_OPTION',
      `evaluate.generators: '${name}' is the name of a method that needs no training; name it otherwise: NAME=PATH`,
    );
}

/** @throws CumulensError ERR_IO, ERR_FORMAT, ERR_OPTION when two have one name, or one that is taken */
export async function loadGenerators(options: ParsedEvaluateOptions, cnn: Cnn): Promise<LoadedGenerator[]> {
  const loaded: LoadedGenerator[] = [];
  try {
    for (const asked of askedGenerators(options)) {
      const one = await loadGenerator(asked, cnn);
      loaded.push(one);
      checkName(one.name, loaded.slice(0, -1));
    }
    return loaded;
  } catch (error) {
    disposeGenerators(loaded);
    throw error;
  }
}

export function disposeGenerators(loaded: readonly LoadedGenerator[]): void {
  for (const { generator, own } of loaded) if (own) generator.dispose();
}

/** What a reader must know of how the generators are used. @param agreement whether it is measured */
export function generatorNotes(
  loaded: readonly LoadedGenerator[],
  { target, methodSettings }: ParsedEvaluateOptions,
  agreement: boolean,
): string[] {
  const disagree = agreement && !methodSettings.target && drawnTargets(loaded).length > 1;
  const ofAll = disagree
    ? ['the generators were trained to draw different maps: agreement is measured with Grad-CAM at the last tap']
    : [];
  const ofEach = loaded.flatMap(({ name, generator, laidOver }) => {
    const { conditioning } = generator.origin;
    const notes: string[] = [];
    if (!conditioning)
      notes.push(`'${name}' does not say how its conditions were made: they are made as prepare does by default`);
    if (laidOver.targetTap !== undefined)
      notes.push(
        `'${name}' was trained on another CNN: this one has no tap '${conditioning?.targetTap ?? ''}', and its last tap takes that place`,
      );
    if (conditioning && conditioning.target !== target)
      notes.push(
        `'${name}' was trained to explain ${classText(conditioning.target)}; here it explains ${classText(target)}`,
      );
    return notes;
  });
  return [...ofAll, ...ofEach];
}

const classText = (target: 'predicted' | 'label' | number): string =>
  typeof target === 'number' ? `class ${target}` : target === 'label' ? "each image's label" : 'the predicted class';

export interface EvaluationMethods {
  methods: ExplanationMethod[];
  notes: string[];
  dispose(): void;
}

/** What generators were trained to draw, each thing once. */
function drawnTargets(loaded: readonly LoadedGenerator[]): MethodSettings['target'][] {
  const drawn = loaded.map(({ generator: { origin }, laidOver }) => ({
    method: origin.conditioning?.targetMethod ?? 'gradcam',
    tap: laidOver.targetTap ?? origin.conditioning?.targetTap ?? -1,
  }));
  return [...new Map(drawn.map((one) => [JSON.stringify(one), one])).values()];
}

/** What the generators were trained to draw, where all agree on it: agreement is measured with that. */
export function targetSettings(
  loaded: readonly LoadedGenerator[],
  { methodSettings }: ParsedEvaluateOptions,
): MethodSettings['target'] {
  if (methodSettings.target) return methodSettings.target;
  const drawn = drawnTargets(loaded);
  return drawn.length === 1 ? (drawn[0] as MethodSettings['target']) : {};
}

/** The methods that need no training. @throws CumulensError ERR_OPTION for a wrong name or setting */
export function namedMethods(loaded: readonly LoadedGenerator[], options: ParsedEvaluateOptions): ExplanationMethod[] {
  const chosen = selectMethods(options.methods);
  // Settings of a method that is not evaluated would do nothing; the target's say what agreement is measured with.
  const unused = Object.keys(options.methodSettings).find(
    (name) => name !== 'target' && !(chosen as readonly string[]).includes(name),
  );
  if (unused !== undefined)
    throw new CumulensError(
      'ERR_OPTION',
      `evaluate.methodSettings: '${unused}' is not among the methods that are evaluated${didYouMean(unused, chosen)}`,
    );
  return chosen.map((name) =>
    createMethod(name, name === 'target' ? targetSettings(loaded, options) : (options.methodSettings[name] ?? {})),
  );
}

/** Every method, with its settings chosen. @throws CumulensError ERR_OPTION for a wrong name or setting */
export async function createMethods(
  loaded: readonly LoadedGenerator[],
  context: { cnn: Cnn; data: EvaluationData; options: ParsedEvaluateOptions },
): Promise<EvaluationMethods> {
  const { cnn, data, options } = context;
  const named = namedMethods(loaded, options);
  const generators = loaded.map(({ generator, name, label, laidOver }) =>
    generatorMethod(generator, { name, label, conditioning: laidOver }),
  );
  const recipes: Recipe[] = loaded.map(({ generator, laidOver }) => recipeOf(generator, cnn, laidOver));
  const linear = await linearMethods(recipes.length > 0 ? distinct(recipes) : [defaultRecipe(data)], context);
  const isBaseline = ({ kind }: ExplanationMethod): boolean => kind === 'baseline';
  const [explaining, baselines] = [named.filter((method) => !isBaseline(method)), named.filter(isBaseline)];
  return {
    methods: [...generators, ...explaining, ...baselines, ...linear.methods],
    notes: linear.reason ? [`the baseline 'linear' is left out: ${linear.reason}`] : [],
    dispose: () => linear.weights.forEach((tensor) => tensor.dispose()),
  };
}
