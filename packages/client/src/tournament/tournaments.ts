import type { TournamentHead, TournamentRecord } from '@spica/core';
import type { Transport } from '../transport.ts';

/** The tournaments of a pool that are over, whoever ran them: its newest thousand, as far as they take no more than 64 MB. */
export class Tournaments {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The whole record. Throws CheckError TOURNAMENT_UNKNOWN. */
  get(id: string): Promise<TournamentRecord> {
    return this.#transport.tournament(id);
  }

  /** Newest first, without what came of each replica. */
  async *list(): AsyncGenerator<TournamentHead, void> {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const { items, next } = await this.#transport.tournaments(cursor === undefined ? {} : { cursor });
      yield* items;
      cursor = next;
    }
  }
}
