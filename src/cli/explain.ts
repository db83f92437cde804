import { Option, type Command } from 'commander';

import { addCommand, onRun } from './command.js';
import { integer } from './options.js';

interface ExplainFlags {
  cnn: string;
  generator: string;
  out: string;
  device: string;
  colormap: 'viridis' | 'jet';
  batchSize?: number;
}

export function register(program: Command): void {
  const command = addCommand(
    program,
    'explain',
    'draws the explanations of image files with a CNN and a trained generator',
    {
      device: true,
    },
  )
    .argument('<images...>', 'image files, or folders of them')
    .requiredOption('--cnn <file>', 'the CNN to explain')
    .requiredOption('--generator <file>', 'the generator that was trained for it')
    .requiredOption('--out <folder>', 'where to write heat maps, overlays, side-by-sides, raw maps and summary.json')
    .addOption(new Option('--colormap <name>', 'colours of the maps').choices(['viridis', 'jet']).default('viridis'))
    .option('--batch-size <number>', 'images taken at once (32)', integer(1));
  onRun(command, async (context, flags: ExplainFlags, images: string[]) => {
    const { explainFiles } = await import('../gan/explain_files.js');
    const bar = context.progress({ label: 'explain', unit: 'images' });
    const { out, cnn, generator, device, colormap, batchSize } = flags;
    const summary = await explainFiles(images, {
      out,
      cnn,
      generator,
      device,
      colormap,
      ...(batchSize === undefined ? {} : { batchSize }),
      signal: context.signal,
      onProgress: ({ done, total }) => bar.update(done, undefined, total),
      onProblem: (message) => {
        context.log(`warning: ${message}`);
        context.fail();
      },
    });
    bar.finish();
    for (const warning of summary.warnings) context.log(`warning: ${warning}`);
    for (const { file, class: name, probability } of summary.images)
      context.print(`${file}: ${name} (${probability.toFixed(3)})`);
    context.print(out);
    return summary;
  });
}
