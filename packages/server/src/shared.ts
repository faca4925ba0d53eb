/**
 * The same work for all who ask while it is under way: those that keep asking while it hangs must not pile up more of
 * it. Whoever asks after its end has it done anew.
 */
export function sharedWhileUnderWay<T>(work: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | null = null;
  return () => {
    underWay ??= work().finally(() => {
      underWay = null;
    });
    return underWay;
  };
}
