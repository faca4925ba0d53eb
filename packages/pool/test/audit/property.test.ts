import { mkdtemp, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { type AuditLog, openAudit, tailAudit, verifyAudit } from '../../src/index.ts';

/** What may befall a log between two looks at it. */
type Step = { append: string[]; sync: boolean } | 'reopen' | { torn: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      append: fc.array(fc.string({ unit: 'binary' }), { maxLength: 4 }),
      sync: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant('reopen' as const) },
  { weight: 1, arbitrary: fc.record({ torn: fc.nat({ max: 400 }) }) },
);

/** As a crash would: the last line loses some of its end, but not all of it. */
async function tear(path: string, bytes: number): Promise<boolean> {
  const [last] = await tailAudit(path, 1);
  const { size } = await stat(path);
  if (last === undefined || size === 0) return false;
  await truncate(path, size - 1 - Math.min(bytes, last.length - 1));
  return true;
}

it('verifies after any course of appends, rotations, reopenings and torn last lines', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const stateDir = await mkdtemp(join(tmpdir(), 'spica-audit-'));
      const open = () =>
        openAudit({
          path: null,
          stateDir,
          clock: { now: () => 0 },
          logger: pino({ level: 'silent' }),
          rotateBytes: 2_000,
        });
      let log: AuditLog = await open();
      try {
        let expected: string[] = [];
        for (const each of steps) {
          if (each === 'reopen') {
            await log.close();
            log = await open();
          } else if ('torn' in each) {
            if (!(await tear(log.path, each.torn))) continue;
            await log.forPool('main').append([]);
            expected = [...expected.slice(0, -1), 'repair'];
          } else {
            const entries = each.append.map((reason) => ({ action: 'said', reason, outcome: 'done' }));
            await log.forPool('main').append(entries, { sync: each.sync });
            expected.push(...each.append.map((reason) => `said ${JSON.stringify(reason)}`));
          }
        }
        await log.close();
        log = await open();
        expect((await verifyAudit(log.path)).problems).toEqual([]);
        const lines = (await tailAudit(log.path, 1_000)).map((line) => JSON.parse(line));
        const said = lines.map(({ action, reason }) =>
          action === 'audit_repair' ? 'repair' : `said ${JSON.stringify(reason)}`,
        );
        expect(said).toEqual(expected.slice(expected.length - said.length));
        expect(lines.at(-1)?.seq ?? 0).toBe(expected.length);
      } finally {
        await log.close();
        await rm(stateDir, { recursive: true });
      }
    }),
    { numRuns: 60 },
  );
});
