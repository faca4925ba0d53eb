/** The calls under way, so that they can be ended with the server. */
export interface Calls {
  /** A signal for one call; `end` aborts it; `done` forgets it, and aborts it unless the call was answered. */
  begin(): { readonly signal: AbortSignal; end(): void; done(answered: boolean): void };
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
        end: () => call.abort(),
        done(answered) {
          under.delete(call);
          if (!answered) call.abort();
        },
      };
    },
  };
}
