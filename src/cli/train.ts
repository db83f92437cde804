import { Option, type Command } from 'commander';

import type { TrainGanOptions } from '../gan/train.js';
import { addCommand, onRun } from './command.js';
import { integer, number } from './options.js';

interface TrainFlags {
  out: string;
  resume?: boolean;
  preset: 'paper' | 'small' | 'reference';
  device: string;
  seed: number;
  learningRate?: number;
  discriminatorLearningRate?: number;
  [setting: string]: unknown;
}

const SETTINGS = [
  'variant', 'epochs', 'steps', 'batchSize', 'width', 'blocks', 'conditionWidth', 'conditionFeatures', 'outputChannels', 'discriminatorWidth',
  'discriminatorEvery', 'l1Weight', 'emaDecay', 'warmup', 'schedule', 'decayShare', 'finalRate', 'flips', 'precision', 'checkpointEvery', 'sampleEvery', 'validateEvery', 'keepCheckpoints',
] as const; // prettier-ignore

export function register(program: Command): void {
  const command = addCommand(program, 'train', 'trains a GAN to draw explanations from prepared data', {
    device: true,
    seed: true,
  })
    .argument('<data...>', 'a folder that `cumulens prepare` wrote, or several to be mixed')
    .requiredOption('--out <folder>', "the run's folder: config, metrics, samples, checkpoints, generator")
    .option('--resume', 'go on from the newest checkpoint in the folder')
    .addOption(
      new Option('--preset <name>', 'sizes and schedule to start from')
        .choices(['paper', 'small', 'reference'])
        .default('paper'),
    )
    .addOption(
      new Option('--variant <name>', 'generator: every condition in turn (lsft) or all at once (gsft)').choices([
        'lsft',
        'gsft',
      ]),
    )
    .option('--epochs <number>', 'passes over the data (25)', number(0))
    .option('--steps <number>', 'the same, in batches', integer(1))
    .option('--batch-size <number>', 'samples of a step (32)', integer(1))
    .option('--learning-rate <rate>', "the generator's (0.0002)", number(0))
    .option('--discriminator-learning-rate <rate>', "the discriminator's (0.001)", number(0))
    .option('--warmup <steps>', 'steps in which the learning rates rise (0)', integer(0))
    .addOption(new Option('--schedule <name>', 'learning rates after that (constant)').choices(['constant', 'cosine']))
    .option('--decay-share <share>', 'of the steps, that the cosine takes (all)', number(0, 1))
    .option('--final-rate <share>', 'of the learning rates, that the cosine ends at (0)', number(0, 1))
    .option('--flips', 'mirror half of the samples')
    .option('--width <channels>', "the generator's trunk (64)", integer(1))
    .option('--blocks <number>', 'residual blocks of a gsft generator (32)', integer(1))
    .option('--condition-width <channels>', "CondNet's hidden channels (128)", integer(1))
    .option('--condition-features <channels>', 'channels CondNet gives to the SFT layers (32)', integer(1))
    .option('--output-channels <number>', '1 or 3', integer(1, 3))
    .option('--discriminator-width <channels>', "the discriminator's branches (64)", integer(2))
    .option('--discriminator-every <steps>', 'the discriminator learns at every n-th step (1)', integer(1))
    .option('--l1-weight <number>', 'weight of the mean absolute error (100)', number(0))
    .option('--ema-decay <number>', 'keep an averaged generator with this decay', number(0, 1))
    .addOption(
      new Option('--precision <name>', 'bf16: convolutions in bfloat16, weights in float').choices(['fp32', 'bf16']),
    )
    .option('--checkpoint-every <steps>', 'steps between checkpoints (an epoch, at most 500)', integer(1))
    .option('--sample-every <steps>', 'steps between pictures (an epoch, at most 500)', integer(1))
    .option(
      '--validate-every <steps>',
      'steps between looks at the validation split (as checkpoints; 0: never)',
      integer(0),
    )
    .option('--keep-checkpoints <number>', 'checkpoints to keep (2)', integer(1));
  onRun(command, async (context, flags: TrainFlags, data: string[]) => {
    const { trainGan } = await import('../gan/train.js');
    const run = trainGan({ ...optionsOf(flags), data, signal: context.signal } as TrainGanOptions);
    let bar: ReturnType<typeof context.progress> | undefined;
    for await (const event of run) {
      bar ??= context.progress({ label: 'train', total: event.steps, unit: 'steps', start: event.step - 1 });
      bar.update(event.step, `L1 ${event.l1.toFixed(4)}, adversarial ${event.adversarial.toFixed(3)}`);
      if (event.validationL1 !== undefined)
        context.log(`step ${event.step}: validation L1 ${event.validationL1.toFixed(4)}`);
      if (event.warning) context.log(`warning: step ${event.step}: ${event.warning}`);
    }
    const { generator, path, steps, warnings } = await run.result;
    bar?.finish();
    generator.dispose();
    context.print(path);
    return { generator: path, steps, warnings };
  });
}

function optionsOf(flags: TrainFlags): object {
  const { out, resume, preset, device, seed, learningRate, discriminatorLearningRate } = flags;
  const settings = Object.fromEntries(
    SETTINGS.filter((name) => flags[name] !== undefined).map((name) => [name, flags[name]]),
  );
  return {
    ...settings,
    out,
    resume,
    preset,
    device,
    seed,
    ...(learningRate === undefined ? {} : { generatorAdam: { learningRate } }),
    ...(discriminatorLearningRate === undefined
      ? {}
      : { discriminatorAdam: { learningRate: discriminatorLearningRate } }),
  };
}
