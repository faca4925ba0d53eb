import type { RequestProgress } from '@spica/queues';
import { SingleBar } from 'cli-progress';
import type { Output } from '../io.ts';

/** A request's way, as whoever waits for it sees it. */
export interface ProgressView {
  step(progress: RequestProgress): void;
  /** So many of its instances have come up. */
  spawned(count: number): void;
  stop(): void;
}

const BEGIN = 'waiting for the gate';
const PHASES: Partial<Record<RequestProgress['phase'], string>> = {
  preparing: 'preparing the template',
  reclaiming: 'making room',
  held: 'held',
  spawning: 'spawning',
  undoing: 'undoing',
};

/** A bar on a terminal, with a line each time the reason of a hold changes; elsewhere a line for each hold. */
export function createProgress(
  stderr: Output,
  { request, count }: { request: string; count: number },
): ProgressView {
  return stderr.isTTY ? createBar(stderr, request, count) : createLines(stderr, request);
}

function createBar(stderr: Output, request: string, count: number): ProgressView {
  const format = `${request}  [{bar}] {value}/{total}  {phase}`;
  const bar = new SingleBar({ stream: stderr, format, barsize: 24, hideCursor: true, clearOnComplete: true });
  let phase = BEGIN;
  let done = 0;
  let reason = '';
  bar.start(count, 0, { phase });
  return {
    step(progress) {
      phase = PHASES[progress.phase] ?? progress.phase;
      if (progress.phase === 'held' && progress.reason !== reason) {
        reason = progress.reason;
        bar.stop();
        stderr.write(`${sayHeld(progress)}\n`);
        bar.start(count, done, { phase });
      }
      bar.update(done, { phase });
    },
    spawned(now) {
      done = now;
      bar.update(now, { phase });
    },
    stop: () => bar.stop(),
  };
}

function createLines(stderr: Output, request: string): ProgressView {
  let held = false;
  return {
    step(progress) {
      if (progress.phase === 'held' && !held) stderr.write(`request ${request} ${sayHeld(progress)}\n`);
      held = progress.phase === 'held';
    },
    spawned: () => undefined,
    stop: () => undefined,
  };
}

function sayHeld({ reason, until }: RequestProgress & { phase: 'held' }): string {
  return `held until ${until} at most: ${reason}`;
}
