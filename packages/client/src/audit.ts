import type { AuditRecord } from '@spica/queues';
import { parsePayload } from '@spica/queues';
import type { Transport } from './transport.ts';
import { auditQuerySchema } from './wire/queries.ts';

/** The audit log of a pool: each decision that refuses or destroys (docs/audit.md). */
export class AuditLog {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Its last entries, 100 by default, or with `after` (a `seq`) the first ones after that; oldest first, and
   * fewer where they are longer than 128 kB together. Throws UnreachableError WORKER_UNREACHABLE: the log lies where the pool is served.
   */
  async tail(options: { limit?: number; after?: number } = {}): Promise<readonly AuditRecord[]> {
    return (await this.#transport.auditTail(parsePayload(auditQuerySchema, options, 'audit'))).items;
  }

  /** Each entry from now on, or after the one with the `seq` `after`, until the signal is aborted or nobody listens. */
  async *follow(options: { after?: number; signal?: AbortSignal } = {}): AsyncGenerator<AuditRecord, void> {
    const { after, signal } = options;
    const over = new AbortController();
    const until = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
    try {
      yield* this.#transport.auditFollow({ ...(after === undefined ? {} : { after }), signal: until });
    } finally {
      over.abort(new Error('nobody listens any more'));
    }
  }
}
