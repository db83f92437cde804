import { Option, type Command } from 'commander';

import { PREPROCESSING_MODES } from '../cnn/preprocessing.js';
import type { TrainCnnOptions } from '../cnn/train_options.js';
import { ARCHITECTURE_NAMES } from '../cnn/zoo/architectures.js';
import { HEADS } from '../cnn/zoo/options.js';
import { addCommand, onRun } from './command.js';
import { integer, number } from './options.js';

interface TrainFlags extends Omit<TrainCnnOptions, 'data' | 'spec' | 'signal'> {
  spec?: string;
  json?: boolean;
}

/** A spec's JSON file. */
async function readSpec(path: string): Promise<NonNullable<TrainCnnOptions['spec']>> {
  const { readJson } = await import('../files.js');
  return (await readJson(path)) as NonNullable<TrainCnnOptions['spec']>;
}

export function register(program: Command): void {
  const command = addCommand(program, 'train-cnn', 'train a classifier on a dataset directory, to be explained', {
    device: true,
    seed: true,
  })
    .argument('<data>', "a dataset directory of images (of 'cumulens data')")
    .requiredOption(
      '--out <folder>',
      'the run: config, metrics, checkpoints, and cnn.safetensors with the best weights',
    )
    .addOption(
      new Option('--arch <name>', 'an architecture by name (that of --init, or small)').choices([
        'small',
        ...ARCHITECTURE_NAMES,
      ]),
    )
    .addOption(
      new Option('--head <head>', "what the network was published with (default), or the paper's").choices(HEADS),
    )
    .option('--width <factor>', "the architecture's channels times this (1)", number(0))
    .addOption(
      new Option('--preprocessing <mode>', "what becomes of a picture's [0, 1], if not as published").choices(
        Object.keys(PREPROCESSING_MODES),
      ),
    )
    .option('--init <file>', "weights to begin with: torchvision's or timm's as safetensors, or a CNN file")
    .option('--freeze <layers...>', "layers that stay as they are, by name, module or pattern: 'layer[123]' '!fc'")
    .option('--spec <file>', 'a spec of your own, as JSON')
    .option('--epochs <count>', 'passes over the training images (10)', integer(1))
    .option('--batch-size <count>', 'images a step (64)', integer(1))
    .addOption(new Option('--optimizer <name>', 'sgd with momentum (default), or adam').choices(['sgd', 'adam']))
    .option('--learning-rate <rate>', 'at its peak (sgd 0.1, without batch norms 0.01; adam 0.001)', number(0))
    .option('--momentum <part>', 'of sgd (0.9)', number(0, 1))
    .option('--weight-decay <factor>', 'of kernels and matrices (0.0005)', number(0))
    .option('--label-smoothing <part>', 'spread over the other classes (0.05)', number(0, 1))
    .option('--warmup-epochs <count>', 'in which the learning rate rises; then it falls by a cosine (0.5)', number(0))
    .option('--no-flip', 'do not mirror images at random')
    .option('--crop-padding <pixels>', 'shift images at random by up to this much (4)', integer(0))
    .option(
      '--validation <part>',
      'held out of the training images where the data has no validation split (0.1)',
      number(0, 1),
    )
    .option('--patience <epochs>', 'stop after so many without improvement (0: never)', integer(0))
    .option('--resume', 'go on with a run that was stopped');
  onRun(command, async (context, flags: TrainFlags, data: string) => {
    const { trainCnn } = await import('../cnn/train.js');
    const { json: _json, spec, ...options } = flags;
    const bar = context.progress({ label: `train-cnn → ${flags.out}`, unit: 'steps' });
    const run = trainCnn({ ...options, data, ...(spec ? { spec: await readSpec(spec) } : {}), signal: context.signal });
    for await (const event of run) {
      if (event.type === 'note') context.log(`note: ${event.text}`);
      else if (event.type === 'step') bar.update(event.step, `loss ${event.loss.toFixed(3)}`, event.totalSteps);
      else context.log(`epoch ${event.epoch}: validation accuracy ${(100 * event.validationAccuracy).toFixed(1)} %`);
    }
    const { cnn, path, notes, epochs, best, test } = await run.result;
    cnn.dispose();
    const accuracy = test ? `test accuracy ${(100 * test.accuracy).toFixed(1)} %, ` : '';
    context.print(
      `${path}\n  ${accuracy}best of ${epochs.length} epochs: ${best.epoch} (validation ${(100 * best.accuracy).toFixed(1)} %)`,
    );
    return { path, notes, best, epochs, ...(test ? { test } : {}) };
  });
}
