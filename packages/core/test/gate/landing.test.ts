import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Ledger, step } from '../../src/index.ts';
import { facts, NOW, need, request } from './facts.ts';

const CAPACITY = 1_000;
const FLOOR = 20;

/** How an instance lives: grown as expected, it is measured, or released unmeasured, or goes; its bytes stay on the disk. */
interface Life {
  readonly clone: number;
  readonly growth: number;
  readonly ends: 'measured' | 'released' | 'goes';
}

/** A disk that clones land on while others read it, and a ledger that hears of each a while later. */
class World {
  used = 0;
  readonly ledger = new Ledger();

  /** Whether the request was admitted. `waits`: how many turns of the event loop pass between its steps. */
  async spawn(id: string, { clone, growth, ends }: Life, waits: readonly number[]) {
    const { landed } = this.ledger.sums(NOW); // first, as the gate does: what lands later is not in the reading
    await pass(waits[0]);
    const availableBytes = CAPACITY - this.used;
    await pass(waits[1]);
    const each = clone + growth;
    const space = { availableBytes, totalBytes: CAPACITY, freeInodes: null, totalInodes: null };
    const terms = { ...facts().terms, maxInstances: 1_000 };
    const found = step(
      request({ id }),
      facts({ landed, space, terms, need: need(each) }),
      this.ledger.sums(NOW),
    );
    if (found.do !== 'admit') return false;
    this.ledger.reserve(id, { bytes: each, inodes: 0 }, 1);
    await pass(waits[2]);
    this.used += clone; // the clone lands a moment before the ledger hears of it
    await pass(waits[3]);
    const instance = { ownBytes: clone, growth: { bytes: growth, inodes: 0, endsAt: NOW + 1 } };
    this.ledger.commit(id, id, instance, { bytes: clone, inodes: 0 });
    this.ledger.giveBack(id);
    await pass(waits[4]);
    this.used += growth;
    await pass(waits[5]);
    if (ends === 'goes') this.ledger.remove(id);
    else {
      const ownBytes = ends === 'measured' ? clone + growth : clone;
      this.ledger.count(id, { ownBytes, growth: { bytes: 0, inodes: 0, endsAt: 0 } });
    }
    return true;
  }

  get reserved(): number {
    const { reserved, growth } = this.ledger.sums(NOW);
    return reserved.bytes + growth.bytes;
  }
}

async function pass(turns = 0): Promise<void> {
  for (let i = 0; i < turns; i += 1) await setImmediate();
}

const waits = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 6, maxLength: 6 });
const size = fc.record({
  clone: fc.constantFrom(20, 70, 140),
  growth: fc.constantFrom(0, 40, 70),
  ends: fc.constantFrom('measured', 'released', 'goes'),
});

it('keeps the floor of a disk free while clones land, grow and go, and other requests are decided', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(size, waits), { minLength: 20, maxLength: 40 }), async (spawns) => {
      const world = new World();
      const admitted = await Promise.all(spawns.map(([of, when], i) => world.spawn(`r${i}`, of, when)));
      expect(world.used + world.reserved).toBeLessThanOrEqual(CAPACITY - FLOOR);
      expect(admitted).toContain(true);
      // Whoever was held asks again, so that in the end all of the room is used, to the byte.
      for (let i = 0; i < CAPACITY; i += 20)
        await world.spawn(`s${i}`, { clone: 20, growth: 0, ends: 'measured' }, []);
      const left = CAPACITY - FLOOR - world.used - world.reserved;
      expect(left).toBeGreaterThanOrEqual(0);
      expect(left).toBeLessThan(20);
    }),
    { numRuns: 200 },
  );
});
