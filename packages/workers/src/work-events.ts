import type { WorkEvent } from '@spica/core';
import type { Logger } from 'pino';

export type WorkListener = (event: WorkEvent) => void;

/** What the workers of this process do and see, for metrics and notifications. Listeners are called at once, in order. */
export interface WorkEvents {
  emit(event: WorkEvent): void;
  /** Call the result to end it. */
  on(listener: WorkListener): () => void;
}

/** A listener that throws is logged: it must not change what the workers do. */
export function createWorkEvents(logger: Pick<Logger, 'error'>): WorkEvents {
  const listeners = new Set<WorkListener>();
  return {
    emit(event) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          logger.error({ err: error, kind: event.kind }, 'what the workers did could not be counted');
        }
      }
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
