import { type InstanceRecord, resolveConfig, retentionPolicyOf } from '@spica/core';
import { expect, it } from 'vitest';
import { type Catalog, type CatalogInstance, readDepartures } from '../src/index.ts';

const { config } = resolveConfig({ file: null, env: {}, flags: {}, cwd: '/', home: '/' });
const [pool] = Object.values(config.pools);
if (!pool) throw new TypeError('a config without a pool');
const policy = retentionPolicyOf(pool.retention);
const catalog = {
  publishedGate: async () => null,
  clockState: async () => ({ suspended: null }),
} as unknown as Catalog;

/** Ten days old, so that it would go for its age. */
function instance(id: string, unsaved: string | null, record: Partial<InstanceRecord> = {}): CatalogInstance {
  const spawnedAt = Date.now() - 10 * 86_400_000;
  const known = { id, spawnedAt, lease: null, pin: null, sample: null, cloned: null, ttlMs: null };
  const rest = {
    score: null,
    experiment: null,
    lastLeasedAt: null,
    releasedAt: null,
    discarded: false,
    collect: [],
  };
  const whole = { ...known, ...rest, ...record } as unknown as InstanceRecord;
  return { record: whole, state: 'ready', request: null, failure: null, collectFailure: null, unsaved };
}

it('what a plan has found that would be lost stays, until its owner discards it', async () => {
  const pin = { by: 'ada', why: 'baseline', at: 0 };
  const departures = await readDepartures(
    catalog,
    [
      instance('saved', null),
      instance('unsaved', '1 commit not pushed'),
      instance('discarded', '1 commit not pushed', { discarded: true }),
      instance('pinned', '1 commit not pushed', { pin }),
    ],
    { policy, now: Date.now() },
  );
  expect(departures.get('saved')).toMatchObject({ rule: 'age', at: expect.any(Number) });
  expect(departures.get('unsaved')).toMatchObject({
    at: null,
    rule: 'unsaved-work',
    reason: '1 commit not pushed',
  });
  expect(departures.get('discarded')).toMatchObject({ rule: 'age', at: expect.any(Number) });
  expect(departures.get('pinned')).toMatchObject({ rule: 'pinned' });
});
