import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckError } from '@spica/core';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { verifyAudit } from '../../src/index.ts';
import { startChild } from '../child.ts';
import { entry, linesOf, openLogIn, scratch } from './log.ts';

const HOLD_LOCK = new URL('../claim/hold-lock.ts', import.meta.url);

it('makes the directories that it is wanted in', async () => {
  const dir = await scratch();
  const log = await openLogIn(dir, { path: join(dir, 'a', 'b', 'log.jsonl') });
  await log.forPool('main').append(entry(1));
  expect(await linesOf(join(dir, 'a', 'b', 'log.jsonl'))).toHaveLength(1);
});

it('goes to the state directory when it cannot be where it is wanted, and says so', async () => {
  const dir = await scratch();
  await writeFile(join(dir, 'file'), '');
  const said: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => said.push(line) });
  const wanted = join(dir, 'file', 'audit.jsonl');
  const log = await openLogIn(dir, { path: wanted, logger });
  await log.forPool('main').append(entry(1));
  expect(log.path).toBe(join(dir, 'audit.jsonl'));
  const [first, second] = await linesOf(log.path);
  expect(first).toMatchObject({ action: 'audit_fallback', pool: null, outcome: 'done' });
  expect(first?.reason).toMatch(`${wanted} cannot be written: `);
  expect(second?.reason).toBe('entry 1');
  expect(said.join('')).toContain('the audit log cannot be written where it is wanted');
  expect((await verifyAudit(log.path)).problems).toEqual([]);
});

it('goes there later too, as soon as the wanted place fails, and loses no entry', async () => {
  const dir = await scratch();
  await mkdir(join(dir, 'elsewhere'));
  const wanted = join(dir, 'elsewhere', 'audit.jsonl');
  const log = await openLogIn(dir, { path: wanted });
  const audit = log.forPool('main');
  await audit.append(entry(1));
  await rm(join(dir, 'elsewhere'), { recursive: true });
  await writeFile(join(dir, 'elsewhere'), 'no directory any more');
  await Promise.all([audit.append(entry(2), { sync: true }), audit.append(entry(3))]);
  expect(audit.path).toBe(join(dir, 'audit.jsonl'));
  const lines = await linesOf(audit.path);
  expect(lines.map(({ action, reason }) => (action === 'audit_fallback' ? action : reason))).toEqual([
    'audit_fallback',
    'entry 2',
    'entry 3',
  ]);
});

it('says AUDIT_UNWRITABLE with both reasons when it can be nowhere', async () => {
  const dir = await scratch();
  await writeFile(join(dir, 'file'), '');
  const opening = openLogIn(join(dir, 'file', 'state'), { path: join(dir, 'file', 'audit.jsonl') });
  const error = await opening.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CheckError);
  expect(error).toMatchObject({ code: 'AUDIT_UNWRITABLE' });
  expect(String(error)).toContain(`${join(dir, 'file', 'audit.jsonl')} cannot be written: `);
  expect(String(error)).toContain('the system says "not a directory"');
  expect(String(error)).toContain(`nor can ${join(dir, 'file', 'state', 'audit.jsonl')}: `);
});

it("says AUDIT_UNWRITABLE when something else than a lock is in the lock's place", async () => {
  const dir = await scratch();
  const log = await openLogIn(dir);
  await rm(`${log.path}.lock`);
  await mkdir(`${log.path}.lock`);
  await expect(log.forPool('main').append(entry(1))).rejects.toMatchObject({
    code: 'AUDIT_UNWRITABLE',
    message: expect.stringContaining(`${log.path}.lock`),
  });
  await rmdir(`${log.path}.lock`);
  await log.forPool('main').append(entry(2));
  expect((await linesOf(log.path)).map(({ reason }) => reason)).toEqual(['entry 2']);
});

it('takes over the lock of a process that died with it', async () => {
  const dir = await scratch();
  const log = await openLogIn(dir);
  const holder = startChild(HOLD_LOCK, [`${log.path}.lock`]);
  await holder.next();
  await holder.kill();
  await log.forPool('main').append(entry(1));
  expect(await linesOf(log.path)).toHaveLength(1);
});
