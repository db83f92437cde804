import { readFile } from 'node:fs/promises';

import { InvalidArgumentError, Option, type Command } from 'commander';

import type { Cnn, LoadCnnOptions } from '../cnn/cnn.js';
import { arithmeticOf, PREPROCESSING_MODES } from '../cnn/preprocessing.js';
import { ARCHITECTURE_NAMES, type ArchitectureName } from '../cnn/zoo/architectures.js';
import { FITS, INTERPOLATIONS, type Fit, type Interpolation } from '../data/resize.js';
import { CumulensError } from '../errors.js';
import { addCommand, onRun } from './command.js';
import { integer, number } from './options.js';

interface ImportFlags {
  out?: string;
  arch?: ArchitectureName;
  listTaps?: boolean;
  input?: { height: number; width: number; channels?: number };
  preprocessing?: keyof typeof PREPROCESSING_MODES;
  fit?: Fit;
  scale?: number;
  interpolation?: Interpolation;
  classes?: string;
  tapAt?: 'conv' | 'activation';
  taps?: string[];
  tapEvery?: number;
  json?: boolean;
}

/** 224, 224x192 (height first) or 224x192x1. */
function inputSize(text: string): { height: number; width: number; channels?: number } {
  const match = /^(\d+)(?:[x×](\d+))?(?:[x×](\d+))?$/.exec(text.trim());
  const [height, width, channels] = (match?.slice(1) ?? []).map((part) => (part ? Number(part) : undefined));
  if (!height || width === 0 || channels === 0) {
    throw new InvalidArgumentError('Expected pixels such as 224, 224x192 (height first) or 224x192x1.');
  }
  return { height, width: width ?? height, ...(channels ? { channels } : {}) };
}

async function readNames(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CumulensError('ERR_IO', `${path}: cannot read: ${(cause as Error).message}`, { cause });
  });
  return text.trimEnd().split(/\r?\n/);
}

/** What the flags say, as `Cnn.load` takes it. */
async function toOptions(flags: ImportFlags): Promise<LoadCnnOptions> {
  const { arch, input, preprocessing, fit, scale, interpolation, classes, tapAt, taps, tapEvery } = flags;
  const resize = Object.fromEntries(
    Object.entries({ fit, scale, interpolation }).filter(([, value]) => value !== undefined),
  );
  const settings = { ...(preprocessing ? arithmeticOf(preprocessing) : {}), resize };
  const plain = Object.keys(resize).length === 0;
  return {
    ...(arch ? { arch } : {}),
    ...(input ? { input } : {}),
    ...(plain ? (preprocessing ? { preprocessing } : {}) : { preprocessing: settings }),
    ...(classes ? { classes: await readNames(classes) } : {}),
    ...(tapAt ? { tapAt } : {}),
    ...(tapEvery ? { taps: { every: tapEvery, ...(taps ? { among: taps } : {}) } } : taps ? { taps } : {}),
  };
}

const by = (shape: readonly number[]): string => shape.join('×');

function tapTable(cnn: Cnn): string {
  const rows = cnn.describeTaps().map(({ name, op, shape }) => [name, op, by(shape)] as const);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  return rows
    .map(([name, op, shape]) => `${name.padEnd(widths[0] as number)}  ${op.padEnd(widths[1] as number)}  ${shape}`)
    .join('\n');
}

function describe({ spec, taps, classes }: Cnn): string {
  const { channels, height, width } = spec.input;
  const { range, mean, std, channelOrder, resize } = spec.preprocessing;
  const arithmetic = [
    `range ${range.join(' … ')}`,
    ...(mean.length > 0 ? [`mean ${mean.join(', ')}`] : []),
    ...(std.length > 0 ? [`std ${std.join(', ')}`] : []),
    channelOrder,
  ];
  return [
    `  input ${by([channels, height, width])}, ${classes} classes, ${taps.length} taps (${spec.tapAt})`,
    `  preprocessing: ${arithmetic.join('; ')}; ${resize.fit}${resize.scale > 1 ? ` from ${resize.scale.toFixed(3)}` : ''}, ${resize.interpolation}`,
  ].join('\n');
}

export function register(program: Command): void {
  const command = addCommand(
    program,
    'import',
    'make a CNN file of a model in another format: TorchScript, ONNX, Keras, tfjs, weights of torchvision',
  )
    .argument(
      '<model>',
      'model.pt, model.onnx, model.keras, model.h5, model.json of tfjs, weights or a CNN in safetensors',
    )
    .option('--out <file>', 'the CNN file to write, such as cnn.safetensors')
    .addOption(
      new Option('--arch <name>', 'for weights alone: whose they are, where their names do not tell').choices(
        ARCHITECTURE_NAMES,
      ),
    )
    .option('--list-taps', 'print the name, op and output shape of every tap')
    .option('--input <size>', 'image size where the file leaves it open: 224, 224x192, 224x192x1', inputSize)
    .addOption(
      new Option('--preprocessing <mode>', "what becomes of a picture's [0, 1]; Keras' names").choices(
        Object.keys(PREPROCESSING_MODES),
      ),
    )
    .addOption(new Option('--fit <fit>', 'crop the centre of a picture, or stretch it').choices(FITS))
    .option(
      '--scale <factor>',
      'crop: the centre of a picture made so many times the input (256/224 = 1.143)',
      number(1, 4),
    )
    .addOption(new Option('--interpolation <filter>', 'how a picture is resized').choices(INTERPOLATIONS))
    .option('--classes <file>', "the classes' names, one a line")
    .addOption(
      new Option('--tap-at <place>', 'tap convolutions, or the activations they own').choices(['conv', 'activation']),
    )
    .option('--taps <names...>', "taps by name, or by pattern: 'layer4.*' '!*.downsample.*'")
    .option('--tap-every <n>', 'the last tap and every nth before it', integer(1));
  onRun(command, async (context, flags: ImportFlags, model: string) => {
    if (!flags.out && !flags.listTaps) throw new CumulensError('ERR_OPTION', 'import: give --out FILE or --list-taps');
    const { Cnn } = await import('../cnn/cnn.js');
    const cnn = await Cnn.load(model, { device: 'cpu', ...(await toOptions(flags)) });
    try {
      for (const note of cnn.notes) context.log(`note: ${note}`);
      if (flags.out) await cnn.save(flags.out);
      if (flags.listTaps) context.print(tapTable(cnn));
      else context.print(`${flags.out ?? model}\n${describe(cnn)}`);
      const { input, preprocessing, tapAt } = cnn.spec;
      return {
        ...(flags.out ? { path: flags.out } : {}),
        input,
        classes: cnn.spec.classes ?? cnn.classes,
        tapAt,
        taps: cnn.describeTaps(),
        preprocessing,
        notes: cnn.notes,
      };
    } finally {
      cnn.dispose();
    }
  });
}
