import { once } from 'node:events';
import { join } from 'node:path';
import { type AuditLog, openAudit } from '@spica/pool';
import { createLogger } from '@spica/workers';
import { expect, it } from 'vitest';
import { type Captured, capture, runCaptured } from '../capture.ts';

/** The audit log that the command is to read; small files, so that a few entries rotate it. */
function openLog(io: Captured): Promise<AuditLog> {
  const logger = createLogger({ level: 'silent', pretty: false });
  const stateDir = join(io.cwd, 'state');
  return openAudit({ path: null, stateDir, clock: { now: () => 0 }, logger, rotateBytes: 20_000 });
}

/** Resolves with what is printed next. */
async function printed(io: Captured): Promise<string> {
  const [chunk] = await once(io.stdout, 'data');
  return String(chunk);
}

it('prints the last entries as they lie in the log, oldest first, when piped and with --json', async () => {
  const io = capture();
  const log = await openLog(io);
  const audit = log.forPool('main');
  for (const instance of ['a', 'b', 'c']) await audit.append({ action: 'delete', instance, outcome: 'done' });
  const { exitCode, stdout } = await runCaptured(['audit', 'tail', '-n', '2'], io);
  expect(exitCode).toBe(0);
  const entries = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(entries).toMatchObject([
    { seq: 2, pool: 'main', instance: 'b' },
    { seq: 3, pool: 'main', instance: 'c' },
  ]);
  const terminal = { ...capture({ tty: true }), env: io.env };
  expect((await runCaptured(['audit', 'tail', '-n', '2', '--json'], terminal)).stdout).toBe(stdout);
  await log.close();
});

it('prints one readable line for each entry on a terminal, without control sequences', async () => {
  const io = capture({ tty: true });
  const log = await openLog(io);
  const reason = 'older than 3 days\n\u001b[31m';
  await log
    .forPool('main')
    .append({ action: 'delete', instance: 'spica-1', reason, bytes: 12.4e9, outcome: 'done' });
  const { stdout } = await runCaptured(['audit', 'tail'], io);
  expect(stdout).toBe(
    '1970-01-01T00:00:00.000Z  main  delete: done  spica-1  12.4 GB  older than 3 days [31m\n',
  );
  await log.close();
});

it('says on a terminal that there is nothing yet, and prints nothing', async () => {
  const { exitCode, stdout, stderr } = await runCaptured(['audit', 'tail'], capture({ tty: true }));
  expect([exitCode, stdout]).toEqual([0, '']);
  expect(stderr).toMatch(/^nothing in the audit log yet \(.*audit\.jsonl\)\n$/);
});

it('follows the log with -f, through a rotation and however much comes at once, until Ctrl-C', async () => {
  const io = capture();
  const log = await openLog(io);
  const audit = log.forPool('main');
  await audit.append({ action: 'first', outcome: 'done' });
  const first = printed(io);
  const running = runCaptured(['audit', 'tail', '-f'], io);
  expect(await first).toContain('"first"');
  for (let i = 0; i < 200; i += 1) await audit.append({ action: `entry-${i}`, outcome: 'done' });
  await audit.append({ action: 'last', outcome: 'done' });
  while (!io.out().includes('"last"')) await printed(io);
  io.signals.emit('SIGINT', 'SIGINT');
  expect((await running).exitCode).toBe(0);
  const numbers = io
    .out()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).seq);
  expect(numbers).toEqual(Array.from({ length: 202 }, (_, i) => i + 1));
  await log.close();
});
