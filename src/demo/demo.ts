/** The main job, end to end: images, a CNN, its cumulative maps, a GAN that explains it, and how good the explanations are. */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { trainCnn } from '../cnn/train.js';
import type { TrainCnnOptions } from '../cnn/train_options.js';
import { createComposedDataset } from '../data/composed.js';
import { openDataset } from '../data/dataset.js';
import { prepare } from '../data/prepare.js';
import { compareWithBaselines, type Comparison } from '../evaluate/compare.js';
import { CumulensError } from '../errors.js';
import { writeFileAtomic } from '../files.js';
import type { TrainConfig } from '../gan/config.js';
import { trainGan, type TrainGanOptions } from '../gan/train.js';
import { writeDemoPage } from '../report/demo_page.js';
import { begun, filesIn } from '../run_folder.js';

/** What the demo does; its sizes fit six minutes on two CPU cores. */
export interface DemoRecipe {
  size: number;
  images: { train: number; validation: number; test: number };
  cnn: Partial<TrainCnnOptions>;
  conditions: number;
  gan: Partial<TrainGanOptions>;
  /** Held-out samples in the page. */
  gallery: number;
}

export const DEMO_RECIPE: DemoRecipe = {
  size: 64,
  images: { train: 4000, validation: 400, test: 600 },
  cnn: { epochs: 8 },
  conditions: 8,
  gan: { preset: 'small' },
  gallery: 24,
};

export interface DemoOptions {
  /** A new folder, or one that an interrupted demo left. */
  out: string;
  /** Remove the demo that is there. */
  fresh?: boolean;
  seed: number;
  device: string;
  recipe?: DemoRecipe;
  signal?: AbortSignal;
  /** A stage's name when it begins, then how far it is. */
  onStage?: (stage: string) => (done: number, total: number, note?: string) => void;
}

export interface DemoResult {
  seed: number;
  device: string;
  /** The page to open. */
  page: string;
  classes: readonly string[];
  /** On the test images, 0 … 1. */
  cnnAccuracy: number;
  /** Sizes and schedule of the GAN, with nothing left open. */
  gan: TrainConfig & { parameters: number };
  ganWarnings: readonly string[];
  comparison: Comparison;
  /** Whether the GAN's MAE, SSIM and Pearson are better than every simpler answer's, each paired 95 % interval excluding 0. */
  ganBeatsAll: boolean;
  /**
   * Whether energy in the mask stands above luminance's and noise's: the GAN's by paired 95 % intervals, Grad-CAM's by its whole interval
   * lying above theirs.
   */
  mapsFindEvidence: boolean;
  /** Of each stage that this run did. */
  seconds: Record<string, number>;
  recipe: DemoRecipe;
}

const DEMO_FILE = 'demo.json';
const RESULT_FILE = 'results.json';
const DECISIVE = ['mae', 'ssim', 'pearson'] as const;

/**
 * Finds an empty folder or a demo, which is to be continued or, with `fresh`, removed.
 * @returns what keeps others out of it
 * @throws CumulensError ERR_OPTION when it holds anything else, ERR_IO when another demo is at work there
 */
async function begin(out: string, settings: object, fresh: boolean): Promise<Disposable> {
  const path = join(out, DEMO_FILE);
  const text = `${JSON.stringify(settings, null, 2)}\n`;
  const isDemo = existsSync(path);
  if (!isDemo && existsSync(out) && (await filesIn(out)).length > 0) {
    throw new CumulensError('ERR_OPTION', `${out}: is not empty and holds no demo; give another --out, or remove it`);
  }
  if (isDemo && !fresh && (await readFile(path, 'utf8')) !== text) {
    throw new CumulensError('ERR_OPTION', `${out}: holds a demo with other settings; give another --out, or --fresh`);
  }
  return begun(out, async () => {
    // What says that it is a demo goes last.
    const old = fresh ? [...(await filesIn(out)).filter((name) => name !== DEMO_FILE), DEMO_FILE] : [];
    for (const name of old) await rm(join(out, name), { recursive: true, force: true });
    if (fresh || !isDemo) await writeFileAtomic(path, text);
  });
}

class Demo {
  readonly seconds: Record<string, number> = {};
  readonly #options: DemoOptions;
  readonly #recipe: DemoRecipe;
  /** Each stage's folder. */
  readonly #paths: Record<'images' | 'cnn' | 'prepared' | 'gan', string>;

  constructor(options: DemoOptions, recipe: DemoRecipe) {
    const { out } = options;
    this.#options = options;
    this.#recipe = recipe;
    this.#paths = {
      images: join(out, 'images'),
      cnn: join(out, 'cnn'),
      prepared: join(out, 'prepared'),
      gan: join(out, 'gan'),
    };
  }

  async run(): Promise<DemoResult> {
    const { seed, out } = this.#options;
    await this.#stage('images', (report) => this.#drawImages(report));
    const cnn = await this.#stage('cnn', (report) => this.#trainCnn(report));
    await this.#stage('prepare', (report) => this.#prepare(cnn.path, report));
    const gan = await this.#stage('gan', (report) => this.#trainGan(report));
    try {
      using data = await openDataset(this.#paths.prepared);
      const { signal } = this.#options;
      const comparison = await this.#stage('evaluate', (onProgress) =>
        compareWithBaselines({ generator: gan.generator, data, seed, onProgress, ...(signal ? { signal } : {}) }),
      );
      const result: DemoResult = {
        seed,
        device: gan.generator.device,
        page: join(out, 'index.html'),
        classes: data.classes,
        cnnAccuracy: cnn.accuracy,
        gan: { ...(await this.#ganConfig()), parameters: gan.generator.parameterCount },
        ganWarnings: gan.warnings,
        comparison,
        ganBeatsAll: beatsAll(comparison),
        mapsFindEvidence: findEvidence(comparison),
        seconds: this.seconds,
        recipe: this.#recipe,
      };
      await this.#stage('page', () =>
        writeDemoPage({ out, result, data, generator: gan.generator, samples: this.#recipe.gallery }),
      );
      await writeFileAtomic(join(out, RESULT_FILE), `${JSON.stringify({ ...result, page: 'index.html' }, null, 2)}\n`);
      return result;
    } finally {
      gan.generator.dispose();
    }
  }

  async #stage<T>(
    name: string,
    work: (report: (done: number, total: number, note?: string) => void) => Promise<T>,
  ): Promise<T> {
    const report = this.#options.onStage?.(name) ?? (() => undefined);
    const begun = performance.now();
    const result = await work(report);
    this.seconds[name] = Math.round(performance.now() - begun) / 1000;
    return result;
  }

  async #drawImages(report: (done: number, total: number) => void): Promise<void> {
    const out = this.#paths.images;
    if (existsSync(join(out, 'dataset.json'))) return;
    await rm(out, { recursive: true, force: true });
    const { seed, device, signal } = this.#options;
    await createComposedDataset({
      ...this.#recipe.images,
      size: this.#recipe.size,
      seed,
      device,
      out,
      onProgress: ({ done, total }) => report(done, total ?? done),
      ...(signal ? { signal } : {}),
    });
  }

  async #trainCnn(
    report: (done: number, total: number, note?: string) => void,
  ): Promise<{ path: string; accuracy: number }> {
    const { seed, device, signal } = this.#options;
    const out = this.#paths.cnn;
    const run = trainCnn({
      ...this.#recipe.cnn,
      data: this.#paths.images,
      out,
      seed,
      device,
      resume: existsSync(join(out, 'config.json')),
      ...(signal ? { signal } : {}),
    });
    for await (const event of run) {
      if (event.type === 'step') report(event.step, event.totalSteps, `loss ${event.loss.toFixed(3)}`);
    }
    const { cnn, path, test } = await run.result;
    cnn.dispose();
    return { path, accuracy: test?.accuracy ?? Number.NaN };
  }

  async #ganConfig(): Promise<TrainConfig> {
    return JSON.parse(await readFile(join(this.#paths.gan, 'config.json'), 'utf8')) as TrainConfig;
  }

  async #prepare(cnn: string, report: (done: number, total: number) => void): Promise<void> {
    const { device, signal } = this.#options;
    const { size, conditions } = this.#recipe;
    const data = await prepare({
      cnn,
      data: this.#paths.images,
      out: this.#paths.prepared,
      size,
      conditions,
      excludeTarget: true,
      device,
      onProgress: ({ done, total }) => report(done, total ?? done),
      ...(signal ? { signal } : {}),
    });
    data.dispose();
  }

  async #trainGan(report: (done: number, total: number, note?: string) => void) {
    const { seed, device, signal } = this.#options;
    const out = this.#paths.gan;
    const run = trainGan({
      ...this.#recipe.gan,
      data: this.#paths.prepared,
      out,
      seed,
      device,
      resume: existsSync(join(out, 'config.json')),
      ...(signal ? { signal } : {}),
    });
    for await (const event of run) report(event.step, event.steps, `L1 ${event.l1.toFixed(3)}`);
    return run.result;
  }
}

function beatsAll({ target }: Comparison): boolean {
  return target
    .filter(({ kind }) => kind !== 'generator')
    .every(({ scores }) => DECISIVE.every((name) => scores[name]?.generatorBetter === true));
}

function findEvidence({ mask }: Comparison): boolean {
  const energy = (name: string) => mask.find((method) => method.name === name)?.scores.energyInMask;
  const [gradcam, luminance, random] = [energy('target'), energy('luminance'), energy('random')];
  if (!gradcam || !luminance || !random) return false;
  const better = luminance.generatorBetter === true && random.generatorBetter === true;
  return better && gradcam.low > luminance.high && gradcam.low > random.high;
}

/**
 * Runs the demo, or continues one that was interrupted; what is done already is not done again.
 * @returns numbers; the folder holds the pictures, the page and every stage's files
 * @throws CumulensError ERR_OPTION when `out` holds something else, ERR_ABORTED, or what a stage throws
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const recipe = options.recipe ?? DEMO_RECIPE;
  const { out, seed, device, fresh = false } = options;
  using _held = await begin(out, { seed, device, recipe }, fresh);
  return await new Demo(options, recipe).run();
}
