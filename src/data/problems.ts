/** What is wrong with a folder of images, without being a reason to stop. */
import { CumulensError } from '../errors.js';

export interface Problem {
  kind: 'unreadable' | 'emptyClass' | 'singleImage' | 'duplicate' | 'ignored';
  /** The file or folder. */
  path: string;
  /** One line, with the path. */
  message: string;
}

/** Collects problems, tells a listener of each, or ends the run at the first. */
export class Problems {
  readonly all: Problem[] = [];
  readonly #strict: boolean;
  readonly #listener: ((problem: Problem) => void) | undefined;

  constructor(strict: boolean, listener?: (problem: Problem) => void) {
    this.#strict = strict;
    this.#listener = listener;
  }

  /** @throws CumulensError ERR_FORMAT with the message, when strict. */
  add(problem: Problem, cause?: unknown): void {
    if (this.#strict) throw new CumulensError('ERR_FORMAT', problem.message, { cause });
    this.all.push(problem);
    this.#listener?.(problem);
  }
}
