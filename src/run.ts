/** Long work that can be followed while it goes on. */

/**
 * ```ts
 * for await (const event of run) console.log(event);
 * const result = await run.result;
 * ```
 * Work has begun when the run is made, whether or not anyone listens. An iterator gets the events from its making on; it ends when
 * the work does, and throws what the work threw.
 */
export class Run<Event, Result> implements AsyncIterable<Event> {
  readonly result: Promise<Result>;
  readonly #listeners = new Set<(event: Event) => void>();

  constructor(work: (emit: (event: Event) => void) => Promise<Result>) {
    const emit = (event: Event): void => {
      for (const listener of this.#listeners) listener(event);
    };
    this.result = Promise.resolve().then(() => work(emit));
    // Who only iterates hears of a failure there; that must not end the process as an unhandled rejection.
    this.result.catch(() => undefined);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Event> {
    const queue: Event[] = [];
    const state = { done: false, wake: (): void => undefined };
    const listener = (event: Event): void => {
      queue.push(event);
      state.wake();
    };
    const finish = (): void => {
      state.done = true;
      state.wake();
    };
    this.#listeners.add(listener);
    this.result.then(finish, finish);
    try {
      for (;;) {
        while (queue.length > 0) yield queue.shift() as Event;
        if (state.done) break;
        await new Promise<void>((resolve) => (state.wake = resolve));
      }
      await this.result;
    } finally {
      this.#listeners.delete(listener);
    }
  }
}
