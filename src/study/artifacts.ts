/** What a study's generators learn from: images, CNNs trained on them, and their prepared data. Each is made when it is first needed. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { trainCnn } from '../cnn/train.js';
import type { CnnSpec } from '../cnn/spec.js';
import { ARCHITECTURES } from '../cnn/zoo/architectures.js';
import { small } from '../cnn/zoo/small.js';
import { createComposedDataset } from '../data/composed.js';
import { createCifar10Dataset, createFashionMnistDataset, createFolderDataset } from '../data/ingest.js';
import { openDataset } from '../data/dataset.js';
import { MANIFEST_FILE } from '../data/manifest.js';
import { prepare } from '../data/prepare.js';
import type { StudyFolder } from './folder.js';
import type { StudyCnn, StudyConfig, StudyData } from './options.js';
import type { Claims } from './claims.js';
import { pairName, type Pair, type Target } from './plan.js';

/** Hears how far a part of the work is. */
export type Report = (done: number, total: number, note?: string) => void;

/** What training a CNN came to. */
export interface CnnResult {
  parameters: number;
  taps: number;
  /** On the test images, 0 … 1. */
  accuracy: number;
  images: number;
}

/** What a network is told of the data, beside options of its own, which it checks itself. */
interface NetworkOptions extends Record<string, unknown> {
  classes: string[];
  size: [number, number];
}

/** The networks that a study can train, by name. */
export const NETWORKS: Readonly<Record<string, (options: NetworkOptions) => CnnSpec>> = { small, ...ARCHITECTURES };

/** Where Debian's package puts it. */
const FASHION_MNIST = '/usr/share/datasets/fashion-mnist';

export class Artifacts {
  constructor(
    readonly config: StudyConfig,
    readonly folder: StudyFolder,
    readonly claims: Claims,
    readonly signal: AbortSignal,
  ) {}

  /** Does `work` unless `isDone`, in one process at a time. */
  async once(name: string, isDone: () => boolean, work: () => Promise<void>): Promise<void> {
    if (isDone()) return;
    await this.claims.alone(name, this.signal, async () => {
      if (!isDone()) await work();
    });
  }

  /** @returns the data set's folder */
  async images(name: string, report: Report): Promise<string> {
    const out = this.folder.images(name);
    const source = this.config.data.find((data) => data.name === name) as StudyData;
    await this.once(
      `images-${name}`,
      () => existsSync(join(out, MANIFEST_FILE)),
      async () => {
        await rm(out, { recursive: true, force: true });
        await this.#draw(source, out, report);
      },
    );
    return out;
  }

  async #draw({ source, from }: StudyData, out: string, report: Report): Promise<void> {
    const { images, imageSize, device } = this.config;
    const common = {
      out,
      size: imageSize,
      signal: this.signal,
      onProgress: ({ done, total }: { done: number; total?: number }) => report(done, total ?? done),
    };
    if (source === 'composed') {
      await createComposedDataset({ ...common, ...images, seed: 0, device });
      return;
    }
    const make = {
      'fashion-mnist': createFashionMnistDataset,
      cifar10: createCifar10Dataset,
      folder: createFolderDataset,
    };
    const classes = await this.#classes(source, from);
    const perClass = Object.fromEntries(
      Object.entries(images).map(([split, count]) => [split, Math.ceil(count / classes)]),
    );
    await make[source]({ ...common, from: from ?? FASHION_MNIST, perClass });
  }

  async #classes(source: StudyData['source'], from: string | undefined): Promise<number> {
    if (source !== 'folder') return 10;
    const entries = await readdir(from as string, { withFileTypes: true });
    return Math.max(1, entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).length);
  }

  /** @returns the trained CNN's file */
  async cnn(pair: Pair, report: Report): Promise<string> {
    const out = this.folder.cnn(pair);
    const file = join(out, 'cnn.safetensors');
    await this.once(
      `cnn-${pairName(pair)}`,
      () => this.folder.has('cnns', pairName(pair)) && existsSync(file),
      () => this.#train(pair, out, report),
    );
    return file;
  }

  async #train(pair: Pair, out: string, report: Report): Promise<void> {
    const data = await this.images(pair.data, report);
    const run = trainCnn({
      ...this.config.cnnTraining,
      spec: await this.#spec(pair, data),
      data,
      out,
      seed: 0,
      device: this.config.device,
      resume: existsSync(join(out, 'config.json')),
      signal: this.signal,
    });
    for await (const event of run)
      if (event.type === 'step') report(event.step, event.totalSteps, `loss ${event.loss.toFixed(3)}`);
    const { cnn, test } = await run.result;
    const weights = await cnn.stateDict();
    const parameters = Object.values(weights).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    for (const tensor of Object.values(weights)) tensor.dispose();
    const result: CnnResult = {
      parameters,
      taps: cnn.taps.length,
      accuracy: test?.accuracy ?? Number.NaN,
      images: test?.count ?? 0,
    };
    cnn.dispose();
    await rm(join(out, 'checkpoints'), { recursive: true, force: true });
    await this.folder.write('cnns', pairName(pair), result);
  }

  #network(pair: Pair): StudyCnn {
    return this.config.cnns.find(({ name }) => name === pair.cnn) as StudyCnn;
  }

  async #spec(pair: Pair, data: string) {
    const { arch, options } = this.#network(pair);
    const dataset = await openDataset(data);
    try {
      return (NETWORKS[arch] as (typeof NETWORKS)[string])({
        ...options,
        classes: [...dataset.classes],
        size: [...dataset.size] as [number, number],
      });
    } finally {
      dataset.dispose();
    }
  }

  /** @returns the prepared data's folder */
  async prepared(pair: Pair, target: Target, report: Report): Promise<string> {
    const out = this.folder.prepared(pair, target);
    await this.once(
      `prepared-${pairName(pair)}-${target}`,
      () => existsSync(join(out, MANIFEST_FILE)),
      () => this.#prepare(pair, target, out, report),
    );
    return out;
  }

  async #prepare(pair: Pair, target: Target, out: string, report: Report): Promise<void> {
    const cnn = await this.cnn(pair, report);
    const { size, conditions, device } = this.config;
    const data = await prepare({
      cnn,
      data: await this.images(pair.data, report),
      out,
      size,
      conditions,
      excludeTarget: target === 'excluded',
      device,
      onProgress: ({ done, total }) => report(done, total ?? done),
      signal: this.signal,
    });
    data.dispose();
  }
}
