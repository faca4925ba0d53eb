import { resolveConfig } from '@spica/core';
import { expect, it } from 'vitest';
import { pathsOf } from '../../src/stack/board.ts';

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
