import type { Logger } from 'pino';

/** Something that was opened, and is to be closed. */
export interface Part {
  close(): Promise<void>;
}

/** What a stack consists of. */
export interface Parts {
  /** Adds one. After `close` was called it closes the part at once, and throws, so that its caller opens no more. */
  add(part: Part): void;
  /** Closes all, the last added first. Never throws: where some fail it goes on, and resolves with what they threw. */
  close(): Promise<readonly unknown[]>;
}

export function createParts(logger: Pick<Logger, 'error'>): Parts {
  const open: Part[] = [];
  const failures: unknown[] = [];
  let isClosing = false;
  const end = (part: Part) =>
    part.close().catch((err: unknown) => {
      logger.error({ err }, 'a part of the stack failed to end');
      failures.push(err);
    });
  return {
    add(part) {
      if (isClosing) {
        void end(part);
        throw new Error('the stack is being closed');
      }
      open.push(part);
    },
    async close() {
      isClosing = true;
      for (const part of open.reverse()) await end(part);
      return failures;
    },
  };
}
