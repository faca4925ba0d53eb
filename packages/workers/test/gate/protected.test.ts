import { expect, it } from 'vitest';
import { ProtectedCount } from '../../src/gate/protected.ts';

const lease = (expiresAt: number) => ({ owner: 'ada', tokenHash: 'a'.repeat(64), expiresAt, since: 0 });
const pin = { by: 'ada', why: 'a test', at: 0 };

it('counts leases until they end, and pins until they are taken off or their instance is gone', () => {
  const count = new ProtectedCount();
  count.note({ id: 'a', lease: lease(1_000), pin });
  count.note({ id: 'b', lease: lease(5_000), pin });
  count.note({ id: 'c', lease: lease(5_000), pin: null });
  expect(count.counts(500)).toEqual({ leases: 3, pins: 2 });
  count.note({ id: 'b', lease: null, pin: null });
  expect(count.counts(1_000)).toEqual({ leases: 1, pins: 1 });
  count.note({ id: 'a', lease: lease(9_000), pin }); // leased again
  expect(count.counts(2_000)).toEqual({ leases: 2, pins: 1 });
  count.forget('a');
  expect(count.counts(2_000)).toEqual({ leases: 1, pins: 0 });
});
