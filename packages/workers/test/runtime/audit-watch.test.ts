import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditCheck } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { type AuditLog, openAudit } from '@spica/pool';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AuditWatch, watchAudit } from '../../src/runtime/audit-watch.ts';

const DAY = 24 * 3_600_000;
const errors: string[] = [];
const signalled: number[] = [];
let dir: string;
let log: AuditLog;
let watch: AuditWatch;
let now: number;
const gate: { auditCheck: AuditCheck | null } = { auditCheck: null };
let published = 0;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-watch-'));
  const logger = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) });
  log = await openAudit({ path: null, stateDir: dir, clock: systemClock, logger });
  [now, published] = [Date.now(), 0];
  Object.assign(gate, { auditCheck: null });
  errors.length = 0;
  signalled.length = 0;
  const soon = () => {
    published += 1;
  };
  const emit: Parameters<typeof watchAudit>[0]['emit'] = (signal) => {
    if (signal.kind === 'audit-checked') signalled.push(signal.problems.length);
  };
  const pools = [{ gate, publisher: { soon } }] as never;
  watch = watchAudit({ log, pools, clock: { now: () => now }, logger, emit });
});
afterEach(async () => {
  await watch.close();
  await log.close();
  await rm(dir, { recursive: true });
});

const append = (count: number) =>
  log.forPool('main').append(Array.from({ length: count }, () => ({ action: 'noted', outcome: 'done' })));
async function rewrite(change: (text: string) => string): Promise<void> {
  await writeFile(log.path, change(await readFile(log.path, 'utf8')));
}

it('publishes that the chain holds, and goes on from there with what is added', async () => {
  await append(3);
  await watch.check();
  await watch.check(); // behind the one of the start, which may have begun before
  expect(gate.auditCheck).toEqual({ checkedAt: now, entries: 3, problem: null });
  await append(2);
  await watch.check();
  expect(gate.auditCheck).toEqual({ checkedAt: now, entries: 5, problem: null });
  expect(published).toBeGreaterThan(1);
});

it('says once, and goes on saying in the figures, that the chain is broken, until all of it holds again', async () => {
  await append(3);
  await watch.check();
  await watch.check();
  await append(1);
  const before = await readFile(log.path, 'utf8');
  await rewrite((text) => text.replace('"seq":4', '"seq":5'));
  await watch.check();
  const problem = expect.stringMatching(/audit\.jsonl:4: its seq is 5, expected 4/);
  expect(gate.auditCheck).toMatchObject({ problem });
  await watch.check();
  expect(gate.auditCheck).toMatchObject({ problem });
  expect(errors).toHaveLength(1);
  expect(signalled.slice(-3)).toEqual([0, 1, 1]);
  await writeFile(log.path, before);
  now += DAY;
  await watch.check();
  expect(gate.auditCheck).toMatchObject({ entries: 4, problem: null });
});

it('finds what was changed in the past when a day is over', async () => {
  await append(3);
  await watch.check();
  await watch.check();
  await rewrite((text) => text.replace('noted', 'NOTED'));
  await watch.check();
  expect(gate.auditCheck).toMatchObject({ problem: null });
  now += DAY;
  await watch.check();
  expect(gate.auditCheck).toMatchObject({ problem: expect.stringContaining('was changed') });
});
