/** Does work for each item, so many at a time, begun in their order; resolves with what came of each, in that order too. */
export async function inLanes<T, R>(
  items: readonly T[],
  lanes: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const next = items.entries();
  const workInTurn = async () => {
    for (const [i, item] of next) results[i] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, workInTurn));
  return results;
}
