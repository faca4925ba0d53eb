import type { CatalogInstance } from '@spica/catalog';
import type { Candidate, PoolConfig } from '@spica/core';
import type { findUnsavedWork, Pool } from '@spica/pool';
import { beforeEach, expect, it, vi } from 'vitest';
import { createUnsavedGuard } from '../../src/pruner/unsaved.ts';

const look = vi.fn<typeof findUnsavedWork>();
const SAVED = { commits: 0, stashes: 0, files: 0, unknown: null, isBaselineKnown: true };

let pool: Pool;
beforeEach(() => {
  pool = { name: 'main' } as Pool;
  look.mockReset();
  look.mockImplementation(async (_, { id }) => ({ ...SAVED, files: id.endsWith('9') ? 1 : 0 }));
});

const policy = { retention: { protectUnsavedWork: true } } as PoolConfig;
const idsOf = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `spica-${i}` }));
const inventory = {
  getMany: async (ids: readonly string[]) =>
    ids.map(
      (id) =>
        ({
          record: { id, discarded: id === 'spica-2', collect: [] as string[], collected: null },
          unsaved: null,
        }) as CatalogInstance,
    ),
};
const open = (isUrgent: boolean) => createUnsavedGuard({ pool, policy, inventory, find: look }, { isUrgent });
const verdict = (guard: ReturnType<typeof open>, id: string) => guard.verdictOf({ id } as Candidate);

it('a plan looks at each once, and at none that was discarded', async () => {
  const guard = open(false);
  expect(await guard.look(idsOf(10))).toBe(true);
  expect(await guard.look(idsOf(10))).toBe(false);
  expect(look).toHaveBeenCalledTimes(9);
  expect(verdict(guard, 'spica-9')).toMatchObject({ rule: 'unsaved-work' });
  expect(verdict(guard, 'spica-8')).toBeNull();
  expect(verdict(guard, 'spica-77')).toBeNull();
});

it('a plan that others wait for looks at 100, and keeps the others; the next one goes on with them', async () => {
  const first = open(true);
  expect(await first.look(idsOf(150))).toBe(true);
  expect(look).toHaveBeenCalledTimes(100);
  expect(verdict(first, 'spica-98')).toBeNull();
  expect(verdict(first, 'spica-140')?.reason).toMatch(/not looked at yet/);
  expect(verdict(first, 'spica-777')?.reason).toMatch(/not looked at yet/);
  const next = open(true);
  await next.look(idsOf(150));
  expect(look).toHaveBeenCalledTimes(149);
  expect(verdict(next, 'spica-140')).toBeNull();
});

it('what was found a moment ago serves those who wait, but neither an operator nor whoever looks too late', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1_000);
  await open(true).look(idsOf(1));
  now.mockReturnValue(60_999);
  await open(true).look(idsOf(1));
  expect(look).toHaveBeenCalledTimes(1);
  await open(false).look(idsOf(1));
  expect(look).toHaveBeenCalledTimes(2);
  now.mockReturnValue(200_000);
  await open(true).look(idsOf(1));
  expect(look).toHaveBeenCalledTimes(3);
  now.mockRestore();
});

it('repositories that git takes long for hold up no plan that others wait for: each goes on where the last one ended', async () => {
  let at = 1_000;
  const now = vi.spyOn(performance, 'now').mockImplementation(() => at);
  look.mockImplementation(async () => {
    at += 8_000;
    return { ...SAVED, unknown: 'it takes longer than 30s' };
  });
  let looked = 0;
  while (looked < 39) {
    const guard = open(true);
    const begun = at;
    await guard.look(idsOf(40));
    expect(at - begun).toBeLessThan(60_000); // what had begun is waited for
    expect(look.mock.calls.length).toBeGreaterThan(looked);
    looked = look.mock.calls.length;
  }
  expect(new Set(look.mock.calls.map(([, { id }]) => id)).size).toBe(39); // but for what was discarded
  now.mockRestore();
});
