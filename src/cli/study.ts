import { InvalidArgumentError, Option, type Command } from 'commander';

import { withoutUndefined } from '../options.js';
import type { StudyOptions } from '../study/options.js';
import { addCommand, onRun } from './command.js';
import { integer, number } from './options.js';

type Cnns = NonNullable<StudyOptions['cnns']>;
type Data = NonNullable<StudyOptions['data']>;

interface StudyFlags {
  out: string;
  preset: 'small' | 'paper';
  cnns?: Cnns;
  data?: Data;
  variants?: ('lsft' | 'gsft')[];
  targets?: ('excluded' | 'included')[];
  scopes?: ('one' | 'mix' | 'without-cnn' | 'without-data')[];
  seeds?: number[];
  train?: number;
  validation?: number;
  test?: number;
  imageSize?: number;
  size?: number;
  steps?: number;
  learningRate?: number;
  schedule?: 'constant' | 'cosine';
  decayShare?: number;
  finalRate?: number;
  lengthen?: number;
  limit?: number;
  minutes?: number;
  device: string;
  json?: boolean;
}

/** resnet18, or resnet18:width=0.25:head=paper */
function cnn(text: string, before: Cnns = []): Cnns {
  const [arch = '', ...pairs] = text.split(':');
  const options = pairs.map((pair) => {
    const [key, value] = pair.split('=');
    if (!key || value === undefined)
      throw new InvalidArgumentError('Expected NAME or NAME:option=value, such as resnet18:width=0.25.');
    return [key, value === '' || Number.isNaN(Number(value)) ? value : Number(value)] as const;
  });
  return [...before, { arch, options: Object.fromEntries(options) }];
}

const SOURCES = ['composed', 'fashion-mnist', 'cifar10', 'folder'] as const;

/** composed, fashion-mnist, cifar10=PATH, or NAME=FOLDER of a folder of classes */
function source(text: string, before: Data = []): Data {
  const [name = '', from] = text.split(/=(.*)/s);
  const known = SOURCES.find((one) => one === name);
  if (!known && from === undefined)
    throw new InvalidArgumentError('Expected composed, fashion-mnist, cifar10=PATH or NAME=FOLDER.');
  const place = from === undefined ? {} : { from };
  return [...before, known ? { source: known, ...place } : { name, source: 'folder' as const, ...place }];
}

const seeds = (text: string, before?: number[]): number[] => [...(before ?? []), integer(0)(text)];

const choices =
  (values: readonly string[]) =>
  (text: string, before: string[] = []) => {
    if (!values.includes(text)) throw new InvalidArgumentError(`Expected ${values.join(', ')}.`);
    return [...before, text];
  };

export function register(program: Command): void {
  const command = addCommand(program, 'study', "runs the paper's study: CNNs × data × generators, with answers and a page", {
    device: true,
  })
    .requiredOption('--out <folder>', "the study's folder; a study in it is gone on with")
    .addOption(
      new Option('--preset <name>', 'small: two CPU cores, some hours; paper: a GPU').choices(['small', 'paper']).default('small'),
    )
    .option('--cnns <name...>', 'architectures: small, resnet18:width=0.25 …', cnn)
    .option('--data <name...>', 'composed, fashion-mnist, cifar10=PATH, NAME=FOLDER', source)
    .option('--variants <name...>', 'lsft, gsft', choices(['lsft', 'gsft']))
    .option('--targets <name...>', "excluded, included: the target's map among the averages", choices(['excluded', 'included']))
    .option('--scopes <name...>', 'one, mix, without-cnn, without-data', choices(['one', 'mix', 'without-cnn', 'without-data']))
    .option('--seeds <number...>', 'of the headline cells; the others have the first (0 1 2)', seeds)
    .option('--train <count>', 'training images of each data set', integer(1))
    .option('--validation <count>', 'validation images', integer(1))
    .option('--test <count>', 'held-out images', integer(1))
    .option('--image-size <pixels>', "height and width of the CNNs' input", integer(16, 1024))
    .option('--size <pixels>', 'height and width of the maps', integer(11, 1024))
    .option('--steps <count>', "of a generator's training", integer(1))
    .option('--learning-rate <rate>', "the generators'", number(0))
    .addOption(new Option('--schedule <name>', 'learning rates over a training').choices(['constant', 'cosine']))
    .option('--decay-share <share>', 'of the steps, that the cosine takes (all)', number(0, 1))
    .option('--final-rate <share>', 'of the learning rates, that the cosine ends at (0)', number(0, 1))
    .option('--lengthen <count>', 'times a training not at rest is done anew, for twice the steps', integer(0, 8))
    .option('--limit <count>', 'held-out images for relevance and the scores on the CNN (all)', integer(1))
    .option('--minutes <count>', 'stop in time, whole; a later call goes on', number(0)); // prettier-ignore
  onRun(command, async (context, flags: StudyFlags) => {
    const { study } = await import('../study/study.js');
    const { studySummary } = await import('../report/study_summary.js');
    let bar: ReturnType<typeof context.progress> | undefined;
    const result = await study({
      ...optionsOf(flags),
      signal: context.signal,
      onStep: (step, done, total) => {
        bar?.finish();
        bar = context.progress({ label: `${done + 1}/${total} ${step}`, unit: '' });
        return (part, of, note) => bar?.update(part, note, of);
      },
    });
    bar?.finish();
    context.print(studySummary(result));
    return result;
  });
}

function optionsOf(flags: StudyFlags): StudyOptions {
  const { train, validation, test, steps, learningRate, schedule, decayShare, finalRate, json: _json, ...rest } = flags;
  const generatorAdam = learningRate === undefined ? undefined : { learningRate };
  return {
    ...rest,
    images: withoutUndefined({ train, validation, test }),
    gan: withoutUndefined({ steps, schedule, decayShare, finalRate, generatorAdam }),
  };
}
