/** The options of `prepare`, and the settings that they come to for one CNN. */
import { z } from 'zod';

import { Cnn } from '../cnn/cnn.js';
import { CumulensError } from '../errors.js';
import { fingerprintTensors } from '../fingerprint.js';
import { mapFields, toNativeMapOptions } from '../maps/options.js';
import type { NativePrepareSettings } from '../native.js';
import { parseOptions } from '../options.js';
import { outFields } from './output.js';
import type { PrepareSource } from './prepare_source.js';
import type { Problem } from './problems.js';
import { FITS, INTERPOLATIONS, resizeFields, type Resize } from './resize.js';
import { splitFields } from './split.js';

const { out, signal, onProgress } = outFields;

export const prepareSchema = z.strictObject({
  cnn: z.union([z.custom<Cnn>((value) => value instanceof Cnn), z.string().min(1)], {
    error: "expected a Cnn or its file's path",
  }),
  /** A dataset directory … */
  data: z.string().min(1).optional(),
  /** … or a folder of image files. */
  images: z.string().min(1).optional(),
  out,
  ...mapFields,
  size: z.number().int().min(8).max(4096).default(64),
  conditions: z.number().int().min(1).max(1000).default(8),
  /** The class whose logit is explained: the predicted one, the sample's label, or one for all. */
  target: z.union([z.enum(['predicted', 'label']), z.number().int().nonnegative()]).default('predicted'),
  /** grey: the map. jet: a jet-coloured picture of it. */
  targetColors: z.enum(['gray', 'jet']).default('gray'),
  /** Samples a file: what is held in memory, and what a killed run does again. */
  shardSize: z.number().int().min(1).max(65536).default(512),
  strict: z.boolean().default(false),
  /** How image files are brought to the CNN's size, in place of what the CNN's preprocessing says. */
  fit: z.enum(FITS).optional(),
  scale: resizeFields.scale.unwrap().optional(),
  interpolation: z.enum(INTERPOLATIONS).optional(),
  ...splitFields,
  device: z.string().default('auto'),
  onProblem: z.custom<(problem: Problem) => void>((value) => typeof value === 'function').optional(),
  signal,
  onProgress,
});

/** METHOD §7: what the published code does, for comparison with its results. */
const REFERENCE = {
  method: 'guided-gradcam-weights',
  targetMethod: 'guided-gradcam-weights',
  order: 'reverse',
  excludeTarget: false,
  targetTap: 0,
  target: 0,
  targetColors: 'jet',
} as const;

export interface PrepareOptions extends z.input<typeof prepareSchema> {
  /** Other defaults: 'reference' keeps what the published code does, faults included. */
  preset?: 'reference';
}
export type ParsedPrepareOptions = z.output<typeof prepareSchema>;

/** @throws CumulensError ERR_OPTION */
export function parsePrepareOptions(options: PrepareOptions): ParsedPrepareOptions {
  const { preset, ...given } = parseOptions(
    z.looseObject({ preset: z.enum(['reference']).optional() }),
    options,
    'prepare',
  );
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const parsed = parseOptions(
    prepareSchema,
    preset === 'reference' ? { ...REFERENCE, ...defined } : defined,
    'prepare',
  );
  if ((parsed.data === undefined) === (parsed.images === undefined)) {
    throw new CumulensError(
      'ERR_OPTION',
      'prepare: give either data (a dataset directory) or images (a folder of image files)',
    );
  }
  return parsed;
}

/** Everything that the result depends on, as dataset.json keeps it. */
export type PrepareSettings = Record<string, string | number | boolean | number[] | string[]>;

/** What of the resizing was asked for. */
export function chosenResize({ fit, scale, interpolation }: ParsedPrepareOptions): Partial<Resize> {
  const chosen = { fit, scale, interpolation };
  return Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
}

/** SHA-256 over the spec and every tensor of the CNN's file. */
export async function fingerprintCnn(cnn: Cnn): Promise<string> {
  return cnn.withContents((tensors) => fingerprintTensors(cnn.spec, tensors));
}

export function nativeSettings(options: ParsedPrepareOptions, cnn: Cnn): NativePrepareSettings {
  const { height, width } = cnn.spec.input;
  return {
    ...toNativeMapOptions(
      options,
      { taps: cnn.taps, input: cnn.spec.input },
      { maps: false, normalise: true },
      'prepare',
    ),
    input: [height, width],
    jetTarget: options.targetColors === 'jet',
  };
}

/** The taps whose maps the conditions average, in the order of averaging. */
export function averagedTaps({ order, excludeTarget, targetTap }: NativePrepareSettings, cnn: Cnn): string[] {
  const target = targetTap < 0 ? targetTap + cnn.taps.length : targetTap;
  const taps = cnn.taps.slice(0, excludeTarget ? target : undefined);
  return order === 'reverse' ? taps.reverse() : taps;
}

export async function describeSettings(
  options: ParsedPrepareOptions,
  cnn: Cnn,
  source: Pick<PrepareSource, 'fingerprint' | 'resize'>,
): Promise<PrepareSettings> {
  return {
    cnn: await fingerprintCnn(cnn),
    source: source.fingerprint,
    size: options.size,
    conditions: options.conditions,
    method: options.method,
    order: options.order,
    excludeTarget: options.excludeTarget,
    targetMethod: options.targetMethod,
    // As it was asked for: the last tap of one CNN is that of another, whatever it is called.
    targetTap: options.targetTap,
    target: options.target,
    targetColors: options.targetColors,
    batchSize: options.batchSize,
    shardSize: options.shardSize,
    ...source.resize,
    ...(options.images === undefined ? {} : { test: options.test, validation: options.validation }),
  };
}
