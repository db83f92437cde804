import { pathToFileURL } from 'node:url';

import type { Command } from 'commander';

import type { EvaluateOptions } from '../evaluate/evaluation/options.js';
import type { EvaluationProgress } from '../evaluate/evaluation/options.js';
import { CumulensError } from '../errors.js';
import { addCommand, onRun } from './command.js';
import type { CommandContext } from './context.js';
import { integer, number } from './options.js';

interface EvaluateFlags {
  cnn: string;
  gan?: string[];
  data: string;
  out: string;
  methods?: string[];
  metrics?: string[];
  settings?: string;
  steps?: number;
  rankBy?: string[];
  headline?: string;
  split?: string;
  limit?: number;
  target?: string | number;
  sanity?: number;
  gallery?: number;
  chunkSize?: number;
  test?: number;
  validation?: number;
  device: string;
  seed: number;
}

/** What the stages do, as a person reads it. */
const STAGES: Readonly<Record<EvaluationProgress['stage'], { label: string; unit: string }>> = {
  fit: { label: 'fit the linear baseline', unit: 'images' },
  score: { label: 'explain and score', unit: 'images' },
  sanity: { label: 'sanity checks', unit: 'methods' },
  gallery: { label: 'draw the gallery', unit: 'images' },
};

/** Names may be given one by one or joined by commas. */
const split = (names: readonly string[]): string[] => names.flatMap((name) => name.split(',')).filter(Boolean);

/** A file of `{ "methods": { "rise": { "masks": 2000 } }, "scores": { "steps": 20 } }`. */
async function readSettings({ settings, steps }: EvaluateFlags): Promise<Partial<EvaluateOptions>> {
  const { readJson } = await import('../files.js');
  const given = settings === undefined ? {} : ((await readJson(settings)) as Record<string, unknown>);
  const unknown = Object.keys(given).find((name) => name !== 'methods' && name !== 'scores');
  if (unknown !== undefined)
    throw new CumulensError('ERR_OPTION', `${settings ?? ''}: unknown name '${unknown}'; expected methods, scores`);
  const { methods = {}, scores = {} } = given as { methods?: object; scores?: object };
  return {
    methodSettings: methods,
    scoreSettings: { ...scores, ...(steps === undefined ? {} : { steps }) },
  };
}

async function toOptions(flags: EvaluateFlags): Promise<EvaluateOptions> {
  const { cnn, data, out, gan, methods, metrics, settings: _settings, steps: _steps, rankBy, ...plain } = flags;
  const { json: _json, ...rest } = plain as typeof plain & { json?: boolean };
  return {
    ...{ cnn, data, out },
    ...(gan ? { generators: gan } : {}),
    ...(methods ? { methods: split(methods) } : {}),
    ...(metrics ? { metrics: split(metrics) } : {}),
    ...(rankBy ? { rankBy: split(rankBy) } : {}),
    ...(await readSettings(flags)),
    ...(rest as Partial<EvaluateOptions>),
  };
}

/** A bar for each stage; what a resumed run finds done is no part of its rate. */
function stageBars(context: CommandContext): { update: (progress: EvaluationProgress) => void; finish: () => void } {
  let shown: { stage: string; bar: ReturnType<CommandContext['progress']> } | undefined;
  return {
    update: ({ stage, done, total, note }) => {
      if (shown?.stage !== stage) {
        shown?.bar.finish('');
        shown = { stage, bar: context.progress({ ...STAGES[stage], total, start: done }) };
      }
      shown.bar.update(done, note, total);
    },
    finish: () => shown?.bar.finish(''),
  };
}

export function register(program: Command): void {
  const command = addCommand(
    program,
    'evaluate',
    'judge explanations: every method, every score, sanity checks, and a page to look at; run again, it continues',
    { device: true, seed: true },
  )
    .requiredOption('--cnn <file>', 'the CNN that is explained')
    .requiredOption('--data <folder>', 'a dataset directory, prepared data, or a folder of image files')
    .requiredOption('--out <folder>', 'where to write results.json, results.csv and report.html')
    .option('--gan <paths...>', 'trained generators: files or run folders; NAME=PATH names one')
    .option(
      '--methods <names...>',
      "methods to compare: names, 'default', 'all', '!name'; luminance, sobel and random stand beside, and linear where there is a training split",
    )
    .option('--metrics <names...>', "scores: names, 'default', 'all', '!name'")
    .option('--settings <file>', 'settings as JSON: { "methods": { "rise": { … } }, "scores": { … } }')
    .option('--steps <count>', 'steps of the deletion and insertion curves (50)', integer(1, 1000))
    .option('--rank-by <names...>', 'the scores whose mean rank orders the methods')
    .option('--headline <name>', 'the score that finds the best and worst cases')
    .option('--split <name>', "the split that is evaluated (test), or 'all'")
    .option('--limit <count>', 'at most so many images, evenly spread', integer(1))
    .option('--target <class>', "the class explained: 'predicted' (default), 'label' or a number", toTarget)
    .option('--sanity <count>', 'images of the sanity checks (64); 0: none', integer(0, 4096))
    .option('--gallery <count>', 'images shown in the page (48)', integer(0, 480))
    .option('--chunk-size <count>', 'images at once (32)', integer(1, 4096))
    .option('--test <part>', 'image files: part held out for tests, as in prepare (0.2)', number(0, 1))
    .option('--validation <part>', 'image files: part held out for validation, as in prepare (0.1)', number(0, 1));
  onRun(command, async (context, flags: EvaluateFlags) => {
    const [{ evaluate }, { evaluationText }] = await Promise.all([
      import('../evaluate/evaluate.js'),
      import('../report/evaluation_text.js'),
    ]);
    const bars = stageBars(context);
    const { results, ...files } = await evaluate({
      ...(await toOptions(flags)),
      signal: context.signal,
      onProgress: bars.update,
      onNote: (note) => context.log(`note: ${note}`),
      onProblem: ({ message }) => context.log(`warning: ${message}`),
    });
    bars.finish();
    context.print(evaluationText(results));
    context.print(`open ${pathToFileURL(files.report).href}`);
    return { ...files, results };
  });
}

const toTarget = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);
