import type { Logger } from 'pino';

/** Something that was opened, and is to be closed. */
export interface Part {
  close(): Promise<void>;
}

/** What a stack consists of. */
export interface Parts extends Part {
  /** One more. Where the parts are being closed already it is closed at once, and this throws: whoever opens more is to stop. */
  add<T extends Part>(part: T): T;
  /** Closes all, the last added first. What fails keeps no other from its end; then the first failure is thrown. */
  close(): Promise<void>;
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
      return part;
    },
    async close() {
      isClosing = true;
      for (const part of open.reverse()) await end(part);
      if (failures.length > 0) throw failures[0];
    },
  };
}
