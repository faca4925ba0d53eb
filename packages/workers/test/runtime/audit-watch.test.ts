import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type WorkEvent } from '@spica/core';
import { openAudit } from '@spica/pool';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { watchAudit } from '../../src/runtime/audit-watch.ts';

it('says that the chain holds, and once a line was changed, that it does not', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'spica-audit-watch-'));
  const logger = pino({ level: 'silent' });
  const log = await openAudit({ path: null, stateDir: dir, clock: systemClock, logger });
  await log.forPool('main').append([
    { action: 'a_test', reason: 'the first', outcome: 'done' },
    { action: 'a_test', reason: 'the second', outcome: 'done' },
  ]);
  const seen: WorkEvent[] = [];
  const watch = () => {
    const options = {
      log,
      pools: [],
      clock: systemClock,
      logger,
      emit: (event: WorkEvent) => seen.push(event),
    };
    return watchAudit(options);
  };
  await watch().close(); // the first check is over then
  expect(seen).toEqual([{ kind: 'audit-checked', pool: null, problems: [] }]);
  const text = await readFile(log.path, 'utf8');
  await writeFile(log.path, text.replace('the first', 'the fifth'));
  await watch().close();
  expect(seen[1]).toMatchObject({ kind: 'audit-checked', problems: [expect.stringContaining(':2: ')] });
  await log.close();
  await rm(dir, { recursive: true });
});
