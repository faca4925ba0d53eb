import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { changeBeforeEachRsync } from '../../../../test/support/changing.ts';
import { copyLive } from '../../src/clone/copy-live.ts';
import { describeTree, makeOddities } from '../support/oddities.ts';

let dir: string;
let from: string;
let to: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-live-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
});

/** A program that writes to the source as fast as it can, in rounds whose number is in two files. */
function startWriter(rounds: number): { ended: Promise<unknown> } {
  const script = [
    `const { writeFileSync, renameSync } = require('node:fs');`,
    `const put = (name, n) => { writeFileSync(name + '.new', n); renameSync(name + '.new', name); };`,
    `for (let n = 0; n < ${rounds}; n += 1) { put('a', String(n)); put('b', String(n)); }`,
  ];
  const writer = execa(process.execPath, ['-e', script.join('\n')], { cwd: from, reject: false });
  return { ended: writer };
}

it('copies what nobody writes to, with every oddity', async () => {
  await makeOddities(from);
  const before = await describeTree(from);
  await copyLive(from, to);
  expect(await describeTree(to)).toEqual(before);
});

it('is a copy of one moment, though somebody wrote while it began', async () => {
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => writeFile(join(from, `file-${i}`), String(i).repeat(5_000))),
  );
  const writer = startWriter(400);
  await expect.poll(() => readFile(join(from, 'b'), 'utf8').catch(() => ''), { interval: 1 }).not.toBe('');
  const outcome = copyLive(from, to).catch((error: unknown) => error);
  await writer.ended;
  const error = await outcome;
  if (error) expect(error).toMatchObject({ code: 'FORK_CHANGING' });
  else {
    const [a, b] = await Promise.all(['a', 'b'].map((name) => readFile(join(to, name), 'utf8')));
    expect([0, 1]).toContain(Number(a) - Number(b)); // `a` is put before `b`
  }
});

it('takes over what changes without moving size or time', async () => {
  const [file, kept] = [join(from, 'file'), join(dir, 'kept')];
  await writeFile(file, 'before');
  await copyLive(from, to);
  await execa('cp', ['-p', file, kept]);
  await writeFile(file, 'after!');
  await execa('touch', ['-r', kept, file]);
  await expect(copyLive(from, to)).resolves.toBeUndefined(); // into what is there: cp has no say in it
  expect(await readFile(join(to, 'file'), 'utf8')).toBe('after!');
});

it('gives up, with what changed, where somebody writes all the time', async () => {
  await changeBeforeEachRsync(dir, join(from, 'changing'));
  await expect(copyLive(from, to)).rejects.toMatchObject({
    code: 'FORK_CHANGING',
    kind: 'refused',
    message: expect.stringMatching(/changed each of the 5 times/),
  });
});

it('says so where the source is not there any more', async () => {
  await rm(from, { recursive: true });
  await expect(copyLive(from, to)).rejects.toMatchObject({ code: 'FORK_SOURCE_GONE' });
});

it('says that a file changes which is written over, longer and shorter, while rsync reads it', async () => {
  const script = `for (let n = 1; ; n += 1)
    require('node:fs').writeFileSync('log', Buffer.alloc(1e6 + (n % 7) * 4e5, String(n)))`;
  const writer = execa(process.execPath, ['-e', script], { cwd: from, reject: false });
  onTestFinished(async () => {
    writer.kill();
    await writer;
  });
  await expect.poll(() => readFile(join(from, 'log'), 'utf8').catch(() => '')).not.toBe('');
  await changeBeforeEachRsync(dir, join(from, 'changing')); // also where the writer has to wait for the disk
  for (const name of ['one', 'two', 'three']) {
    await expect(copyLive(from, join(dir, name))).rejects.toMatchObject({ code: 'FORK_CHANGING' });
  }
});
