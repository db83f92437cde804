/** Lets several processes work on one study: each piece of work is done by one of them at a time. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { CumulensError } from '../errors.js';
import { holdFile } from '../file_lock.js';
import { makeFolder } from '../files.js';

/** Between two looks at work that another process does. */
const POLL_MS = 500;

export class Claims {
  /** @param path a folder for the claims */
  constructor(readonly path: string) {}

  /** Does `work` unless another process is at it. @returns whether it was done here */
  async ifFree(name: string, work: () => Promise<void>): Promise<boolean> {
    using claim = await this.#take(name);
    if (!claim) return false;
    await work();
    return true;
  }

  /** Waits until no other process is at it, and does `work`, which looks first whether it is done. @throws CumulensError ERR_ABORTED */
  async alone<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    using _claim = await this.#wait(name, signal);
    return await work();
  }

  async #wait(name: string, signal: AbortSignal): Promise<Disposable> {
    for (;;) {
      const claim = await this.#take(name);
      if (claim) return claim;
      await sleep(POLL_MS, undefined, { signal }).catch((cause: unknown) => {
        throw new CumulensError('ERR_ABORTED', 'study: aborted', { cause });
      });
    }
  }

  /** @returns undefined where it is another's: that of a process that has died is nobody's */
  async #take(name: string): Promise<Disposable | undefined> {
    await makeFolder(this.path);
    const held = holdFile(join(this.path, name));
    if (held === 'unsupported') {
      throw new CumulensError('ERR_IO', `${this.path}: its file system has no locks (flock), by which processes share a study; name a folder elsewhere`); // prettier-ignore
    }
    return held === 'taken' ? undefined : held;
  }
}
