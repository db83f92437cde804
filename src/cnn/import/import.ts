/** A model of any format as a spec and weights, with what the caller says about it laid over what its file says. */
import { z } from 'zod';

import { CumulensError } from '../../errors.js';
import { didYouMean } from '../../options.js';
import { mergePreprocessing, preprocessingOption } from '../preprocessing.js';
import { parseCnnSpec, type CnnSpec, type CnnSpecInput } from '../spec.js';
import { selectTaps, tapsOption } from '../taps.js';
import { ARCHITECTURE_NAMES } from '../zoo/architectures.js';
import type { ImportedCnn, Importer } from './contract.js';
import type { ModelFormat } from './detect.js';

const side = z.number().int().positive();
const size = z.strictObject({ channels: side.optional(), height: side, width: side });

/** A network by the name of its architecture, or its spec. */
const arch = z.union(
  [
    z.enum(ARCHITECTURE_NAMES),
    z
      .custom<CnnSpecInput>((value) => typeof value === 'object' && value !== null)
      .transform((spec) => parseCnnSpec(spec, 'arch')),
  ],
  {
    error: ({ input }) =>
      `expected ${ARCHITECTURE_NAMES.join(', ')} or a spec${didYouMean(String(input), ARCHITECTURE_NAMES)}`,
  },
);

/** What may be said of a model beside its file. */
export const importFields = {
  arch: arch.optional(),
  input: z
    .union([side.transform((pixels) => ({ height: pixels, width: pixels })), size], {
      error: 'expected a number of pixels or { height, width, channels }',
    })
    .optional(),
  preprocessing: preprocessingOption.optional(),
  classes: z.array(z.string()).min(1).optional(),
  tapAt: z.enum(['conv', 'activation']).optional(),
  taps: tapsOption.optional(),
};
const importSchema = z.strictObject(importFields);
/**
 * - `arch`: for weights without a network (a state dict in safetensors): an architecture by name, or a spec such as `resnet50({ width: 0.5 })`
 * - `input`: the image size, where the file leaves it open
 * - `preprocessing`: how a picture becomes the input: a mode by name ('torch', 'tf', 'caffe', 'bytes', 'none') or settings
 * - `classes`: names, in the order of the logits
 * - `tapAt`: 'conv' or 'activation', in place of what the format implies
 * - `taps`: names, patterns or { every: n } (see TapSelection)
 */
export type ImportOptions = z.input<typeof importSchema>;
export type ParsedImportOptions = z.output<typeof importSchema>;

/** One a format, loaded when it is needed: the libraries that read containers are large. */
export const IMPORTERS: Readonly<Partial<Record<ModelFormat, () => Promise<Importer>>>> = {
  onnx: async () => (await import('./onnx/import.js')).importOnnx,
  keras: async () => (await import('./keras/import.js')).importKeras,
  tfjs: async () => (await import('./tfjs/import.js')).importTfjs,
};

/** @throws CumulensError ERR_IO, or ERR_FORMAT naming what is wrong with the file, or what in it is not supported */
export async function importModel(
  path: string,
  format: ModelFormat,
  options: ParsedImportOptions,
): Promise<ImportedCnn> {
  const load = IMPORTERS[format];
  if (!load) throw new CumulensError('ERR_FORMAT', `${path}: ${format} cannot be imported`);
  const importer = await load();
  try {
    return await importer(path, { input: options.input });
  } catch (cause) {
    // A file that is built to be misread may nest deeper than a stack goes, or say what no reader has thought of.
    if (!(cause instanceof RangeError || cause instanceof z.ZodError)) throw cause;
    const [reason] = cause instanceof z.ZodError ? cause.issues.map(({ message }) => message) : [cause.message];
    throw new CumulensError('ERR_FORMAT', `${path}: cannot be read: ${reason ?? 'malformed'}`, { cause });
  }
}

/**
 * The checked spec, with the caller's word over the file's.
 * @throws CumulensError ERR_FORMAT for what the file says, ERR_OPTION for what the caller does
 */
export function finishSpec(spec: unknown, options: ParsedImportOptions, path: string): CnnSpec {
  const source = parseCnnSpec(spec, path, 'ERR_FORMAT');
  const { input, preprocessing, classes, tapAt, taps } = options;
  checkInput(source.input, input, path);
  const merged = mergePreprocessing(source.preprocessing, preprocessing);
  const { taps: sourceTaps, ...rest } = source;
  const changed = parseCnnSpec(
    {
      ...rest,
      // Other taps than the source's are asked for by saying where they lie.
      ...(tapAt && tapAt !== source.tapAt ? { tapAt } : { taps: sourceTaps }),
      ...(merged ? { preprocessing: merged } : {}),
      ...(classes ? { classes } : {}),
    },
    path,
  );
  if (taps === undefined) return changed;
  const nodes = changed.nodes.map((node) => node.name);
  return { ...changed, taps: selectTaps(taps, { defaults: changed.taps, nodes }, path) };
}

function checkInput(actual: CnnSpec['input'], asked: ParsedImportOptions['input'], path: string): void {
  if (!asked) return;
  const { channels = actual.channels, height, width } = asked as { channels?: number; height: number; width: number };
  if (channels === actual.channels && height === actual.height && width === actual.width) return;
  throw new CumulensError(
    'ERR_OPTION',
    `${path}: takes images of [${actual.channels}, ${actual.height}, ${actual.width}], but input says [${channels}, ${height}, ${width}]`,
  );
}
