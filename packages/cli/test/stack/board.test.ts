import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, resolveConfig } from '@spica/core';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { expect, it, onTestFinished } from 'vitest';
import { openDoor } from '../../../../test/support/door.ts';
import { pathsOf, startBoard } from '../../src/stack/board.ts';

it('keeps from others than operators each directory that a reason may name', () => {
  const file = {
    path: '/etc/spica.yaml',
    text: `pools:
  main:
    root: /srv/pool
    templates: { default: /srv/template }
    collect_to: /srv/results
    image: { size_gb: 20, file: /images/pool.img }
    disk: { also_watch: [/var/lib/redis] }
audit: { path: /var/log/spica.jsonl }
`,
  };
  const { config } = resolveConfig({
    file,
    env: { SPICA_STATE_DIR: '/state' },
    flags: {},
    cwd: '/',
    home: '/',
  });
  expect(pathsOf(config).sort()).toEqual([
    '/images',
    '/srv/pool',
    '/srv/results',
    '/srv/template',
    '/state',
    '/var/lib/redis',
    '/var/log/spica.jsonl',
  ]);
});

const logger = createLogger({ level: 'silent', pretty: false });

it('says that Redis is out of reach at whatever moment of the start it goes away', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'spica-board-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const redis = await startEmbeddedRedis({ stateDir: join(dir, 'redis'), logger });
  onTestFinished(() => redis.stop());
  const path = 'socket' in redis.target ? redis.target.socket : '';
  let lost = 0;
  for (let writes = 0; ; writes += 1) {
    await using door = await openDoor({ path }, writes);
    const failure = await startBoard({ config: await aConfig(dir, door.url), logger }).then(
      (board) => board.close().then(() => null),
      (error: unknown) => error,
    );
    if (failure === null) break;
    expect(failure, `${writes} writes`).toMatchObject({ kind: 'unreachable', code: 'REDIS_UNREACHABLE' });
    lost += 1;
  }
  expect(lost).toBeGreaterThan(3);
});

async function aConfig(dir: string, redisUrl: string): Promise<Config> {
  const text = `pools:\n  main: { root: ${dir}/pool, templates: { default: ${dir}/template } }\nserver: { port: 0 }\n`;
  const env = { SPICA_STATE_DIR: join(dir, 'state'), REDIS_URL: redisUrl };
  await mkdir(env.SPICA_STATE_DIR, { recursive: true });
  return resolveConfig({ file: { path: join(dir, 'spica.yaml'), text }, env, flags: {}, cwd: dir, home: dir })
    .config;
}
