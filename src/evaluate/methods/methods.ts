/** Every way to explain that needs no training, by name. */
import { z } from 'zod';

import { CumulensError } from '../../errors.js';
import { withSignal } from '../../native.js';
import { didYouMean, parseOptions } from '../../options.js';
import type { ExplainRequest, ExplanationMethod, MethodKind } from '../contract.js';
import { baselines } from './baselines.js';
import { cams } from './cams.js';
import { count, type Explained, type MethodDefinition } from './definition.js';
import { gradients } from './gradients.js';
import { perturbations } from './perturbations.js';

export {
  generatorMethod,
  linearMethod,
  type ConditioningOption,
  type GeneratorMethodOptions,
  type LinearMethodOptions,
} from './learned.js';

const definitions = { ...cams, ...gradients, ...perturbations, ...baselines };
type Definitions = typeof definitions;

export type MethodName = keyof Definitions;

const execution = {
  /** Memory, not the result: */
  batchSize: count(1_000_000)
    .optional()
    .describe(
      'rows the network takes at once; by default as many as fit into about 1 GiB (4 GiB on a GPU), at most 1024',
    ),
};
type Execution = z.input<z.ZodObject<typeof execution>>;

/** The settings of each method, all of which have defaults. */
export type MethodSettings = { [Name in MethodName]: z.input<Definitions[Name]['settings']> & Execution };

/** What is known of a method before it is used. */
export interface MethodDescription {
  readonly name: MethodName;
  /** As tables show it. */
  readonly label: string;
  readonly kind: MethodKind;
  /** Where it was published, or what it is. */
  readonly source: string;
  /** The settings that it has if none are given. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** What each setting means. */
  readonly settings: Readonly<Record<string, string>>;
}

export const METHOD_NAMES = Object.keys(definitions) as readonly MethodName[];

/** A description may have been given to the field, or to what its default is of. */
function meaningOf(field: z.ZodDefault): string | undefined {
  return field.description ?? (field.unwrap() as z.ZodType).description;
}

export const METHODS = Object.fromEntries(
  METHOD_NAMES.map((name): [string, MethodDescription] => {
    const { label, kind, source, settings } = definitions[name];
    const fields: Readonly<Record<string, z.ZodDefault>> = settings.shape;
    const meanings = Object.entries(fields).map(([key, field]) => [key, meaningOf(field)]);
    return [
      name,
      {
        name,
        label,
        kind,
        source,
        defaults: settings.parse({}),
        settings: Object.fromEntries(meanings) as Record<string, string>,
      },
    ];
  }),
) as Readonly<Record<MethodName, MethodDescription>>;

/** What `createMethod` cannot make, and what does. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  linear: 'it is fitted to training samples: use linearMethod(weights, conditioning)',
  lsft: 'a generator has to be loaded: use generatorMethod(generator, { name })',
  gsft: 'a generator has to be loaded: use generatorMethod(generator, { name })',
};

function definitionOf(name: string): MethodDefinition {
  if (Object.hasOwn(definitions, name)) return definitions[name as MethodName];
  const hint = Object.hasOwn(ELSEWHERE, name) ? `; ${ELSEWHERE[name] ?? ''}` : didYouMean(name, METHOD_NAMES);
  throw new CumulensError(
    'ERR_OPTION',
    `unknown method '${name}'${hint || `; expected one of ${METHOD_NAMES.join(', ')}`}`,
  );
}

/**
 * A method with its settings chosen.
 *
 * ```ts
 * const rise = createMethod('rise', { masks: 2000 });
 * const maps = await rise.explain({ cnn, images, target, seed: 0, first: 0 });
 * ```
 * @param settings what METHODS[name].defaults lists, and `batchSize`: rows the network takes at once
 * @throws CumulensError ERR_OPTION for an unknown name or setting. Its `explain` throws ERR_OPTION for a tap that the CNN has not and a class that
 * it does not know, ERR_SHAPE, ERR_ABORTED, ERR_DISPOSED, ERR_OUT_OF_MEMORY.
 */
export function createMethod<Name extends string>(
  name: Name,
  settings?: Name extends MethodName ? MethodSettings[Name] : Readonly<Record<string, unknown>>,
): ExplanationMethod {
  const definition = definitionOf(name);
  const { label, kind, source } = definition;
  const { batchSize = 0, ...chosen } = parseOptions(
    z.strictObject({ ...definition.settings.shape, ...execution }),
    settings ?? {},
    name,
  ) as Record<string, unknown> & { batchSize?: number };
  const explained = (request: ExplainRequest): Omit<Explained, 'call'> => ({
    request,
    subject: { cnn: request.cnn.native, images: request.images, target: request.target, batchSize },
  });
  return {
    name,
    label,
    kind,
    source,
    settings: chosen,
    explain: (request) => withSignal(request.signal, (call) => definition.run({ ...explained(request), call }, chosen)),
  };
}
