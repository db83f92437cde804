import { pathToFileURL } from 'node:url';

import type { Command } from 'commander';

import type { DemoResult } from '../demo/demo.js';
import { addCommand, onRun } from './command.js';

interface DemoFlags {
  out: string;
  fresh?: boolean;
  device: string;
  seed: number;
}

/** What the stages of the demo do, as a person reads it. */
const STAGES: Readonly<Record<string, { label: string; unit: string }>> = {
  images: { label: '1/6 draw images', unit: 'images' },
  cnn: { label: '2/6 train the CNN', unit: 'steps' },
  prepare: { label: '3/6 cumulative maps', unit: 'images' },
  gan: { label: '4/6 train the LSFT-GAN', unit: 'steps' },
  evaluate: { label: '5/6 score held-out', unit: 'images' },
  page: { label: '6/6 write the page', unit: 'pages' },
};

/** What a CNN must reach for its explanations to be worth looking at. */
const LEAST_ACCURACY = 0.85;

export function register(program: Command): void {
  const command = addCommand(program, 'demo', 'the whole job on real images: CNN, maps, GAN, explanations, scores', {
    device: true,
    seed: true,
  })
    .option('--out <folder>', 'where to write it; an interrupted demo continues there', 'demo-output')
    .option('--fresh', 'remove what an earlier demo wrote there');
  onRun(command, async (context, { out, fresh, device, seed }: DemoFlags) => {
    const [{ runDemo }, { demoTables }] = await Promise.all([import('../demo/demo.js'), import('../report/tables.js')]);
    let bar: ReturnType<typeof context.progress> | undefined;
    const result = await runDemo({
      out,
      fresh: fresh ?? false,
      seed,
      device,
      signal: context.signal,
      onStage: (stage) => {
        bar?.finish();
        const { label, unit } = STAGES[stage] ?? { label: stage, unit: 'steps' };
        const current = context.progress({ label, unit });
        bar = current;
        return (done, total, note) => current.update(done, note, total);
      },
    });
    bar?.finish();
    context.print(demoTables(result));
    context.print(verdict(result));
    const { ganBeatsAll, mapsFindEvidence, cnnAccuracy } = result;
    if (!(ganBeatsAll && mapsFindEvidence && cnnAccuracy >= LEAST_ACCURACY)) context.fail();
    context.print(`open ${pathToFileURL(result.page).href}`);
    return result;
  });
}

function verdict({ ganBeatsAll, mapsFindEvidence, cnnAccuracy, comparison, seconds }: DemoResult): string {
  const total = Object.values(seconds).reduce((sum, value) => sum + value, 0);
  const lines = [
    ganBeatsAll
      ? 'The GAN beats every simpler answer on MAE, SSIM and Pearson.'
      : 'The GAN does NOT beat every simpler answer on MAE, SSIM and Pearson.',
    mapsFindEvidence
      ? 'The GAN and Grad-CAM find the garment better than luminance and noise do.'
      : 'The GAN and Grad-CAM do NOT both find the garment better than luminance and noise.',
  ];
  if (!(cnnAccuracy >= LEAST_ACCURACY))
    lines.push(`The CNN is right on less than ${100 * LEAST_ACCURACY} % of the test images.`);
  const scope = `${comparison.samples} held-out images, the target excluded from the conditions`;
  return `${lines.join('\n')}\n(${scope}; ${(total / 60).toFixed(1)} minutes.)\n`;
}
