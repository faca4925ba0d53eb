import { preparationShort, type Size } from '@spica/core';
import { HOST, MINUTE, type Template } from './scenario.ts';
import type { Serving } from './serving.ts';

/** So long it takes to copy a template into its snapshot. */
const PREPARE_MS = 2 * MINUTE;

/** Brings snapshots of templates up to date, each once for all requests that wait for it. */
export class Preparer {
  readonly #serving: Serving;
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #sizes = new Map<string, Size>();

  constructor(serving: Serving) {
    this.#serving = serving;
  }

  /** What a template's snapshot will take; null as long as this worker has not measured it. */
  sizeOf({ name }: Template): Size | null {
    return this.#sizes.get(name) ?? null;
  }

  /** Prepares, if there is room; else only measures. Then calls `onEnd`: the request is decided anew. */
  prepare(template: Template, onEnd: () => void): void {
    const { name, version, clone: size } = template;
    const waiting = this.#waiting.get(name);
    if (waiting) {
      waiting.push(onEnd);
      return;
    }
    this.#waiting.set(name, [onEnd]);
    this.#sizes.set(name, size);
    if (!this.#begin(name, size)) {
      this.#end(name);
      return;
    }
    const { world, store, ledger } = this.#serving;
    world.workAfter(PREPARE_MS, () => {
      store.writings.delete(`snapshot-${name}`);
      store.snapshots.set(name, { version, size });
      world.between();
      ledger.endPreparation(name, size);
      this.#end(name);
    });
  }

  /** Reserves what the snapshot takes, and begins to write; false where there is no room. */
  #begin(name: string, size: Size): boolean {
    const { world, store, ledger, checks } = this.#serving;
    world.between();
    const sums = ledger.sums(world.guardedNow);
    const facts = { space: world.space(), landed: sums.landed, floor: HOST.floor, bounds: [] };
    if (preparationShort(size, facts, sums) !== null) return false;
    ledger.beginPreparation(name, size);
    checks.onPreparation(store, size);
    const begunTrue = world.agenda.now;
    const writing = { kind: 'snapshot', size, begunTrue, takesMs: PREPARE_MS, cutOffTrue: null } as const;
    store.writings.set(`snapshot-${name}`, writing);
    return true;
  }

  #end(name: string): void {
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    for (const onEnd of waiting) onEnd();
  }
}
