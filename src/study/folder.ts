/**
 * A study's folder: study.json (its settings), images/, cnns/, prepared/ and runs/ (what is needed to go on), claims/, results/KIND/NAME.json (what
 * each part of the work found). A part is done when its result is there, whatever else has been removed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { makeFolder, readJson, writeFileAtomic } from '../files.js';
import { beginOrContinue } from '../run_folder.js';
import { pairName, type Pair, type Target } from './plan.js';

export const SETTINGS_FILE = 'study.json';

/** Kinds of results. */
export type ResultKind = 'cnns' | 'trainings' | 'baselines' | 'scores' | 'faithfulness' | 'relevance';

/** Digits that measured numbers of results are kept with: far more than their intervals tell apart. */
const DIGITS = 6;

function rounded(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || !Number.isFinite(value) || Number.isInteger(value)) return value;
  return Number(value.toPrecision(DIGITS));
}

export class StudyFolder {
  constructor(readonly path: string) {}

  /** @throws CumulensError ERR_OPTION when the folder holds another study, or anything else */
  async open(settings: Readonly<Record<string, unknown>>): Promise<void> {
    await beginOrContinue(this.path, SETTINGS_FILE, settings, { by: 'study', opaque: {}, shared: true });
  }

  images(data: string): string {
    return join(this.path, 'images', data);
  }

  cnn(pair: Pair): string {
    return join(this.path, 'cnns', pairName(pair));
  }

  prepared(pair: Pair, target: Target): string {
    return join(this.path, 'prepared', `${pairName(pair)}-${target}`);
  }

  /** @param lengthened times that the training was begun anew, for twice the steps */
  run(id: string, lengthened: number): string {
    return join(this.path, 'runs', lengthened === 0 ? id : `${id}-steps${2 ** lengthened}x`);
  }

  /** The linear baseline's file for a set of sources. */
  fit(name: string): string {
    return join(this.path, 'fits', `${name}.safetensors`);
  }

  /** What processes are at: see Claims. */
  get claims(): string {
    return join(this.path, 'claims');
  }

  has(kind: ResultKind, name: string): boolean {
    return existsSync(this.#result(kind, name));
  }

  /** @returns undefined where that part is not done */
  async read<T>(kind: ResultKind, name: string): Promise<T | undefined> {
    return this.has(kind, name) ? ((await readJson(this.#result(kind, name))) as T) : undefined;
  }

  async write(kind: ResultKind, name: string, value: object): Promise<void> {
    await makeFolder(join(this.path, 'results', kind));
    await writeFileAtomic(this.#result(kind, name), `${JSON.stringify(value, rounded)}\n`);
  }

  #result(kind: ResultKind, name: string): string {
    return join(this.path, 'results', kind, `${name}.json`);
  }
}
