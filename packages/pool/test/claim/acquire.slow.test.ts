import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckError } from '@spica/core';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim } from '../../src/claim/acquire.ts';
import { identifySelf } from '../../src/claim/identity.ts';
import { initPool, lockDeletion, lockPool } from '../../src/index.ts';
import { type Child, startChild } from '../child.ts';

const CONTEND = new URL('./contend.ts', import.meta.url);
const clock = { now: () => Date.UTC(2026, 0, 1) };

let dir: string;
let path: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-claim-'));
  path = join(dir, 'claim.json');
});
afterEach(() => rm(dir, { recursive: true }));

function take() {
  return claim(path, { purpose: 'a test', clock, refused: (holder) => new CheckError('TAKEN', holder) });
}

/** Puts down a claim as another process would have. */
async function putClaim(change: Record<string, unknown>): Promise<void> {
  const holder = { ...(await identifySelf()), purpose: 'spica up', since: '2026-01-01T00:00:00.000Z' };
  await writeFile(path, JSON.stringify({ ...holder, ...change }));
}

it('is had by one at a time, and can be had again once released', async () => {
  const first = await take();
  await expect(take()).rejects.toMatchObject({
    code: 'TAKEN',
    message: `process ${process.pid} (a test) since 2026-01-01T00:00:00.000Z`,
  });
  await first.release();
  const second = await take();
  await second.release();
  expect(await readdir(dir)).toEqual(['claim.json.lock']);
});

it('is never had by two processes that race for it', async () => {
  const children = [startChild(CONTEND, [path]), startChild(CONTEND, [path]), startChild(CONTEND, [path])];
  await Promise.all(children.map((child) => child.next()));
  for (let round = 0; round < 30; round += 1) {
    const answers = await Promise.all(children.map((child) => child.ask('claim')));
    expect(answers.toSorted()).toEqual(['TAKEN', 'TAKEN', 'mine']);
    await children[answers.indexOf('mine')]?.ask('release');
  }
});

it('is never had by two that race for a dead one', async () => {
  const children = [startChild(CONTEND, [path]), startChild(CONTEND, [path]), startChild(CONTEND, [path])];
  await Promise.all(children.map((child) => child.next()));
  for (let round = 0; round < 30; round += 1) {
    await putClaim({ startTicks: '1', since: `round ${round}` });
    const answers = await Promise.all(children.map((child) => child.ask('claim')));
    expect(answers.toSorted()).toEqual(['TAKEN', 'TAKEN', 'mine']);
    await children[answers.indexOf('mine')]?.ask('release');
  }
});

it('is taken over at once from a process that was killed', async () => {
  const child = startChild(CONTEND, [path]);
  await child.next();
  expect(await child.ask('claim')).toBe('mine');
  await expect(take()).rejects.toThrow(`process ${child.pid} (a test)`);
  await child.kill();
  await (await take()).release();
});

it('is taken over when another process has the number of the one that held it', async () => {
  await putClaim({ startTicks: '1' });
  await (await take()).release();
});

it('is taken over when it is from before the last boot', async () => {
  await putClaim({ boot: 'another' });
  await (await take()).release();
});

it('is left alone when its holder is on another host, which nobody here can look at', async () => {
  await putClaim({ host: `not-${hostname()}`, boot: 'another', pid: 1, startTicks: '1' });
  await expect(take()).rejects.toThrow(`process 1 (spica up) on host not-${hostname()} since 2026-`);
});

it('is taken over from a container that is gone, though its host name was another', async () => {
  await putClaim({ host: `not-${hostname()}`, pid: process.pid });
  await (await take()).release();
});

it('is not taken from a container of the same host name, whose processes cannot be seen', async ({
  skip,
}) => {
  const inContainer = ['unshare', '--pid', '--fork', '--mount-proc'];
  const [program = '', ...args] = inContainer;
  const { failed, stderr } = await execa(program, [...args, 'true'], { reject: false });
  if (failed) return skip(`no process namespace can be made here: ${stderr}`);
  const child = startChild(CONTEND, [path], inContainer);
  await child.next();
  expect(await child.ask('claim')).toBe('mine');
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: 1, host: hostname() });
  await expect(take()).rejects.toThrow('process 1 (a test) since ');
  await child.ask('release');
  await (await take()).release();
});

it.each(['', '{', '{"pid":1}', 'null', '\0\0\0\0'])(
  'is refused when what is there is no claim: %j',
  async (text) => {
    await writeFile(path, text);
    await expect(take()).rejects.toMatchObject({ code: 'CLAIM_UNREADABLE' });
    expect(await readFile(path, 'utf8')).toBe(text);
  },
);

it('releases only what is still its own', async () => {
  const first = await take();
  await putClaim({ since: 'somebody else' });
  await first.release();
  expect(JSON.parse(await readFile(path, 'utf8')).since).toBe('somebody else');
});

describe('when the lock file of a claim is removed while it is held', () => {
  const lock = () => `${path}.lock`;
  let holder: Child;
  beforeEach(async () => {
    holder = startChild(CONTEND, [path]);
    await holder.next();
    expect(await holder.ask('claim')).toBe('mine');
    await rm(lock());
  });

  it('nobody else gets it, as long as the process that is named runs', async () => {
    await expect(take()).rejects.toThrow(`process ${holder.pid} (a test) since `);
    await expect(take()).rejects.toMatchObject({ code: 'TAKEN' });
    await holder.kill();
    await (await take()).release();
  });

  it('its holder locks it anew, though others are after it', async () => {
    const others = [startChild(CONTEND, [path]), startChild(CONTEND, [path])];
    await Promise.all(others.map((child) => child.next()));
    const answers = [holder.ask('renew'), ...others.map((child) => child.ask('claim'))];
    expect(await Promise.all(answers)).toEqual(['still mine', 'TAKEN', 'TAKEN']);
    await rm(path); // now the lock alone keeps it
    expect(await others[0]?.ask('claim')).toBe('TAKEN');
    expect(await holder.ask('renew')).toBe('still mine');
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: holder.pid });
    expect(await holder.ask('release')).toBe('released');
    await (await take()).release();
  });

  it('and who holds it is not written any more either, the holder learns that another has it', async () => {
    await rm(path);
    const second = await take();
    expect(await holder.ask('renew')).toBe('TAKEN');
    await second.release();
  });
});

it('is lost by a holder when another is named in its place', async () => {
  const held = await take();
  await putClaim({ host: `not-${hostname()}`, boot: 'another', pid: 4711 });
  await expect(held.renew()).rejects.toThrow(`process 4711 (spica up) on host not-${hostname()}`);
  await held.release();
});

it('lets one process serve a pool, and one delete in it, and names who does', async () => {
  const pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock });
  const served = await lockPool(pool, { clock });
  await expect(lockPool(pool, { clock })).rejects.toMatchObject({
    code: 'POOL_SERVED',
    message: `pool main: served already by process ${process.pid} (spica up) since 2026-01-01T00:00:00.000Z`,
  });
  const deleting = await lockDeletion(pool, { clock, purpose: 'spica prune --offline' });
  await expect(lockDeletion(pool, { clock, purpose: 'spica up' })).rejects.toMatchObject({
    code: 'PRUNE_BUSY',
    message: expect.stringContaining('(spica prune --offline) since'),
  });
  await deleting.release();
  await served.release();
});
