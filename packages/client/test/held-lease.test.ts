import { expect, it } from 'vitest';
import { HeldLease } from '../src/held-lease.ts';
import type { LeaseGrant, ReleaseAsked } from '../src/transport.ts';

it('gives a renewal back that came through when the lease was lost already', async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<LeaseGrant>();
  const released = Promise.withResolvers<ReleaseAsked>();
  const lost = Promise.withResolvers<unknown>();
  const transport = {
    lease: () => {
      asked.resolve();
      return answer.promise;
    },
    releaseLease: async (_: string, by: ReleaseAsked) => {
      released.resolve(by);
      return 'released' as const;
    },
  };
  const token = '0'.repeat(32);
  const granted = { instance: 'spica-1', owner: 'ada', token, ms: 3_000, expiresAt: Date.now() + 3_000 };
  const holder = { onHeld: () => undefined, onLost: lost.resolve, onEnd: () => undefined };
  new HeldLease(transport, granted, holder);
  await asked.promise;
  expect(await lost.promise).toMatchObject({ code: 'LEASE_EXPIRED' });
  answer.resolve({ outcome: 'granted', owner: 'ada', expiresAt: Date.now() + 300 });
  expect(await released.promise).toMatchObject({ token, discard: false });
});
