import { pathToFileURL } from 'node:url';

import { Option, type Command } from 'commander';

import type { RelevanceReportOptions } from '../report/relevance_report.js';
import { addCommand, onRun } from './command.js';
import { integer } from './options.js';

interface RelevanceFlags extends Omit<RelevanceReportOptions, 'generators'> {
  gan: string[];
  json?: boolean;
}

const KINDS = ['zero', 'mean', 'swap', 'gradient'];

export function register(program: Command): void {
  const command = addCommand(
    program,
    'relevance',
    'how much each condition matters to trained generators; run again, it continues where it was',
    { device: true, seed: true },
  )
    .requiredOption('--gan <files...>', "the generators' files, or the folders of their trainings")
    .requiredOption('--data <folder>', "prepared data (of 'cumulens prepare')")
    .requiredOption('--out <folder>', 'where to write results.json and relevance.html')
    .addOption(
      new Option(
        '--kinds <kinds...>',
        "what stands in a condition's place: zeros, its mean, another sample's; or the gradient (all)",
      ).choices(KINDS),
    )
    .option('--split <name>', 'samples that are looked at (test)')
    .option('--mean-split <name>', 'samples whose mean conditions are taken (train)')
    .option('--limit <count>', 'only the first so many samples', integer(1))
    .option('--shown <count>', 'samples that the page shows with their pictures (60)', integer(0, 1000))
    .option('--batch-size <count>', 'samples at once (32)', integer(1, 4096));
  onRun(command, async (context, flags: RelevanceFlags) => {
    const [{ makeRelevanceReport }, { relevanceText }] = await Promise.all([
      import('../report/relevance_report.js'),
      import('../report/relevance_text.js'),
    ]);
    const { gan, json: _json, ...given } = flags;
    let bar: { label: string; shown: ReturnType<typeof context.progress> } | undefined;
    const { results, page } = await makeRelevanceReport({
      ...given,
      generators: gan,
      signal: context.signal,
      onProgress: ({ generator, done, total }) => {
        if (bar?.label !== generator) {
          bar?.shown.finish();
          bar = { label: generator, shown: context.progress({ label: generator, unit: 'samples', start: done }) };
        }
        bar.shown.update(done, undefined, total);
      },
    });
    bar?.shown.finish();
    context.print(`${relevanceText(results)}\n\nopen ${pathToFileURL(page).href}`);
    // The samples' own numbers are in results.json.
    const generators = results.generators.map(({ samples: _samples, ...rest }) => rest);
    return { ...results, generators, page };
  });
}
