import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashLeaseToken, toInstanceView } from '@spica/catalog';
import {
  departureOfRow,
  type JudgeTerms,
  judgeRows,
  judgeTerms,
  type Row,
  sortRows,
  toRow,
} from '@spica/catalog/list';
import { CheckError, describePolicy, isoTime, leaseInForce, verdictOf } from '@spica/core';
import type { LineageVerdict } from '@spica/queues';
import { leasedBy } from '../errors.ts';
import { readListQuery } from '../list/page.ts';
import type { LeaseAsked, LeaseGrant, ReleaseAsked, Transport } from '../transport.ts';
import type { InstanceView, PoolView } from '../view.ts';
import { lineageHash } from './files.ts';
import { decide } from './gate.ts';
import type { MemoryPool } from './pool.ts';

/** One client's way to a pool in memory. What takes a real disk or its history is refused with NOT_IN_MEMORY. */
export function overMemory(pool: MemoryPool): Transport {
  const closing = new AbortController();
  const until = (signal: AbortSignal | undefined) =>
    signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;
  return {
    pool: pool.options.name,
    submit: async (body, { key, by }) => pool.submit(body, key, by),
    request: async (id) => pool.findRequest(id).view(),
    requests: refused('requests'),
    events: async function* (id, { after = null, signal }) {
      yield* pool.findRequest(id).events(after, until(signal));
    },
    wait: async (id, { timeoutMs, signal }) =>
      pool.findRequest(id).wait({ timeoutMs, signal: until(signal) }),
    cancel: async (id) => pool.cancel(pool.findRequest(id)),

    instances: async (query) => {
      const asked = readListQuery(query);
      const judged = judge(pool);
      const { rows, total, next } = asked.pick(sortRows(judged.rows, asked.order), Date.now());
      return { items: rows.map(({ id }) => show(pool, id, judged)), next, total };
    },
    instance: async (id) => show(pool, id, judge(pool)),
    lease: async (id, asked) => lease(pool, id, asked),
    releaseLease: async (id, asked) => releaseLease(pool, id, asked),
    pin: async (id, pin) => pool.update(id, { pin: { ...pin, at: Date.now() } }),
    unpin: async (id) => pool.update(id, { pin: null }),
    score: async (id, score) => pool.update(id, { score }),
    verify: (id) => verify(pool, id),
    collect: refused('collect'),
    grow: refused('grow'),
    restore: refused('restore'),
    previewAction: refused('actions'),
    act: refused('actions'),
    sample: refused('sample'),

    preflight: async ({ count }) => {
      const { decision } = decide(count, pool.all, { policy: pool.options.policy, now: Date.now() });
      return { ...decision, prepared: true, trouble: null, waitsFor: null, afterPruning: null, help: null };
    },
    plan: refused('plan'),
    execute: refused('execute'),
    auditTail: refused('audit'),
    whatIf: refused('what if'),
    oversize: async () => [], // nothing limits what is written here
    oversizeFollow: async function* ({ signal }) {
      yield { id: 'none', instances: [] };
      if (!until(signal).aborted) await once(until(signal), 'abort');
    },
    auditFollow: () => {
      throw notInMemory('audit');
    },
    watch: () => {
      throw notInMemory('watch');
    },
    saveTournament: async (record) => void pool.tournaments.set(record.id, record),
    tournament: async (id) => pool.findTournament(id),
    tournaments: async () => ({ items: [...pool.tournaments.values()].reverse(), next: null }),
    poolStatus: async () => status(pool),
    history: refused('history'),
    profiles: async () => ({ items: [], next: null }), // nothing is measured
    space: refused('space'),
    close: async () => closing.abort(new CheckError('CLIENT_CLOSED', 'this client was closed')),
  };
}

function refused(what: string): () => Promise<never> {
  return async () => {
    throw notInMemory(what);
  };
}

function notInMemory(what: string): CheckError {
  return new CheckError(
    'NOT_IN_MEMORY',
    `${what}: a server in memory has none; test it against \`spica up\``,
  );
}

/** All its instances, with what retention says of them. */
interface Judged {
  readonly rows: readonly Row[];
  readonly terms: JudgeTerms | null;
}

function judge(pool: MemoryPool): Judged {
  const rows = pool.all.map((each) => toRow(each));
  const at = { policy: pool.options.policy, now: Date.now() };
  const terms = judgeTerms(null, { suspended: null }, at);
  if (terms !== null) judgeRows(rows, terms);
  return { rows, terms };
}

function show(pool: MemoryPool, id: string, { rows, terms }: Judged): InstanceView {
  const instance = pool.find(id);
  const row = rows.find((each) => each.id === id);
  const goes = row ? departureOfRow(row, terms) : null;
  return { ...toInstanceView(instance, Date.now(), goes), path: join(pool.options.root, id) };
}

/** Compares its lineage with its manifest, as the pool's worker does. */
async function verify(pool: MemoryPool, id: string): Promise<LineageVerdict> {
  const path = join(pool.options.root, pool.find(id).record.id);
  const [sha, manifest] = await Promise.all([
    lineageHash(path),
    readFile(join(path, 'manifest.json'), 'utf8'),
  ]);
  const ok = JSON.parse(manifest).lineage_sha === sha;
  return { id, ok, sha, reason: ok ? null : 'lineage.json is not what manifest.json says' };
}

function lease(pool: MemoryPool, id: string, { owner, token, ms, force = false }: LeaseAsked): LeaseGrant {
  const [{ record }, now] = [pool.find(id), Date.now()];
  const [current, tokenHash] = [leaseInForce(record, now), hashLeaseToken(token)];
  const renews = current?.tokenHash === tokenHash;
  if (current && !renews && !force) throw leasedBy(id, current);
  const expiresAt = now + ms;
  const since = renews ? current.since : now;
  const granted = { lease: { owner, tokenHash, expiresAt, since }, lastLeasedAt: now };
  pool.update(id, { ...granted, releasedAt: null, discarded: false });
  return { outcome: renews ? 'renewed' : 'granted', owner, expiresAt };
}

function releaseLease(
  pool: MemoryPool,
  id: string,
  { token, discard, force = false }: ReleaseAsked,
): 'released' | 'discarded' | 'none' {
  const [{ record }, now] = [pool.find(id), Date.now()];
  const current = leaseInForce(record, now);
  const isHolder = token !== null && current?.tokenHash === hashLeaseToken(token);
  if (current && !isHolder && !force) throw leasedBy(id, current);
  if (!current && !discard) return 'none';
  const released = current ? { lease: null, releasedAt: now } : {};
  pool.update(id, { ...released, ...(discard ? { discarded: true } : {}) });
  return current ? 'released' : 'discarded';
}

function status(pool: MemoryPool): PoolView {
  const { name, policy } = pool.options;
  const nothing = { bytes: 0, inodes: 0 };
  const now = Date.now();
  const { maxInstances, maxAgeMs, keepBest } = policy;
  const { level, sentence } = verdictOf({
    now,
    served: true,
    at: now,
    disk: { availableBytes: 2 ** 50, floorBytes: 0 },
    imageHost: null,
    pressure: null,
    forecast: { trend: 'stable' },
    held: { count: pool.held.length, head: null },
    worries: [],
  });
  return {
    pool: name,
    verdict: { level, sentence, until: null },
    at: isoTime(now),
    disk: null,
    imageHost: null,
    policy: {
      sentence: describePolicy(policy),
      ...{ maxInstances, maxAgeMs, keepBest },
      ...{ minFreeBytes: 0, maxInstanceBytes: null, maxPoolBytes: null },
    },
    blind: null,
    ...{ host: null, filesystem: null, clonesBy: 'copy', audit: null },
    served: true,
    instances: pool.all.length,
    maxInstances: policy.maxInstances,
    reserved: { ...nothing, slots: 0 },
    growth: nothing,
    ownBytes: 0,
    pressure: null,
    clockSuspended: null,
    deletionsHeldUntil: null,
    held: pool.held,
    heldCount: pool.held.length,
  };
}
