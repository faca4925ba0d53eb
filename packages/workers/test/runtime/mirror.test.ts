import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Catalog, createCatalog } from '@spica/catalog';
import { Ledger, systemClock } from '@spica/core';
import {
  type AuditLog,
  createSerialiser,
  initPool,
  openAudit,
  type Pool,
  readRecord,
  type Serialiser,
  verifyAudit,
} from '@spica/pool';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { beforeEach, expect, it } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { describeOnRedis } from '../../../../test/support/redis.ts';
import { aRecord } from '../../../catalog/test/open.ts';
import { ProtectedCount } from '../../src/gate/protected.ts';
import type { ServedContext } from '../../src/index.ts';
import { mirrorChanges } from '../../src/runtime/mirror.ts';
import { readMirrored } from '../../src/runtime/mirrored.ts';

const logger = pino({ level: 'silent' });
const HOUR_MS = 3_600_000;
const NOW = 1_700_000_000_000;

describeOnRedis('what is mirrored to the disk', (server) => {
  let redis: Redis;
  let catalog: Catalog;
  let pool: Pool;
  let log: AuditLog;
  let gate: { changesSeen: number; readonly ledger: Ledger; readonly protected: ProtectedCount };
  let perInstance: Serialiser;
  beforeEach(async () => {
    await server.flush();
    redis = new Redis(server.url);
    catalog = createCatalog({ redis, pool: 'main' });
    const dir = await mkdtemp(join(tmpdir(), 'spica-mirror-'));
    pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
    gate = { changesSeen: 0, ledger: new Ledger(), protected: new ProtectedCount() };
    perInstance = createSerialiser();
    log = await openAudit({ path: null, stateDir: dir, clock: systemClock, logger });
    return async () => {
      await log.close();
      redis.disconnect();
      await rm(dir, { recursive: true });
    };
  });

  const notesKey = '{spica:main}:catalog:notes';
  const leave = (reason: string) => catalog.leaveNote({ action: 'force_lease', reason, outcome: 'granted' });
  const logged = async () => (await readAudit(log.path)).map(({ reason }) => reason);
  const mirror = (parts: Partial<ServedContext> = {}) => {
    const known = { catalog, pool, logger, gate, perInstance, clockGuard: { now: () => NOW } };
    const policy = { disk: { growthWindowMs: HOUR_MS } };
    const publisher = { soon: () => undefined };
    const collectDue = { note: () => undefined };
    const ctx = { ...known, policy, publisher, collectDue, audit: log.forPool('main'), ...parts };
    return mirrorChanges(ctx as unknown as ServedContext);
  };

  it('are notes of forced operations in their order, each once', async () => {
    for (let i = 0; i < 450; i += 1) await leave(`note ${i}`);
    await mirror();
    await mirror();
    expect(await logged()).toEqual(Array.from({ length: 450 }, (_, i) => `note ${i}`));
  });

  it('are notes that stay in Redis until their lines are in the audit log, whatever ends the process before', async () => {
    await leave('first');
    const killed = { path: log.path, append: () => Promise.reject(new Error('killed')) };
    await expect(mirror({ audit: killed })).rejects.toThrow('killed');
    expect(await redis.llen(notesKey)).toBe(1);
    const neverWritten = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const hanging = {
      path: log.path,
      append: () => {
        begun.resolve();
        return neverWritten.promise;
      },
    };
    const cutOff = mirror({ audit: hanging });
    await begun.promise;
    expect(await redis.llen(notesKey)).toBe(1);
    neverWritten.reject(new Error('killed'));
    await expect(cutOff).rejects.toThrow('killed');
    await leave('second');
    await mirror();
    expect(await logged()).toEqual(['first', 'second']);
  });

  it('is every note but those that cannot be read, or that say what only the log may say', async () => {
    await leave('before');
    await redis.rpush(notesKey, '{ half', '{"action":"x"}');
    for (const claim of [{ seq: 1 }, { prev: '0' }, { timestamp: 'noon' }, { pool: 7 }, { bytes: 'many' }]) {
      await redis.rpush(notesKey, JSON.stringify({ action: 'x', outcome: 'y', ...claim }));
    }
    await leave('after');
    await mirror();
    expect(await logged()).toEqual(['before', 'after']);
    expect(await redis.llen(notesKey)).toBe(0);
    expect(await verifyAudit(log.path)).toMatchObject({ lines: 2, problems: [] });
  });

  it('is every record but the broken one, which stays to be written', async () => {
    const ids = Array.from({ length: 300 }, (_, i) => `spica-${(0x1000 + i).toString(16)}`);
    for (const id of ids) {
      await catalog.adopt(aRecord(id));
      await catalog.mark(id, { score: 1 });
    }
    await redis.hset('{spica:main}:catalog:instance:spica-1000', 'record', 'x');
    await leave('a note');
    await expect(mirror()).rejects.toMatchObject({ code: 'CATALOG_CORRUPT' });
    expect(await readRecord(pool, 'spica-1000')).toBeNull();
    for (const id of ids.slice(1)) expect((await readRecord(pool, id))?.score).toBe(1);
    expect(await logged()).toEqual(['a note']);
    expect(await catalog.takeDirty(10)).toEqual(['spica-1000']);
  });

  it('is what a lease or its end makes of the expected growth, and how many changes the disk has seen', async () => {
    const sizes = { cloned: { bytes: 10, inodes: 1 }, predicted: { bytes: 50, inodes: 3 } };
    const record = aRecord('spica-0001', { ...sizes, spawnedAt: NOW - 2 * HOUR_MS });
    await catalog.adopt(record);
    gate.ledger.count(record.id, { ownBytes: 10, growth: { bytes: 0, inodes: 0, endsAt: NOW } });
    const growth = () => gate.ledger.sums(NOW).growth;
    const lease = { owner: 'eve', token: 't', expiresAt: NOW + HOUR_MS / 2, now: NOW };
    for (const expected of [{ bytes: 40, inodes: 2 }, null, { bytes: 40, inodes: 2 }]) {
      if (expected) await catalog.lease(record.id, lease);
      else await catalog.releaseLease(record.id, { token: 't', now: NOW });
      await mirror();
      expect(growth()).toEqual(expected ?? { bytes: 0, inodes: 0 });
    }
    expect((await readRecord(pool, record.id))?.lease?.owner).toBe('eve');
    const seen = await catalog.changes();
    expect([gate.changesSeen, await readMirrored(pool)]).toEqual([seen, seen]);
    expect(seen).toBeGreaterThan(3); // apart, so that changes after a step back do not hide it
    expect(gate.ledger.nextGrowthEnd).toBe(lease.expiresAt);
  });

  it('never says of the disk that it has seen fewer changes than before, when Redis has stepped back', async () => {
    await catalog.adopt(aRecord('spica-0001'));
    for (const score of [1, 2, 3]) await catalog.mark('spica-0001', { score });
    await mirror();
    const seen = gate.changesSeen;
    await redis.decrby('{spica:main}:catalog:changes', 2);
    await catalog.mark('spica-0001', { score: 4 });
    await mirror();
    expect([gate.changesSeen, await readMirrored(pool), await catalog.changes()]).toEqual([
      seen,
      seen,
      seen - 1,
    ]);
  });
});
