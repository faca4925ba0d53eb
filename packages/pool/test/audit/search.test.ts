import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type AuditFilter, searchAudit, searchAuditAfter } from '../../src/index.ts';
import { scratch } from './log.ts';

const START = Date.UTC(2026, 0, 2);
const MIN = 60_000;
const ALL: AuditFilter = {
  pool: 'main',
  action: null,
  outcome: null,
  instance: null,
  request: null,
  by: null,
  since: null,
  until: null,
};

/** An entry a minute; every fifth is a deletion, by turns of two pools, and some lines are as long as what is read at once. */
function lineOf(seq: number) {
  return JSON.stringify({
    seq,
    prev: '0'.repeat(64),
    timestamp: new Date(START + seq * MIN).toISOString(),
    action: seq % 5 === 0 ? 'delete_instance' : 'admit_request',
    pool: seq % 7 === 0 ? 'other' : seq % 11 === 0 ? null : 'main',
    request: `req-${seq % 3}`,
    instance: seq % 5 === 0 ? `spica-${seq % 10}` : null,
    reason: seq % 97 === 0 ? 'x'.repeat(300_000) : `asked for by ada: "${seq}"`,
    bytes: null,
    dry_run: false,
    outcome: seq % 2 === 0 ? 'done' : 'failed: "why"',
    ...(seq % 4 === 0 ? { by: 'bob' } : {}),
  });
}

async function writeLog(path: string, counts: readonly number[]): Promise<number> {
  let seq = 0;
  for (const [i, count] of counts.entries()) {
    const lines = Array.from({ length: count }, (_, each) => `${lineOf(seq + each + 1)}\n`);
    seq += count;
    const torn = i === counts.length - 1 ? '{"seq":' : '';
    const number = counts.length - 1 - i;
    await writeFile(number === 0 ? path : `${path}.${number}`, lines.join('') + torn);
  }
  return seq;
}

function asked(filter: Partial<AuditFilter>, last: number) {
  const { action, outcome, instance, request, by, since, until } = { ...ALL, ...filter };
  const all = Array.from({ length: last }, (_, i) => JSON.parse(lineOf(i + 1)));
  return all.filter(
    (entry) =>
      entry.pool !== 'other' &&
      (action === null || entry.action === action) &&
      (outcome === null || entry.outcome.startsWith(outcome)) &&
      (instance === null || entry.instance === instance) &&
      (request === null || entry.request === request) &&
      (by === null || (entry.by ?? 'ada') === by) &&
      (since === null || Date.parse(entry.timestamp) >= since) &&
      (until === null || Date.parse(entry.timestamp) <= until),
  );
}

const optional = <T>(values: readonly T[]) => fc.option(fc.constantFrom(...values));
const filters = fc.record({
  action: optional(['delete_instance', 'admit_request']),
  outcome: optional(['failed', 'done', 'failed: "why"']),
  instance: optional(['spica-0', 'spica-5']),
  request: optional(['req-1']),
  since: fc.option(fc.integer({ min: START, max: START + 500 * MIN })),
  until: fc.option(fc.integer({ min: START, max: START + 500 * MIN })),
});

it('finds, page by page backward, and forward, exactly what is asked for, in all files', async () => {
  const dir = await scratch();
  const counts = fc.array(fc.integer({ min: 0, max: 150 }), { minLength: 1, maxLength: 4 });
  const limits = fc.integer({ min: 1, max: 40 });
  let logs = 0;
  await fc.assert(
    fc.asyncProperty(counts, filters, limits, fc.nat(200), async (files, filter, limit, after) => {
      logs += 1;
      const path = join(dir, `${logs}.jsonl`);
      const last = await writeLog(path, files);
      const whole = { ...ALL, ...filter };
      const expected = asked(filter, last).map(({ seq }) => seq);
      const backward: number[] = [];
      for (let before: number | null = null; ; ) {
        const page = await searchAudit(path, { filter: whole, limit, before });
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        backward.unshift(...page.entries.map(({ seq }) => seq));
        if (page.before === null) break;
        before = page.before;
      }
      expect(backward).toEqual(expected);
      const forward = await searchAuditAfter(path, { filter: whole, limit, after });
      expect(forward.map(({ seq }) => seq)).toEqual(expected.filter((seq) => seq > after).slice(0, limit));
      await rm(path);
      await Promise.all(files.map((_, i) => rm(`${path}.${i}`, { force: true })));
    }),
    { numRuns: 60 },
  );
});

it('knows who asked for it, also where only the reason says so, and passes over what is no entry', async () => {
  const path = join(await scratch(), 'audit.jsonl');
  const last = await writeLog(path, [40]);
  const seqs = async (by: string) => {
    const search = { filter: { ...ALL, by }, limit: 100, before: null };
    return (await searchAudit(path, search)).entries.map(({ seq }) => seq);
  };
  expect(await seqs('bob')).toEqual(asked({ by: 'bob' }, last).map(({ seq }) => seq));
  expect(await seqs('ada')).toEqual(asked({ by: 'ada' }, last).map(({ seq }) => seq));
  expect(await seqs('ad')).toEqual([]);
  await writeFile(path, `not json\n{"seq":1,"by":"bob"}\n\n${lineOf(4)}\n{"by":"bob"}\n`);
  expect(await seqs('bob')).toEqual([4]);
  await rm(path);
  expect(await seqs('bob')).toEqual([]);
});

it('begins in the middle of a long log without reading what comes after', async () => {
  const path = join(await scratch(), 'audit.jsonl');
  const lines = Array.from({ length: 60_000 }, (_, i) =>
    (i + 1) % 97 === 0 ? lineOf(i + 2).replace(`"seq":${i + 2}`, `"seq":${i + 1}`) : lineOf(i + 1),
  );
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
  const spent = ({ user, system }: NodeJS.CpuUsage) => user + system;
  const before = process.cpuUsage(); // whatever else runs is not in it
  const early = await searchAudit(path, { filter: ALL, limit: 10, before: 5_000 });
  const byTime = await searchAudit(path, {
    filter: { ...ALL, until: START + 5_000 * MIN },
    limit: 10,
    before: null,
  });
  const forward = await searchAuditAfter(path, { filter: ALL, limit: 10, after: 30_000 });
  const took = spent(process.cpuUsage(before));
  expect(early.entries.at(-1)?.seq).toBe(4_999);
  expect(byTime.entries.at(-1)?.seq).toBe(5_000);
  expect(forward[0]?.seq).toBe(30_001);
  const beforeWhole = process.cpuUsage();
  await searchAudit(path, { filter: { ...ALL, action: 'none' }, limit: 10, before: null });
  expect(took).toBeLessThan(spent(process.cpuUsage(beforeWhole)));
});
