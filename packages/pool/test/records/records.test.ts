import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  deleteRecord,
  initPool,
  listRecords,
  type Pool,
  readRecord,
  sweepRecordDrafts,
  writeRecord,
} from '../../src/index.ts';
import { aRecord } from '../support/record.ts';

const ID = 'spica-0123456789ab';

let dir: string;
let pool: Pool;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-records-'));
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: { now: () => 0 } });
});
afterEach(() => rm(dir, { recursive: true }));

it('keeps what it was told of an instance, until it is told anew or deleted', async () => {
  await writeRecord(pool, aRecord(ID));
  expect(await readRecord(pool, ID)).toEqual(aRecord(ID));
  await writeRecord(pool, { ...aRecord(ID), score: 1 });
  expect((await readRecord(pool, ID))?.score).toBe(1);
  await deleteRecord(pool, ID);
  await deleteRecord(pool, ID);
  expect(await readRecord(pool, ID)).toBeNull();
  expect(await readdir(pool.paths.records)).toEqual([]);
});

it.each([
  [true, 'warn'],
  [false, null],
  ['end_lease', 'end_lease'],
])('reads what was kept of an oversize instance, by earlier versions too: %j', async (kept, oversize) => {
  const path = join(pool.paths.records, `${ID}.json`);
  await writeFile(path, JSON.stringify({ ...aRecord(ID), oversize: kept }));
  expect(await readRecord(pool, ID)).toEqual({ ...aRecord(ID), oversize });
});

it('is one whole record or another, whoever writes at once', async () => {
  const path = join(pool.paths.records, `${ID}.json`);
  await writeRecord(pool, aRecord(ID));
  let writing = true;
  const writers = Promise.all(
    Array.from({ length: 200 }, (_, score) => writeRecord(pool, { ...aRecord(ID), score })),
  ).finally(() => {
    writing = false;
  });
  while (writing) expect(JSON.parse(await readFile(path, 'utf8')).id).toBe(ID);
  await writers;
  expect(await readdir(pool.paths.records)).toEqual([`${ID}.json`]);
});

/** The name of a draft that was there while a record was written. */
async function nameOfDraft(): Promise<string> {
  for (;;) {
    const [names] = await Promise.all([readdir(pool.paths.records), writeRecord(pool, aRecord(ID))]);
    const draft = names.find((name) => name !== `${ID}.json`);
    if (draft) return draft;
  }
}

it('sweeps up drafts of records that a crash left, and nothing else', async () => {
  const draft = await nameOfDraft();
  const others = ['notes.json.4711-0123abcd.tmp', `${ID}.json.tmp`, `${ID}.json.4711-0123abcd`, `${ID}.tmp`];
  for (const name of [draft, ...others]) await writeFile(join(pool.paths.records, name), '{');
  await sweepRecordDrafts(pool);
  expect((await readdir(pool.paths.records)).sort()).toEqual([`${ID}.json`, ...others].sort());
});

it('lists those that can be read, and reports those that cannot', async () => {
  const at = (name: string) => join(pool.paths.records, name);
  await writeRecord(pool, aRecord(ID));
  await writeFile(at('spica-00000000000a.json'), '{"schema":');
  await writeFile(at('spica-00000000000b.json'), JSON.stringify(aRecord(ID)));
  await writeFile(at('spica-00000000000c.json'), JSON.stringify({ ...aRecord('x'), labels: 7 }));
  await mkdir(at('spica-00000000000d.json'));
  await writeFile(at('spica-00000000000e.json'), ''); // a power cut leaves that
  await writeFile(at(`${ID}.json.4711-00000000.tmp`), '{'); // a draft that a crash left
  await writeFile(at('notes.txt'), 'mine');
  const { records, broken } = await listRecords(pool);
  expect(records).toEqual([aRecord(ID)]);
  const reasons = new Map(broken.map(({ name, reason }) => [name, reason]));
  expect([...reasons.keys()].sort()).toEqual(
    ['a', 'b', 'c', 'd', 'e'].map((end) => `spica-00000000000${end}.json`),
  );
  expect(reasons.get('spica-00000000000b.json')).toBe(`it is the record of ${ID}`);
  expect(reasons.get('spica-00000000000c.json')).toContain('labels');
  await expect(readRecord(pool, 'spica-00000000000d')).rejects.toMatchObject({ code: 'RECORD_INVALID' });
});

it.each(['../pool', '', 'spica-0123456789ab/x'])('refuses %j, which is no id', async (id) => {
  const error = { code: 'INSTANCE_ID_INVALID' };
  await expect(writeRecord(pool, aRecord(id))).rejects.toMatchObject(error);
  await expect(readRecord(pool, id)).rejects.toMatchObject(error);
  await expect(deleteRecord(pool, id)).rejects.toMatchObject(error);
});
