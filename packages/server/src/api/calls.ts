/** The calls under way, so that they can be ended with the server. */
export interface Calls {
  /** A signal for one call; `done` forgets it, and aborts it for whoever still waits on its behalf. */
  begin(): { readonly signal: AbortSignal; done(): void };
}

/** One listener on `ending` for all of them: `AbortSignal.any` would leave something behind for each call. */
export function createCalls(ending: AbortSignal): Calls {
  const under = new Set<AbortController>();
  const endAll = () => {
    for (const call of under) call.abort();
  };
  ending.addEventListener('abort', endAll, { once: true });
  return {
    begin() {
      const call = new AbortController();
      if (ending.aborted) call.abort();
      under.add(call);
      return {
        signal: call.signal,
        done() {
          under.delete(call);
          call.abort();
        },
      };
    },
  };
}
