import { describe, expect, it } from 'vitest';
import { type ConfigInput, resolveConfig, SpicaError } from '../../src/index.ts';

/** All that a person could be shown of a config, good or bad. */
function shownOf(text: string | null, env: ConfigInput['env'] = {}): string {
  const file = text === null ? null : { path: '/spica.yaml', text };
  try {
    return JSON.stringify(resolveConfig({ file, env, flags: {}, cwd: '/', home: '/' }).effective);
  } catch (error) {
    if (!(error instanceof SpicaError)) throw error;
    return JSON.stringify([error.message, error.details, String(error.cause)]);
  }
}

describe('the password of a Redis URL is never shown', () => {
  it.each([
    'redis://:hunter2@h:6379',
    'redis://ada:hunter2@h',
    'redis://ada:a@b:hunter2@h',
    'redis://ada:with space hunter2@h',
    'redis://h/0?password=hunter2',
    'redis://h/0?family=4&sentinelPassword=hunter2',
    'http://ada:hunter2@h',
    'redis:/:hunter2@h',
    'redis://ada:hunter2/x@h',
    'redis://ada:hunter2',
    'redis://ada:100%hunter2@h',
    'hunter2',
  ])('REDIS_URL=%s', (url) => {
    expect(shownOf(null, { REDIS_URL: url })).toContain('***');
    expect(shownOf(null, { REDIS_URL: url })).not.toContain('hunter2');
  });

  it.each([
    'redis: "redis://:hunter2@h"',
    'redis: { url: ["redis://:hunter2@h"] }',
    'redis: { url: { a: "redis://:hunter2@h" } }',
    'redis: { uri: "redis://:hunter2@h" }',
    'redis_url: "redis://:hunter2@h"',
    '"redis://:hunter2@h": 1',
    'server: { port: "redis://:hunter2@h" }',
    '- redis://:hunter2@h',
    'redis:\n  url: redis://:hunter2@h: x\n  - y',
    "redis: { url: 'redis://:a'hunter2@h' }",
    'redis: { url: "redis://:a\\hunter2@h" }',
    'redis: { url: *hunter2 }',
    'redis:\n  url: |hunter2\n  x',
  ])('%j', (text) => {
    expect(shownOf(text)).not.toContain('hunter2');
  });
});

it('what is shown of a good URL still says where Redis is', () => {
  expect(shownOf('redis: { url: "redis://ada:hunter2@h:6380/1" }')).toContain('redis://***@h:6380/1');
});

describe('the address and the secret of a receiver are never shown', () => {
  it.each([
    '{ url: "https://hooks.example/hunter2", secret: s3cret }',
    '{ url: "https://hooks.example/?token=hunter2", secret: s3cret }',
    '{ url: "ftp://hooks.example/hunter2", secret: s3cret }',
    '{ url: "https://ada:hunter2@hooks.example/", secret: s3cret }',
    '{ url: { env: "hunter2 " }, secret: { file: "$s3cret" } }',
    '{ url: "https://hooks.example/hunter2", secret: [s3cret] }',
    '{ url: hunter2, secert: s3cret }',
  ])('notify: [%s]', (target) => {
    const shown = shownOf(`notify: [${target}]`);
    expect(shown).toContain('notify');
    expect(shown).not.toMatch(/hunter2|s3cret/);
  });

  it('where they are is shown', () => {
    const shown = shownOf('notify: [{ url: { env: HOOK }, secret: { file: /run/key } }]');
    expect(shown).toMatch(/HOOK.*\/run\/key/);
  });
});
