import {
  compareHeld,
  type GateFacts,
  type HeldSince,
  type Size,
  type Space,
  type Step,
  step,
} from '@spica/core';
import { HOST, TERMS } from './scenario.ts';
import { needOf, type Serving } from './serving.ts';
import type { Request } from './store.ts';

/** The disk as it was read for a decision. */
export interface DiskReading {
  readonly space: Space;
  /** The ledger's, from before that. */
  readonly landed: Size;
  readonly readTrue: number;
}

/** The ledger comes first: what lands after it is counted on top of what the disk says. */
export function readDisk({ world, ledger }: Serving): DiskReading {
  const landed = ledger.filesystem.landed.size;
  return { landed, space: world.space(), readTrue: world.agenda.now };
}

/** What of a decision's facts the gate alone knows. */
interface GateKnows {
  /** The requests that are held. */
  readonly line: readonly Request[];
  /** What the template's snapshot will take; null before it was measured. */
  readonly preparation: Size | null;
  readonly relief: GateFacts['relief'];
}

/** The one that has been held for longest. */
export function headOf(line: readonly Request[], now: number): HeldSince | null {
  const held = line.map(({ id, heldAt }) => ({ request: id, heldAt: heldAt ?? now }));
  return held.sort(compareHeld)[0] ?? null;
}

/** The core's step for a request, by the disk as it was read and everything else as it is now. */
export function stepFor(
  { world, store, ledger }: Serving,
  request: Request,
  { space, landed }: DiskReading,
  { line, preparation, relief }: GateKnows,
): Step {
  const { id, template, finals, heldAt } = request;
  const isPrepared = store.isPrepared(template);
  const { now } = world;
  return step(
    { id, template: template.name, count: finals.length, heldAt, maxWaitMs: HOST.maxWaitMs },
    {
      now,
      terms: TERMS,
      cancelled: false,
      line: { head: headOf(line, now), length: line.length },
      limits: store.limits,
      doubt: null,
      space,
      landed,
      floor: HOST.floor,
      need: isPrepared ? needOf(store, request) : null,
      preparation: isPrepared ? null : preparation,
      relief,
    },
    ledger.sums(world.guardedNow),
  );
}
