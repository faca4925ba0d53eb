import { chmod, link, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { execa } from 'execa';
import { pino } from 'pino';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { makeTemplate } from '../../../../test/support/template.ts';
import type { Pool } from '../../src/layout.ts';
import { initPool } from '../../src/marker/init.ts';
import { listStored } from '../../src/template/store.ts';
import { createTemplates } from '../../src/template/templates.ts';

let dir: string;
let pool: Pool;
let template: string;
let later: number;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-allocation-'));
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
  template = await makeTemplate(join(dir, 'template'));
  await writeFile(join(template, 'data', 'large'), Buffer.alloc(5_000_000, 'x'));
  await link(join(template, 'data', 'large'), join(template, 'data', 'twice'));
  later = 0;
  return () => rm(dir, { recursive: true });
});

const open = () =>
  createTemplates({
    pool,
    sources: { default: template },
    method: 'copy',
    clock: { now: () => Date.now() + later },
    logger: pino({ level: 'silent' }),
  });

/** As on a filesystem that tells its blocks late: every file takes one of them, as far as `find` sees. Call the result for the truth. */
async function tellLate(): Promise<() => Promise<void>> {
  const bin = join(dir, 'bin');
  await mkdir(bin);
  const { stdout: real } = await execa('sh', ['-c', 'command -v find']);
  const script = `#!/bin/bash\nexec ${real} "\${@//%b/1}"\n`;
  await writeFile(join(bin, 'find'), script);
  await chmod(join(bin, 'find'), 0o755);
  vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  return () => rm(bin, { recursive: true });
}

it('takes a snapshot for no less than what was copied while the filesystem tells less, and measures it again once it is on the disk', async () => {
  const truth = (await open().size('default')).bytes;
  const logged = await tellLate();
  const templates = open();
  expect((await templates.size('default')).bytes).toBeGreaterThan(5_000_000);
  const { allocatedBytes, fingerprint } = await templates.prepare('default');
  expect(allocatedBytes).toBeGreaterThan(5_000_000);
  expect(allocatedBytes).toBeLessThan(6_000_000); // hard links once
  later = 60_000;
  await templates.syncSnapshots();
  expect((await templates.get('default', fingerprint))?.allocatedBytes).toBe(allocatedBytes); // it never tells
  const again = open();
  await writeFile(join(template, 'data', 'more'), 'm'); // another fingerprint
  later = 0;
  const next = await again.prepare('default');
  await logged();
  later = 60_000;
  await again.syncSnapshots();
  const measured = await again.get('default', next.fingerprint);
  expect(measured?.allocatedBytes).toBeGreaterThanOrEqual(5_000_000);
  expect(measured?.allocatedBytes).toBeLessThanOrEqual(truth + 8_192);
  const stored = (await listStored(pool.paths.templates)).find(
    ({ prepared }) => prepared.fingerprint === next.fingerprint,
  );
  expect(stored?.prepared.allocatedBytes).toBe(measured?.allocatedBytes);
  expect((await readdir(pool.paths.templates)).filter((name) => name.endsWith('.draft'))).toEqual([]);
});

it('takes a file with a hole for what it holds where the filesystem tells that', async () => {
  await truncate(join(template, 'data', 'large'), 50_000_000);
  const templates = open();
  expect((await templates.size('default')).bytes).toBeLessThan(6_000_000);
  expect((await templates.prepare('default')).allocatedBytes).toBeLessThan(6_000_000);
});
