import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { verifyAudit } from '../../src/index.ts';
import { entry, linesOf, openLogIn, scratch } from './log.ts';

async function logOf(lines: number): Promise<string> {
  const log = await openLogIn(await scratch());
  await log.forPool('main').append(Array.from({ length: lines }, (_, n) => entry(n + 1)));
  return log.path;
}

async function rewrite(path: string, change: (lines: string[]) => string[]): Promise<void> {
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  await writeFile(
    path,
    change(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

it('numbers its lines from 1, each with the hash of the one before, and verifies', async () => {
  const dir = await scratch();
  const log = await openLogIn(dir);
  const [main, other] = [log.forPool('main'), log.forPool('other')];
  await Promise.all([main.append(entry(1)), other.append([entry(2), entry(3)]), main.append(entry(4))]);
  const lines = await linesOf(log.path);
  expect(lines.map(({ seq, pool, reason }) => [seq, pool, reason])).toEqual([
    [1, 'main', 'entry 1'],
    [2, 'other', 'entry 2'],
    [3, 'other', 'entry 3'],
    [4, 'main', 'entry 4'],
  ]);
  expect(await verifyAudit(log.path)).toMatchObject({ lines: 4, problems: [] });
});

it('has every field in each line, in a fixed order, and further facts after them', async () => {
  const log = await openLogIn(await scratch());
  await log.forPool('main').append({ action: 'prune_instances', outcome: 'done', pruned: 3 });
  expect(await readFile(log.path, 'utf8')).toBe(
    `{"seq":1,"prev":"${'0'.repeat(64)}","timestamp":"2026-01-02T03:04:05.000Z","action":"prune_instances",` +
      '"pool":"main","request":null,"instance":null,"reason":null,"bytes":null,"dry_run":false,"outcome":"done","pruned":3}\n',
  );
});

it('keeps number, hash, time and pool of a line its own, whatever facts an entry brings under their names', async () => {
  const log = await openLogIn(await scratch());
  const claims = { seq: 99, prev: 'x', timestamp: 'noon', pool: 'other' };
  await log.forPool('main').append([entry(1), { ...entry(2), ...claims, told_by: 'eve' }, entry(3)]);
  expect((await linesOf(log.path))[1]).toMatchObject({ seq: 2, pool: 'main', told_by: 'eve' });
  expect(await verifyAudit(log.path)).toMatchObject({ lines: 3, problems: [] });
});

it('goes on where an earlier process stopped', async () => {
  const dir = await scratch();
  const first = await openLogIn(dir);
  await first.forPool('main').append(entry(1));
  await first.close();
  const second = await openLogIn(dir);
  await second.forPool('main').append(entry(2), { sync: true });
  expect((await linesOf(second.path)).map(({ seq }) => seq)).toEqual([1, 2]);
  expect((await verifyAudit(second.path)).problems).toEqual([]);
});

it('holds whatever characters a reason has', async () => {
  const log = await openLogIn(await scratch());
  const reason = 'a\nb\r\nc\u2028d\u2029e\0f \ud800 "g" 😀';
  await log.forPool('main').append([{ ...entry(1), reason }, entry(2)]);
  expect((await linesOf(log.path))[0]?.reason).toBe(reason);
  expect(await verifyAudit(log.path)).toMatchObject({ lines: 2, problems: [] });
});

it.each<[what: string, change: (lines: string[]) => string[], where: number, says: RegExp]>([
  [
    'a changed line',
    (l) => l.map((line, i) => (i === 2 ? line.replace('entry 3', 'entry X') : line)),
    4,
    /changed/,
  ],
  ['a missing line', (l) => l.toSpliced(2, 1), 3, /seq is 4, expected 3/],
  [
    'two lines in reverse',
    ([a = '', b = '', c = '', ...rest]) => [a, c, b, ...rest],
    2,
    /seq is 3, expected 2/,
  ],
  ['an added line', (l) => l.toSpliced(3, 0, l[2] ?? ''), 4, /seq is 3, expected 4/],
  ['a line of another form', (l) => l.toSpliced(3, 0, '{"seq":4}'), 4, /not a line/],
  ['an empty line', (l) => l.toSpliced(3, 0, ''), 4, /not a line/],
  ['another line break', (l) => l.map((line, i) => (i === 1 ? `${line}\r` : line)), 3, /changed/],
  ['a missing beginning', (l) => l.slice(1).map((line) => line.replace('"seq":2', '"seq":1')), 1, /changed/],
])('reports %s by file and line', async (_what, change, where, says) => {
  const path = await logOf(6);
  await rewrite(path, change);
  const { problems } = await verifyAudit(path);
  expect(problems[0]).toMatch(new RegExp(`^${path}:${where}: `));
  expect(problems[0]).toMatch(says);
});

it('reports of a change that no reader of text would see', async () => {
  const log = await openLogIn(await scratch());
  await log.forPool('main').append([{ ...entry(1), reason: '\ufffd' }, entry(2)]);
  const bytes = await readFile(log.path);
  bytes[bytes.indexOf(0xef)] = 0xff; // no UTF-8 any more: it reads as U+FFFD all the same
  await writeFile(log.path, bytes);
  expect((await verifyAudit(log.path)).problems).not.toEqual([]);
});

it('cannot see that its very end is missing', async () => {
  const path = await logOf(6);
  await rewrite(path, (lines) => lines.slice(0, 4));
  expect(await verifyAudit(path)).toMatchObject({ lines: 4, problems: [] });
});

it('cuts off the torn line that a crash left, and says so in a line', async () => {
  const path = await logOf(2);
  await appendFile(path, '{"seq":3,"prev":"ab');
  expect((await verifyAudit(path)).problems).toEqual([`${path}:3: torn: its end is missing`]);
  const log = await openLogIn(path.slice(0, -'/audit.jsonl'.length));
  await log.forPool('main').append(entry(4));
  const lines = await linesOf(path);
  expect(lines.map(({ seq, action, bytes }) => [seq, action, bytes])).toEqual([
    [1, 'delete_instance', null],
    [2, 'delete_instance', null],
    [3, 'audit_repair', 19],
    [4, 'delete_instance', null],
  ]);
  expect(lines[2]?.reason).toBe('a torn last line of 19 bytes, left by a crash, was cut off');
  expect((await verifyAudit(path)).problems).toEqual([]);
});

it('notices a line that another process left torn while it has the log open', async () => {
  const log = await openLogIn(await scratch());
  await log.forPool('main').append(entry(1));
  await appendFile(log.path, 'half a li');
  await log.forPool('main').append(entry(2));
  expect((await linesOf(log.path)).map(({ action }) => action)).toEqual([
    'delete_instance',
    'audit_repair',
    'delete_instance',
  ]);
  expect((await verifyAudit(log.path)).problems).toEqual([]);
});

it('goes on after a line that somebody else wrote: only that one is a problem', async () => {
  const path = await logOf(2);
  await appendFile(path, 'hello\n');
  const log = await openLogIn(path.slice(0, -'/audit.jsonl'.length));
  await log.forPool('main').append([entry(4), entry(5)]);
  expect(await verifyAudit(path)).toMatchObject({
    lines: 5,
    problems: [`${path}:3: not a line of the audit log`],
  });
});

it('goes on in a new file when somebody removed or emptied the old one', async () => {
  const log = await openLogIn(await scratch());
  await log.forPool('main').append(entry(1));
  await truncate(log.path, 0);
  await log.forPool('main').append(entry(2));
  expect((await linesOf(log.path)).map(({ reason }) => reason)).toEqual(['entry 2']);
});

it('checks on from where the last check ended, through rotations, and sees when the end was cut off meanwhile', async () => {
  const log = await openLogIn(await scratch(), { rotateBytes: 1_000 });
  const append = async (from: number, to: number) => {
    for (let n = from; n <= to; n += 1) await log.forPool('main').append(entry(n));
  };
  await append(1, 5);
  const first = await verifyAudit(log.path);
  expect(await verifyAudit(log.path, first.checked)).toMatchObject({ lines: 5, problems: [] });
  await append(6, 20);
  const second = await verifyAudit(log.path, first.checked);
  expect(second).toMatchObject({ lines: 20, problems: [] });
  // What was checked is not looked at again; what follows it is compared with what was there.
  await rewrite(`${log.path}.2`, (lines) => lines.map((line) => line.replace('entry', 'ENTRY')));
  expect(await verifyAudit(log.path, second.checked)).toMatchObject({ lines: 20, problems: [] });
  expect((await verifyAudit(log.path)).problems.length).toBeGreaterThan(0);
  await append(21, 21);
  const third = await verifyAudit(log.path, second.checked);
  expect(third).toMatchObject({ lines: 21, problems: [] });
  const text = await readFile(log.path, 'utf8');
  await truncate(log.path, text.length - 20);
  const { problems } = await verifyAudit(log.path, third.checked);
  expect(problems).toEqual([`${log.path}: lines that were there at the last check were cut off`]);
});
