import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { Option, type Command } from 'commander';

import type { PrepareOptions } from '../data/prepare_options.js';
import { addCommand, onRun } from './command.js';
import { integer, number } from './options.js';

interface PrepareFlags extends Omit<PrepareOptions, 'data' | 'images'> {
  cnn: string;
  json?: boolean;
}

const METHODS = ['gradcam', 'guided-gradcam-weights', 'gradcam++', 'xgradcam', 'hirescam', 'layercam', 'eigencam'];

function toTarget(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function toTap(text: string): number | string {
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

export function register(program: Command): void {
  const command = addCommand(
    program,
    'prepare',
    "make a generator's training data from images and a CNN; run again, it continues where it was",
    { device: true },
  )
    .argument('<images>', "a dataset directory (of 'cumulens data'), or a folder of image files")
    .requiredOption('--cnn <file>', 'the CNN to explain')
    .requiredOption('--out <folder>', 'where to write it')
    .option('--size <pixels>', 'height and width of images and maps (64)', integer(8, 4096))
    .option('--conditions <count>', 'cumulative averages kept (8)', integer(1, 1000))
    .addOption(new Option('--order <order>', 'from shallow to deep (default), or back').choices(['forward', 'reverse']))
    .addOption(new Option('--method <method>', "how the averaged layers' maps are made (gradcam)").choices(METHODS))
    .addOption(new Option('--target-method <method>', 'how the target map is made (gradcam)').choices(METHODS))
    .option('--target-tap <tap>', "the target's tap: its name, or index (-1, the last)", toTap)
    .option(
      '--no-exclude-target',
      "average over the target's tap too; the target can then be computed from the conditions",
    )
    .option('--target <class>', "the class explained: 'predicted' (default), 'label' or a number", toTarget)
    .addOption(
      new Option('--preset <preset>', "'reference': as the published code does, faults included").choices([
        'reference',
      ]),
    )
    .option('--batch-size <count>', 'images at once (32)', integer(1))
    .option('--shard-size <count>', 'samples in a file (512)', integer(1, 65536))
    .addOption(new Option('--fit <fit>', 'image files: crop (default) or stretch').choices(['crop', 'stretch']))
    .option('--test <part>', 'image files: part held out for tests (0.2)', number(0, 1))
    .option('--validation <part>', 'image files: part held out for validation (0.1)', number(0, 1))
    .option('--strict', 'image files: fail at the first that cannot be read, and on any other problem');
  onRun(command, async (context, flags: PrepareFlags, images: string) => {
    const { prepare } = await import('../data/prepare.js');
    const bar = context.progress({ label: `prepare → ${flags.out}`, unit: 'images' });
    const given: PrepareFlags = { ...flags };
    delete given.json;
    // commander gives `--no-…` a default of true, which must not outdo a preset's.
    if (given.excludeTarget) delete given.excludeTarget;
    const dataset = await prepare({
      ...given,
      ...(existsSync(join(images, 'dataset.json')) ? { data: images } : { images }),
      signal: context.signal,
      onProblem: ({ message }) => context.log(`warning: ${message}`),
      onProgress: ({ done, total }) => bar.update(done, undefined, total),
    });
    const splits = Object.fromEntries(Object.entries(dataset.splits).map(([name, { count }]) => [name, count]));
    context.print(
      `${flags.out}: ${Object.entries(splits)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')}`,
    );
    return { out: flags.out, splits, settings: dataset.manifest.settings };
  });
}
