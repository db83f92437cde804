/** The methods of an evaluation: generators first, then those that need no training, then the baselines. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { Cnn } from '../../cnn/cnn.js';
import { CumulensError } from '../../errors.js';
import { fingerprintTensors } from '../../fingerprint.js';
import { Generator } from '../../gan/generator.js';
import { checkpointFolder, checkpointNames } from '../../run_folder.js';
import { didYouMean } from '../../options.js';
import { disposeAll } from '../../tensor.js';
import type { ExplanationMethod } from '../contract.js';
import { createMethod, generatorMethod, type ConditioningOption, type MethodSettings } from '../methods/methods.js';
import type { EvaluationData } from './data.js';
import { defaultRecipe, distinct, linearMethods, recipeOf, type Recipe } from './linear.js';
import { selectMethods, type ParsedEvaluateOptions } from './options.js';

const GENERATOR_FILE = 'generator.safetensors';

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

/** The file of a path that may be a run's folder. @throws CumulensError ERR_IO saying what is there instead */
async function generatorFile(path: string): Promise<string> {
  if (!existsSync(path)) throw new CumulensError('ERR_IO', `${path}: there is no such generator file or run folder`);
  if (!statSync(path).isDirectory()) return path;
  const file = join(path, GENERATOR_FILE);
  if (existsSync(file)) return file;
  const [newest] = await checkpointNames(path);
  const hint = newest
    ? `: the training is not finished; its newest checkpoint is ${join(checkpointFolder(path, newest), GENERATOR_FILE)}`
    : '';
  throw new CumulensError('ERR_IO', `${path}: has no ${GENERATOR_FILE}${hint}`);
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

/** @throws CumulensError ERR_IO, ERR_FORMAT, ERR_OPTION when two have one name */
export async function loadGenerators(options: ParsedEvaluateOptions, cnn: Cnn): Promise<LoadedGenerator[]> {
  const loaded: LoadedGenerator[] = [];
  try {
    for (const asked of askedGenerators(options)) {
      const one = await loadGenerator(asked, cnn);
      loaded.push(one);
      if (loaded.some((other) => other !== one && other.name === one.name))
        throw new CumulensError('ERR_OPTION', `evaluate.generators: two are named '${one.name}'; name them: NAME=PATH`);
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

/** What a reader must know of how the generators are used. */
export function generatorNotes(loaded: readonly LoadedGenerator[], { target }: ParsedEvaluateOptions): string[] {
  return loaded.flatMap(({ name, generator, laidOver }) => {
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
}

const classText = (target: 'predicted' | 'label' | number): string =>
  typeof target === 'number' ? `class ${target}` : target === 'label' ? "each image's label" : 'the predicted class';

export interface EvaluationMethods {
  methods: ExplanationMethod[];
  notes: string[];
  dispose(): void;
}

/** What a generator was trained to draw, where all agree on it: agreement is measured with that. */
export function targetSettings(
  loaded: readonly LoadedGenerator[],
  { methodSettings }: ParsedEvaluateOptions,
): MethodSettings['target'] {
  if (methodSettings.target) return methodSettings.target;
  const drawn = loaded.map(({ generator: { origin }, laidOver }) => ({
    method: origin.conditioning?.targetMethod ?? 'gradcam',
    tap: laidOver.targetTap ?? origin.conditioning?.targetTap ?? -1,
  }));
  const [first, ...others] = drawn;
  return first && others.every(({ method, tap }) => method === first.method && tap === first.tap) ? first : {};
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
