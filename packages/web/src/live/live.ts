import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { AuditRecord } from '@spica/client';
import type { PoolView } from '../api/views.ts';
import type { StreamMessage, StreamOptions } from './stream.ts';

/**
 * How current the page is. `live`: changes come as they happen. `polling`: the stream is not to be had, so the server is
 * asked every few seconds. `lost`: nobody answers, and what is shown is of `asOf`. `paused`: nobody looks.
 */
export type Link = 'connecting' | 'live' | 'polling' | 'lost' | 'paused';

/** What a page knows of one pool as it happens. Views load their lists again when their count changes. */
export interface Live {
  readonly pool: ReadonlySignal<PoolView | null>;
  readonly link: ReadonlySignal<Link>;
  /** When what is shown was last known to be so, in epoch ms; null before the first answer. */
  readonly asOf: ReadonlySignal<number | null>;
  /** Goes up when requests have changed. */
  readonly requests: ReadonlySignal<number>;
  /** Goes up when instances have changed. */
  readonly instances: ReadonlySignal<number>;
  /** The last entry of the audit log that has come; null before. */
  readonly audit: ReadonlySignal<AuditRecord | null>;
  /** Ends it. */
  stop(): void;
}

/** What a live store is made of; tests bring their own. */
export interface LiveParts {
  readonly readStream: (pool: string, options: StreamOptions) => Promise<void>;
  readonly readPool: (pool: string, signal: AbortSignal) => Promise<PoolView>;
  readonly isVisible: ReadonlySignal<boolean>;
  readonly now: () => number;
  /** Resolves after so many ms, or when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const POLL_MS = 5_000;
/** While it polls, the stream is tried again this often. */
const POLLS_BEFORE_RETRY = 4;

/** Follows a pool until `stop`: by its stream, else by asking; not at all while nobody looks. */
export function followPool(name: string, parts: LiveParts): Live {
  const ending = new AbortController();
  const state = {
    pool: signal<PoolView | null>(null),
    link: signal<Link>('connecting'),
    asOf: signal<number | null>(null),
    requests: signal(0),
    instances: signal(0),
    audit: signal<AuditRecord | null>(null),
  };
  void run(name, state, parts, ending.signal);
  return { ...state, stop: () => ending.abort() };
}

interface State {
  readonly pool: Signal<PoolView | null>;
  readonly link: Signal<Link>;
  readonly asOf: Signal<number | null>;
  readonly requests: Signal<number>;
  readonly instances: Signal<number>;
  readonly audit: Signal<AuditRecord | null>;
}

async function run(name: string, state: State, parts: LiveParts, ending: AbortSignal): Promise<void> {
  while (!ending.aborted) {
    await whenVisible(parts.isVisible, ending);
    if (ending.aborted) return;
    const looking = untilHidden(parts.isVisible, ending);
    while (!looking.aborted) {
      const wasOpen = await followStream(name, state, parts, looking);
      // The first is at once: it tells apart a server that gives no stream from one that does not answer.
      for (let left = wasOpen ? 1 : POLLS_BEFORE_RETRY; left > 0 && !looking.aborted; left -= 1) {
        await poll(name, state, parts, looking);
        const isAway = state.link.value === 'lost';
        await parts.sleep(isAway ? POLL_MS / 2 : POLL_MS, looking);
        if (isAway) break;
      }
    }
    if (!ending.aborted) state.link.value = 'paused';
  }
}

/** Resolves when it has ended, with whether the server had taken it. */
async function followStream(
  name: string,
  state: State,
  parts: LiveParts,
  looking: AbortSignal,
): Promise<boolean> {
  let wasOpen = false;
  try {
    await parts.readStream(name, {
      signal: looking,
      onOpen: () => {
        wasOpen = true;
        batch(() => {
          state.link.value = 'live'; // how the pool stands, or that nobody knows, comes in a moment
          changeAll(state); // what happened while there was no stream
        });
      },
      onMessage: (message) => {
        batch(() => take(state, message, parts.now()));
      },
    });
  } catch {
    // Why it was refused makes no difference: asking instead tells whether the server is there at all.
  }
  if (wasOpen && !looking.aborted) state.link.value = 'lost';
  return wasOpen;
}

async function poll(name: string, state: State, parts: LiveParts, looking: AbortSignal): Promise<void> {
  try {
    const pool = await parts.readPool(name, looking);
    batch(() => {
      state.link.value = 'polling';
      state.asOf.value = parts.now();
      state.pool.value = pool;
      changeAll(state);
    });
  } catch {
    if (!looking.aborted) state.link.value = 'lost';
  }
}

/** Between `away` and the next `pool` Redis is away, and nothing is known of the pool. */
function take(state: State, { event, data }: StreamMessage, now: number): void {
  if (event === 'away') {
    state.link.value = 'lost';
    return;
  }
  if (event === 'pool' && state.link.value === 'lost') {
    state.link.value = 'live';
    changeAll(state);
  }
  if (state.link.value === 'live') state.asOf.value = now;
  switch (event) {
    case 'pool':
      state.pool.value = data as PoolView;
      break;
    case 'requests':
      state.requests.value += 1;
      break;
    case 'instances':
      state.instances.value += 1;
      break;
    case 'audit':
      state.audit.value = data as AuditRecord;
      break;
  }
}

function changeAll(state: State): void {
  state.requests.value += 1;
  state.instances.value += 1;
}

/** Resolves when somebody looks, or it ends. */
function whenVisible(isVisible: ReadonlySignal<boolean>, ending: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = isVisible.subscribe((visible) => {
    if (visible) resolve();
  });
  ending.addEventListener('abort', () => resolve(), { once: true });
  return promise.finally(() => end());
}

/** Aborted when nobody looks any more, or it ends. */
function untilHidden(isVisible: ReadonlySignal<boolean>, ending: AbortSignal): AbortSignal {
  const hidden = new AbortController();
  const end = isVisible.subscribe((visible) => {
    if (!visible) hidden.abort();
  });
  const signalOfBoth = AbortSignal.any([hidden.signal, ending]);
  signalOfBoth.addEventListener('abort', () => end(), { once: true });
  return signalOfBoth;
}
