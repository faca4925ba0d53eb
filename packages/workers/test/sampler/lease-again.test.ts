import { hashLeaseToken } from '@spica/catalog';
import { expect, it } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';

const POLL = { timeout: 30_000 };

let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  { 'pools.main.disk.prior_factor': 3, 'sample.every': '1h' },
);

it('a lease that is granted again brings back what its instance is expected to add, at once', async () => {
  const { catalog, gate } = stack.ctx;
  const growth = () => gate.ledger.sums(Date.now()).growth.bytes;
  const lease = { owner: 'ada', tokenHash: hashLeaseToken('t'), ms: 3_600_000 };
  const { id = '' } = (await stack.spawn({ lease })).instances[0] ?? {};
  const expected = growth();
  expect(expected).toBeGreaterThan(0);
  await catalog.releaseLease(id, { token: 't', now: Date.now() });
  await expect.poll(growth, POLL).toBe(0);
  const now = Date.now();
  await catalog.lease(id, { owner: 'bob', token: 'u', expiresAt: now + 3_600_000, now });
  await expect.poll(growth, POLL).toBe(expected);
});
