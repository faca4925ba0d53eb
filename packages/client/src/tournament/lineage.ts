import { CheckError } from '@spica/core';
import type { Transport } from '../transport.ts';

/**
 * An instance's lineage is not what it has to be: not what its manifest says, or another than when the tournament began.
 * What was measured in it counts for nothing.
 */
export class LineageChangedError extends CheckError {
  /** Id of the instance. */
  readonly instance: string;

  constructor(instance: string, why: string) {
    super('LINEAGE_CHANGED', `instance ${instance}: ${why}`, { instance });
    this.instance = instance;
  }
}

/** SHA-256, hex, of the lineage of each instance. */
export type Lineages = ReadonlyMap<string, string>;

/** So many are asked for at a time: the worker takes one after the other. */
const AT_ONCE = 8;

/**
 * Verifies the lineage of instances. Throws LineageChangedError for the first that differs from its manifest, and what
 * `Transport.verify` throws, as InstanceGoneError for one that is not there any more.
 *
 * @internal
 */
export async function readLineages(
  transport: Pick<Transport, 'verify'>,
  ids: readonly string[],
  when: 'before' | 'after',
): Promise<Lineages> {
  const lineages = new Map<string, string>();
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const verdicts = await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => transport.verify(id)));
    for (const { id, ok, reason, sha } of verdicts) {
      if (!ok || sha === null) throw new LineageChangedError(id, `${when} the tournament: ${reason}`);
      lineages.set(id, sha);
    }
  }
  return lineages;
}

/**
 * Throws LineageChangedError for the first instance whose lineage has changed.
 *
 * @internal
 */
export function compareLineages(before: Lineages, after: Lineages): void {
  for (const [id, sha] of before) {
    if (after.get(id) === sha) continue;
    const why = `its lineage.json has changed during the tournament, and its manifest with it (from ${sha} to ${after.get(id)})`;
    throw new LineageChangedError(id, why);
  }
}
