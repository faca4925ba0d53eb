import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openAudit } from '@spica/pool';
import { createLogger } from '@spica/workers';
import { expect, it } from 'vitest';
import { type Captured, capture, runCaptured } from '../capture.ts';

/** Writes a log of three entries and returns where it lies. */
async function writeLog(io: Captured): Promise<string> {
  const logger = createLogger({ level: 'silent', pretty: false });
  const stateDir = join(io.cwd, 'state');
  const log = await openAudit({ path: null, stateDir, clock: { now: () => 0 }, logger });
  for (const instance of ['a', 'b', 'c']) {
    await log.forPool('main').append({ action: 'delete', instance, outcome: 'done' });
  }
  await log.close();
  return log.path;
}

it('finds nothing in a log that nobody touched, and exits 0', async () => {
  const io = capture({ tty: true });
  const path = await writeLog(io);
  const { exitCode, stdout } = await runCaptured(['audit', 'verify'], io);
  expect([exitCode, stdout]).toEqual([0, `3 lines in ${path}: the chain holds\n`]);
});

it('prints every place where a line was changed or removed, and exits 1', async () => {
  const io = capture();
  const path = await writeLog(io);
  const [first = '', , third = ''] = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, `${first}\n${third}\n`);
  const { exitCode, stdout } = await runCaptured(['audit', 'verify'], io);
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(new RegExp(`^${path}:2: `));
  const asJson = { ...capture(), env: io.env };
  expect(JSON.parse((await runCaptured(['audit', 'verify', '--json'], asJson)).stdout)).toMatchObject({
    ok: false,
    lines: 2,
    problems: [expect.stringContaining('audit.jsonl:2: ')],
  });
});
