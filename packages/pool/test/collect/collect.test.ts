import { execFileSync } from 'node:child_process';
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyFile } from '../../src/collect/copy.ts';
import { type CollectOptions, collectInstance, readCollectState } from '../../src/index.ts';

const ID = 'spica-0123456789ab';
const TB = 10 ** 12;
let base: string;
let dir: string;
let to: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'spica-collect-'));
  dir = join(base, 'pool', ID);
  to = join(base, 'results');
  await mkdir(dir, { recursive: true });
  await mkdir(to);
});

afterEach(async () => {
  await rm(base, { recursive: true });
});

async function put(path: string, text = path): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), text);
}

function collect(options: Partial<CollectOptions> = {}, signal?: AbortSignal) {
  const all: CollectOptions = {
    id: ID,
    experiment: 'sweep',
    dir,
    patterns: ['**'],
    to,
    parts: ['sweep', ID],
    as: 'directory',
    at: 1_000,
    mostBytes: 1e9,
    mostFrom: 'collect_max_gb',
    floor: { minFreeSpaceGb: 0, minFreeInodesPercent: 0 },
    own: null,
    ...options,
  };
  return collectInstance(all, signal);
}

const target = () => join(to, 'sweep', ID);
const collectedIn = (path = target()) =>
  execFileSync('find', [path, '-mindepth', '1', '-printf', '%y %P\n'], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
    .sort();
const report = async () => JSON.parse(await readFile(join(target(), 'spica-collected.json'), 'utf8'));

describe('what is collected', () => {
  test('has files of whatever name: line breaks, bytes that are no UTF-8', async () => {
    const bytes = (text: string) => Buffer.from(text, 'latin1');
    const at = Buffer.concat([bytes(`${dir}/`), bytes('d\xff\n')]);
    await mkdir(at);
    await writeFile(Buffer.concat([at, bytes('/a\xfe')]), 'a');
    await writeFile(Buffer.concat([at, bytes('/a\xfd')]), 'b');
    await symlink(bytes('a\xfe'), Buffer.concat([at, bytes('/link\n')]));
    await put('back\\slash');
    expect(await collect({ patterns: ['d*/**', '*\\\\*'] })).toMatchObject({ files: 4, skipped: 0 });
    const found = execFileSync('find', [target(), '-mindepth', '1', '-printf', '%P %l\\0'], {
      encoding: 'latin1',
    });
    expect(found.split('\0').filter(Boolean).sort()).toEqual([
      'back\\slash ',
      'd\xff\n ',
      'd\xff\n/a\xfd ',
      'd\xff\n/a\xfe ',
      'd\xff\n/link\n a\xfe',
      'spica-collected.json ',
    ]);
  });

  test('is all or nothing: what lies too deep to be read is no result that is left out in silence', async () => {
    // Made from within, as no path leads there.
    const script = 'for i in $(seq 40); do mkdir $0 && cd -P $0 || exit 1; done; echo x >file';
    execFileSync('bash', ['-c', script, 'd'.repeat(200)], { cwd: dir });
    try {
      await expect(collect()).rejects.toMatchObject({ code: 'COLLECT_FAILED', message: /name too long/ });
      expect(collectedIn(to)).toEqual([]);
    } finally {
      execFileSync('rm', ['-rf', dir]);
    }
  });

  test('is what matches, hidden files too, with modes and times, and a report beside it', async () => {
    await put('results/a/1.csv', 'one');
    await put('results/.hidden');
    await put('score.json', '{}');
    await put('deep/other.json');
    await chmod(join(dir, 'score.json'), 0o640);
    await utimes(join(dir, 'score.json'), 1_000, 2_000);
    const collected = await collect({ patterns: ['results/**', '*.json', '!results/none'] });
    expect(collected).toMatchObject({ at: 1_000, to: target(), files: 3, skipped: 0 });
    expect(collectedIn()).toEqual([
      'd results',
      'd results/a',
      'f results/.hidden',
      'f results/a/1.csv',
      'f score.json',
      'f spica-collected.json',
    ]);
    expect(await readFile(join(target(), 'results/a/1.csv'), 'utf8')).toBe('one');
    expect(await stat(join(target(), 'score.json'))).toMatchObject({ mode: 0o100640, mtimeMs: 2_000_000 });
    expect(await report()).toMatchObject({
      schema: 'spica.collected/v1',
      spica_id: ID,
      experiment: 'sweep',
      collected_at: '1970-01-01T00:00:01.000Z',
      files: 3,
      skipped: [],
    });
    expect(await readdir(join(to, 'sweep'))).toEqual([ID]);
  });

  test('takes the place of what was collected before', async () => {
    await put('old');
    await collect();
    await rename(join(dir, 'old'), join(dir, 'new'));
    await collect();
    expect(collectedIn()).toEqual(['f new', 'f spica-collected.json']);
    expect(await readdir(join(to, 'sweep'))).toEqual([ID]);
  });

  test('is an empty report where nothing matches', async () => {
    expect(await collect({ patterns: ['none'] })).toMatchObject({ files: 0, bytes: 0 });
    expect(collectedIn()).toEqual(['f spica-collected.json']);
  });

  test('is what lies at these paths now: another state tells of a change', async () => {
    await put('a');
    const { state } = await collect({ patterns: ['*'] });
    const read = () => readCollectState({ id: ID, dir, patterns: ['*'] });
    expect(await read()).toBe(state);
    await put('b/not-matched');
    expect(await read()).toBe(state);
    await put('a', 'A');
    expect(await read()).not.toBe(state);
  });

  test('takes a hole for a hole: a file of 1 TB with a few bytes takes a few bytes', async () => {
    await put('sparse', 'begin');
    await truncate(join(dir, 'sparse'), TB);
    const file = await open(join(dir, 'sparse'), 'r+');
    await file.write(Buffer.from('middle'), 0, 6, TB / 2);
    await file.close();
    const { bytes } = await collect({ mostBytes: 1e6 });
    expect(bytes).toBeLessThan(1e5);
    const copy = await stat(join(target(), 'sparse'));
    expect(copy.size).toBe(TB);
    expect(copy.blocks * 512).toBeLessThan(1e5);
    const there = await open(join(target(), 'sparse'));
    const { buffer } = await there.read(Buffer.alloc(6), 0, 6, TB / 2);
    await there.close();
    expect(buffer.toString()).toBe('middle');
  });

  test('is packed into one archive with tar.zst, holes as holes', async () => {
    await put('results/a', 'A');
    await put('sparse', 'begin');
    await truncate(join(dir, 'sparse'), TB);
    const { to: archive } = await collect({ as: 'tar.zst' });
    expect(archive).toBe(`${target()}.tar.zst`);
    expect(await readdir(join(to, 'sweep'))).toEqual([`${ID}.tar.zst`]);
    expect((await stat(archive)).size).toBeLessThan(1e5);
    const unpacked = join(base, 'unpacked');
    await mkdir(unpacked);
    execFileSync('tar', ['--zstd', '-xf', archive, '-C', unpacked]);
    expect(collectedIn(unpacked)).toEqual(['d results', 'f results/a', 'f sparse', 'f spica-collected.json']);
    expect((await stat(join(unpacked, 'sparse'))).size).toBe(TB);
  });
});

describe('links', () => {
  const SECRET = 'a canary that is not the instance’s';

  test('that lead out are left out and named, whichever way they lead; what is behind them never is read', async () => {
    await mkdir(join(base, 'pool/other'));
    await writeFile(join(base, 'pool/other/secret'), SECRET);
    await put('in/here');
    for (const [path, text] of [
      ['etc', '/etc'],
      ['passwd', '/etc/passwd'],
      ['up', '../other'],
      ['in/up', '../../other/secret'],
      ['in/self-up', './x/../../../other'],
      ['in/down-up', 'here/../../../other/secret'],
    ] as const)
      await symlink(text, join(dir, path));
    const { skipped } = await collect({ patterns: ['**', 'etc/**', 'up/**', 'in/up', 'etc/passwd'] });
    expect(collectedIn()).toEqual(['d in', 'f in/here', 'f spica-collected.json']);
    expect(skipped).toBe(6);
    expect((await report()).skipped).toContainEqual({
      path: 'passwd',
      reason: 'it is a link that leads out of its directory: /etc/passwd',
    });
  });

  test('that lead nowhere but down are kept as links', async () => {
    await put('runs/3/out');
    await symlink('runs/3', join(dir, 'latest'));
    await symlink('nowhere', join(dir, 'dangling'));
    await collect();
    expect(await readlink(join(target(), 'latest'))).toBe('runs/3');
    expect(collectedIn()).toContain('l dangling');
  });

  test('that take a directory’s place after it was listed lead nowhere either', async () => {
    await mkdir(join(base, 'elsewhere'));
    await writeFile(join(base, 'elsewhere/file'), SECRET);
    await put('a/b/file', 'mine');
    await rename(join(dir, 'a/b'), join(base, 'moved'));
    await symlink('../../../elsewhere', join(dir, 'a/b'));
    const terms = { from: dir, to: base, beforeWrite: () => undefined };
    expect(copyFile('a/b/file', terms)).toEqual({ skipped: 'it was moved meanwhile' });
    await rm(join(dir, 'a/b'));
    await symlink('/etc/passwd', join(dir, 'a/b'));
    expect(copyFile('a/b', terms)).toEqual({ skipped: 'it vanished meanwhile' });
    execFileSync('mkfifo', [join(dir, 'a/pipe')]);
    expect(copyFile('a/pipe', terms)).toEqual({ skipped: 'it is no regular file any more' });
    expect(copyFile('a/gone', terms)).toEqual({ skipped: 'it vanished meanwhile' });
    expect(await readdir(base)).not.toContain('a');
  });

  test('an instance that is one itself is not followed', async () => {
    await rm(dir, { recursive: true });
    await symlink('/etc', dir);
    await expect(collect()).rejects.toMatchObject({ code: 'COLLECT_SOURCE' });
  });

  test('with many names are files', async () => {
    await put('a');
    await link(join(dir, 'a'), join(dir, 'b'));
    expect(await collect()).toMatchObject({ files: 2 });
  });
});

test('special files are left out and named, and hold nothing up', async () => {
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  await put('file');
  expect(await collect()).toMatchObject({ files: 1, skipped: 1 });
  expect((await report()).skipped).toEqual([{ path: 'pipe', reason: 'it is a pipe, socket or device' }]);
});

describe('what keeps it from being collected', () => {
  const nothing = () => readdir(to, { recursive: true });

  test('too much of it, counted as it lies on the disk', async () => {
    await put('big', 'x'.repeat(2e6));
    await put('small');
    await expect(collect({ mostBytes: 1e6 })).rejects.toMatchObject({
      code: 'COLLECT_TOO_LARGE',
      message: expect.stringContaining('are collected (collect_max_gb)'),
    });
    expect(await nothing()).toEqual(['sweep']);
  });

  test('a target that is not there: it may be a disk that is not mounted, and is not made', async () => {
    await rm(to, { recursive: true });
    await expect(collect()).rejects.toMatchObject({ code: 'COLLECT_TARGET' });
    await expect(stat(to)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test.each([
    ['above the pool', () => base, ['pool', ID]],
    ['above another pool', () => base, ['other', ID]],
    ['a link to the pool', () => to, ['link', ID]],
  ])('a place in a pool, %s: the instance itself would be replaced', async (_, at, parts) => {
    await put('file', 'work');
    await mkdir(join(base, 'other', '.spica'), { recursive: true });
    await symlink('../pool', join(to, 'link'));
    await expect(collect({ to: at(), parts })).rejects.toMatchObject({
      code: 'COLLECT_TARGET',
      message: /expected a directory outside/,
    });
    expect(await readdir(join(base, 'pool'))).toEqual([ID]);
    expect(await readFile(join(dir, 'file'), 'utf8')).toBe('work');
  });

  test('the floor of the target’s disk', async () => {
    await put('file', 'x'.repeat(10_000));
    const floor = { minFreeSpaceGb: 1e9, minFreeInodesPercent: 0 };
    await expect(collect({ floor })).rejects.toMatchObject({ code: 'COLLECT_NO_ROOM' });
    const inodes = { minFreeSpaceGb: 0, minFreeInodesPercent: 100 };
    await expect(collect({ floor: inodes })).rejects.toMatchObject({
      message: /inodes free above the floor/,
    });
    const own = { dir, keepFree: { bytes: Number.MAX_SAFE_INTEGER, inodes: 0 } };
    await expect(collect({ own })).rejects.toMatchObject({ code: 'COLLECT_NO_ROOM' });
    expect(await nothing()).toEqual(['sweep']);
  });

  test('what was collected before is still there after a collection that failed', async () => {
    await put('file', 'first');
    await collect();
    await put('file', 'x'.repeat(2e6));
    await expect(collect({ mostBytes: 1e6 })).rejects.toMatchObject({ code: 'COLLECT_TOO_LARGE' });
    expect(await readFile(join(target(), 'file'), 'utf8')).toBe('first');
  });

  test('a signal: nothing is left of it', async () => {
    for (let n = 0; n < 50; n += 1) await put(`f${n}`);
    const reason = new Error('enough');
    const controller = new AbortController();
    const collecting = collect({}, controller.signal);
    controller.abort(reason);
    await expect(collecting).rejects.toBe(reason);
    expect((await readdir(to, { recursive: true })).filter((name) => name !== 'sweep')).toEqual([]);
  });

  test('nothing that an interrupted collection has left', async () => {
    await put('file');
    await mkdir(join(to, 'sweep', `.${ID}.part`), { recursive: true });
    await writeFile(join(to, 'sweep', `.${ID}.part`, 'half'), '');
    await mkdir(join(to, 'sweep', `.${ID}.old`));
    await collect();
    expect(await readdir(join(to, 'sweep'))).toEqual([ID]);
    expect(collectedIn()).toEqual(['f file', 'f spica-collected.json']);
  });
});
