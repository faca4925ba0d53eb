import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from './call.ts';

export interface Loaded<T> {
  /** What came last, also while it is asked for again; null before the first answer. */
  readonly data: T | null;
  /** Why the last try failed; null where it did not. */
  readonly error: string | null;
  readonly isLoading: boolean;
}

/**
 * Loads something for a component, and again whenever one of `inputs` changes. A load that is under way when they change
 * is aborted. `key` tells what is asked for from when it is asked for again: under another key the old answer is dropped.
 */
export function useLoad<T>(
  load: (signal: AbortSignal) => Promise<T>,
  key: string,
  inputs: readonly unknown[],
): Loaded<T> {
  const [state, setState] = useState<Loaded<T> & { key: string }>({ ...NOTHING, key });
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const controller = new AbortController();
    setState((before) => ({ ...(before.key === key ? before : NOTHING), key, isLoading: true }));
    latest.current(controller.signal).then(
      (data) => controller.signal.aborted || setState({ data, error: null, isLoading: false, key }),
      (error: unknown) =>
        controller.signal.aborted ||
        setState((before) => ({ ...before, error: messageOf(error), isLoading: false })),
    );
    return () => controller.abort();
  }, [key, ...inputs]);
  return state.key === key ? state : NOTHING;
}

const NOTHING = { data: null, error: null, isLoading: true };
