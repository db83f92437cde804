/** Lets several processes work on one study: each piece of work is done by one of them at a time. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from 'proper-lockfile';

import { CumulensError } from '../errors.js';
import { makeFolder } from '../files.js';

/** A process that has not been heard of for so long is gone. */
const STALE_MS = 60_000;
/** Between two looks at work that another process does. */
const POLL_MS = 500;

export class Claims {
  readonly #lost = new AbortController();

  /** @param path a folder for the claims */
  constructor(readonly path: string) {}

  /** Fires when this process was away for so long that others count it as gone: its work is no longer its own. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Does `work` unless another process is at it. @returns whether it was done here */
  async ifFree(name: string, work: () => Promise<void>): Promise<boolean> {
    const release = await this.#take(name);
    if (!release) return false;
    try {
      await work();
    } finally {
      await release();
    }
    return true;
  }

  /** Waits until no other process is at it, and does `work`, which looks first whether it is done. @throws CumulensError ERR_ABORTED */
  async alone<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    let release = await this.#take(name);
    while (!release) {
      await sleep(POLL_MS, undefined, { signal }).catch((cause: unknown) => {
        throw new CumulensError('ERR_ABORTED', 'study: aborted', { cause });
      });
      release = await this.#take(name);
    }
    try {
      return await work();
    } finally {
      await release();
    }
  }

  async #take(name: string): Promise<(() => Promise<void>) | undefined> {
    await makeFolder(this.path);
    try {
      const release = await lock(join(this.path, name), {
        realpath: false,
        stale: STALE_MS,
        onCompromised: () => {
          this.#lost.abort();
        },
      });
      // One that is no longer ours has been taken by another, and is not to be removed.
      return () => release().catch(() => undefined);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ELOCKED') return undefined;
      throw new CumulensError('ERR_IO', `${join(this.path, name)}: cannot claim: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}
