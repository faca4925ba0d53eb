import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceIdOf } from '@spica/core';
import { readCommandLog, readRecord } from '@spica/pool';
import { beforeEach, describe, expect, it } from 'vitest';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { isRunning, processesAbout } from '../../../../test/support/process.ts';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';

let stack: Stack;
/** Found among all processes of the host by its name. */
const SCRIPT = `set-up-of-${randomUUID().slice(0, 8)}.sh`;
/** Serves a pool whose template has a set-up that may take so long. */
function useSetUp(setup_timeout: string): void {
  const take = (served: Stack) => {
    stack = served;
  };
  const ofTemplate = { setup: ['sh', `./${SCRIPT}`], setup_timeout };
  useStack(take, { 'concurrency.spawn': 2, 'gate.poll_every': '1s' }, ofTemplate);
  beforeEach(() => setUp('exit 99'));
}

/** What the set-up of the test's instances does. */
const setUp = (script: string) =>
  writeFile(join(stack.ctx.policy.templates['default']?.path ?? '', SCRIPT), script);
const at = (...names: string[]) => join(stack.dir, ...names);
const listed = async () => (await Array.fromAsync(stack.ctx.catalog.list())).length;
const reserved = () => stack.ctx.gate.ledger.sums(Date.now()).reserved;
const NOTHING = { bytes: 0, inodes: 0, slots: 0 };
const pidIn = async (name: string) => Number(await readFile(at(name), 'utf8').catch(() => '0'));

/** Nothing of a request is left: no instance, no promise, no process. */
async function expectUndone(): Promise<void> {
  expect(await instancesOnDisk(stack.ctx.pool)).toEqual([]);
  expect(await listed()).toBe(0);
  expect(reserved()).toEqual(NOTHING);
  expect(processesAbout(SCRIPT)).toEqual([]);
  expect(stack.ctx.gate.ledger.filesystem.settingUp.size).toEqual({ bytes: 0, inodes: 0 });
}

describe('a set-up', () => {
  useSetUp('10m');

  it('runs in the instance in its place, told who it is, before anybody is told of it; what it prints is kept', async () => {
    await setUp(`env | sort >>env; pwd >>where; echo built; echo warned >&2
      until test -e ${at('go')}; do sleep 0.05; done`);
    const request = await stack.submit({ count: 2, params: { LR: 0.1 }, experiment: 'sweep' });
    const ids = [0, 1].map((index) => instanceIdOf('main', request, index));
    await expect.poll(() => ids.every((id) => existsSync(at('pool', id, 'where')))).toBe(true);
    expect(await listed()).toBe(0);
    expect((await readRecord(stack.ctx.pool, ids[0] ?? ''))?.settingUp).toBe(true);
    await writeFile(at('go'), '');
    const { instances } = await stack.watcher.wait(request);

    expect(instances.map(({ id }) => id).sort()).toEqual(ids.toSorted());
    for (const [index, id] of ids.entries()) {
      const path = at('pool', id);
      expect(await readFile(join(path, 'where'), 'utf8')).toBe(`${path}\n`);
      const env = (await readFile(join(path, 'env'), 'utf8')).split('\n');
      expect(env).toEqual(
        expect.arrayContaining([
          `SPICA_ID=${id}`,
          `SPICA_PATH=${path}`,
          `SPICA_REQUEST=${request}`,
          'SPICA_EXPERIMENT=sweep',
          `SPICA_INDEX=${index}`,
          'LR=0.1',
        ]),
      );
      expect(await readCommandLog(stack.ctx.pool, id)).toBe('built\nwarned\n');
      expect((await readRecord(stack.ctx.pool, id))?.settingUp).toBeUndefined();
    }
  });

  it('has the lease begin when it has ended', async () => {
    await setUp('sleep 1');
    const lease = { owner: 'me', tokenHash: 'a'.repeat(64), ms: 60_000 };
    const { instances } = await stack.spawn({ lease });
    const { mtimeMs } = await stat(at('pool', '.spica', 'set-ups', `${instances[0]?.id}.log`));
    const known = await stack.ctx.catalog.get(instances[0]?.id ?? '');
    expect(known?.record.lease?.expiresAt).toBeGreaterThanOrEqual(Math.floor(mtimeMs) + 60_000 - 5);
  });

  it('fails the request with its last lines, undoes it, and opens no breaker', async () => {
    await setUp('echo one; echo "no such package" >&2; exit 3');
    for (let i = 0; i < 4; i += 1) {
      await expect(stack.spawn()).rejects.toMatchObject({
        kind: 'check',
        code: 'SETUP_FAILED',
        message: expect.stringMatching(
          /^instance spica-\w+: its set-up \(sh \.\/set-up-of-\w+\.sh\) ended with exit code 3: one \| no such package \(what it printed: \/.*\/\.spica\/set-ups\/spica-\w+\.log\)$/,
        ),
      });
    }
    await expectUndone();
    expect(stack.ctx.gate.limits.breaker).toMatchObject({ failures: 0, openedAt: null });
    await setUp('true');
    expect((await stack.spawn()).instances).toHaveLength(1);
  });

  it('keeps what a failed one printed, though its instance is gone', async () => {
    await setUp('seq 100; exit 1');
    const request = await stack.submit();
    await expect(stack.watcher.wait(request)).rejects.toMatchObject({
      message: expect.stringContaining(': 96 | 97 | 98 | 99 | 100 ('),
    });
    expect(await readCommandLog(stack.ctx.pool, instanceIdOf('main', request, 0))).toMatch(
      /^1\n2\n[\s\S]*\n100\n$/,
    );
  });

  it('ends what it leaves in the background, and hands the instance out', async () => {
    await setUp(`sleep 1000 & echo $! >${at('one')}
      setsid sh -c 'echo $$ >${at('two')}; exec sleep 1000' &
      until test -s ${at('two')}; do sleep 0.05; done`);
    expect((await stack.spawn()).instances).toHaveLength(1);
    for (const name of ['one', 'two'])
      await expect.poll(async () => isRunning(await pidIn(name))).toBe(false);
  });

  it('is a failure where it is killed, or is not there', async () => {
    await setUp('kill -KILL $$');
    await expect(stack.spawn()).rejects.toMatchObject({ code: 'SETUP_FAILED', message: /exit code 137/ });
    await setUp('exec no-such-program');
    await expect(stack.spawn()).rejects.toMatchObject({ code: 'SETUP_FAILED', message: /no-such-program/ });
    await setUp('rm manifest.json');
    await expect(stack.spawn()).rejects.toMatchObject({ code: 'SETUP_FAILED', message: /manifest\.json/ });
    await expectUndone();
  });

  it('of several one that fails ends the others at once, and those that have not begun do not begin', async () => {
    await setUp(`echo >${at('begun')}-$SPICA_INDEX
      case $SPICA_INDEX in
        0) until test -e ${at('begun')}-1; do sleep 0.05; done; echo broken; exit 1;;
        *) exec sleep 1000;;
      esac`);
    await expect(stack.spawn({ count: 6 })).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringMatching(/exit code 1: broken \(/),
    });
    expect((await readdir(stack.dir)).filter((name) => name.startsWith('begun-'))).toHaveLength(2);
    await expectUndone();
  });

  it('ends at once when its request is cancelled', async () => {
    await setUp(`echo $$ >${at('pid')}; exec sleep 1000`);
    const request = await stack.submit({ count: 3 });
    await expect.poll(() => pidIn('pid')).toBeGreaterThan(0);
    const payload = (await stack.queues.gate.getJob(request))?.data as { life: string };
    expect(await stack.ctx.catalog.cancel(request, payload.life)).toBe('cancelled');
    await expect(stack.watcher.wait(request)).rejects.toMatchObject({ code: 'REQUEST_CANCELLED' });
    await expect.poll(async () => isRunning(await pidIn('pid'))).toBe(false);
    await expectUndone();
  });
});

describe('a set-up whose time is over', () => {
  useSetUp('5s');

  it('ends, whatever it ignores, with all that it has started', async () => {
    await setUp(`trap '' TERM; sleep 1000 & echo $! >${at('pid')}; while :; do sleep 0.05; done`);
    await expect(stack.spawn()).rejects.toMatchObject({
      code: 'SETUP_TIMED_OUT',
      message: expect.stringContaining(
        'took longer than 5s (setup_timeout), and was ended, and printed nothing',
      ),
    });
    expect(await pidIn('pid')).toBeGreaterThan(0);
    await expect.poll(async () => isRunning(await pidIn('pid'))).toBe(false);
    await expectUndone();
  });
});
