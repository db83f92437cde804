/** Maps an iterable with up to `limit` calls under way, giving the results in the iterable's order. */
export async function* mapOrdered<Item, Result>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const pending: Promise<Result>[] = [];
  try {
    for (const item of items) {
      if (pending.length >= limit) yield await (pending.shift() as Promise<Result>);
      const result = work(item);
      // A failure is heard when its turn comes.
      result.catch(() => undefined);
      pending.push(result);
    }
    while (pending.length > 0) yield await (pending.shift() as Promise<Result>);
  } finally {
    await Promise.allSettled(pending);
  }
}

/** Waits for every result of work that is done for its effect. */
export async function drain(results: AsyncGenerator): Promise<void> {
  while (!(await results.next()).done);
}
