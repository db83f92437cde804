import { InvalidArgumentError, Option, type Command } from 'commander';

import { CumulensError } from '../errors.js';
import type { DatasetReport } from '../data/output.js';
import { SPLITS, type SplitName } from '../data/split.js';
import { addCommand, onRun } from './command.js';
import type { CommandContext } from './context.js';
import { integer, number } from './options.js';

interface DataFlags {
  from?: string;
  out: string;
  format: 'shards' | 'folders';
  size: number;
  shardSize: number;
  train?: number;
  validation?: number;
  test?: number;
  perClass?: Partial<Record<SplitName, number>>;
  fit?: 'crop' | 'stretch';
  strict?: boolean;
  seed?: number;
  device?: string;
}

type Source = 'composed' | 'fashion-mnist' | 'cifar10' | 'folder';
const SOURCES: readonly Source[] = ['composed', 'fashion-mnist', 'cifar10', 'folder'];
const FASHION_MNIST_FOLDER = '/usr/share/datasets/fashion-mnist';

/** 200,20,30; or less: 200 leaves the other splits whole. */
function quota(text: string): Partial<Record<SplitName, number>> {
  const counts = text.split(',').map((part) => part.trim());
  if (counts.length > SPLITS.length || counts.some((part) => !/^\d+$/.test(part))) {
    throw new InvalidArgumentError('Expected counts of train, validation and test images, such as 200,20,30.');
  }
  return Object.fromEntries(counts.map((part, i) => [SPLITS[i] as SplitName, Number(part)]));
}

/** Flags that only some sources know: a flag that would do nothing is refused. */
const FLAGS: Record<Source, readonly (keyof DataFlags)[]> = {
  composed: ['train', 'validation', 'test', 'seed', 'device'],
  'fashion-mnist': ['from', 'validation', 'perClass'],
  cifar10: ['from', 'validation', 'perClass'],
  folder: ['from', 'validation', 'test', 'perClass', 'fit', 'strict'],
};

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function checkFlags(source: Source, flags: DataFlags): void {
  const special = [...new Set(Object.values(FLAGS).flat())];
  const wrong = special.find((name) => flags[name] !== undefined && !FLAGS[source].includes(name));
  if (wrong)
    throw new CumulensError(
      'ERR_OPTION',
      `data ${source}: --${kebab(wrong)} has no meaning here; see 'cumulens data --help'`,
    );
  if (!flags.from && (source === 'cifar10' || source === 'folder')) {
    throw new CumulensError(
      'ERR_OPTION',
      `data ${source}: --from is missing: ${source === 'folder' ? 'a folder of class folders' : 'the batches, or their tar.gz'}`,
    );
  }
}

async function make(
  source: Source,
  { from, out, format, size, shardSize, ...rest }: DataFlags,
  context: CommandContext,
): Promise<DatasetReport> {
  const bar = context.progress({ label: `${source} → ${out}`, unit: 'images' });
  const common = {
    out,
    format,
    size,
    shardSize,
    signal: context.signal,
    onProgress: ({ done, total }: { done: number; total?: number }) => bar.update(done, undefined, total),
  };
  const { train, validation, test, perClass, fit, strict, seed, device } = rest;
  const ifGiven = <T extends object>(values: T): Partial<T> =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
  const data = { ...(await import('../data/ingest.js')), ...(await import('../data/composed.js')) };
  const archive = { ...common, ...ifGiven({ validation, perClass }) };
  switch (source) {
    case 'composed':
      return data.createComposedDataset({ ...common, ...ifGiven({ train, validation, test, seed, device }) });
    case 'fashion-mnist':
      return data.createFashionMnistDataset({ ...archive, from: from ?? FASHION_MNIST_FOLDER });
    case 'cifar10':
      return data.createCifar10Dataset({ ...archive, from: from as string });
    case 'folder':
      return data.createFolderDataset({
        ...archive,
        ...ifGiven({ test, fit, strict }),
        from: from as string,
        onProblem: ({ message }) => context.log(`warning: ${message}`),
      });
  }
}

function toSource(text: string): Source {
  if (SOURCES.includes(text as Source)) return text as Source;
  throw new CumulensError('ERR_OPTION', `data: unknown source '${text}', expected one of ${SOURCES.join(', ')}`);
}

export function register(program: Command): void {
  const command = addCommand(
    program,
    'data',
    'make a dataset: composed images, Fashion-MNIST, CIFAR-10 or a folder of images',
  )
    .argument('<source>', SOURCES.join(', '))
    .requiredOption('--out <folder>', 'where to write it; must not exist, or be empty')
    .option(
      '--from <path>',
      `what to read: folder: class/image files; cifar10: binary batches or their tar.gz; fashion-mnist: ${FASHION_MNIST_FOLDER}`,
    )
    .addOption(
      new Option('--format <format>', 'shards: a dataset directory; folders: split/class/image.png')
        .choices(['shards', 'folders'])
        .default('shards'),
    )
    .option('--size <pixels>', 'height and width of the images', integer(8, 1024), 64)
    .option('--shard-size <count>', 'samples in a file', integer(1, 65536), 1024)
    .option('--train <count>', 'composed: training images (4000)', integer(0))
    .option('--validation <amount>', 'composed: images (400); else: part of the training samples (0.1)', number(0))
    .option('--test <amount>', 'composed: images (1000); folder: part of the images (0.2)', number(0))
    .option(
      '--per-class <train,validation,test>',
      'fashion-mnist, cifar10, folder: at most so many of each class',
      quota,
    )
    .addOption(new Option('--fit <fit>', 'folder: crop to a square (default), or stretch').choices(['crop', 'stretch']))
    .option('--strict', 'folder: fail at the first image that cannot be read, and on any other problem')
    .option('--seed <number>', 'composed: seed of all random numbers (0)', integer(0))
    .option('--device <device>', 'composed: where to draw: auto, cpu, cuda or cuda:N (auto)');
  onRun(command, async (context, flags: DataFlags, name: string) => {
    const source = toSource(name);
    checkFlags(source, flags);
    const report = await make(source, flags, context);
    const counts = Object.entries(report.splits).map(([split, count]) => `${split} ${count}`);
    context.print(`${report.out}: ${report.classes.length} classes, ${report.size.join('×')}; ${counts.join(', ')}`);
    return report;
  });
}
