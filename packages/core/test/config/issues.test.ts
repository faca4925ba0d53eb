import { describe, expect, it } from 'vitest';
import { type ConfigInput, resolveConfig, UsageError } from '../../src/index.ts';

/** The lines of the error that a config is refused with. */
function problemsOf(text: string | null, { env = {}, flags = {} }: Partial<ConfigInput> = {}): string[] {
  const file = text === null ? null : { path: '/etc/spica/spica.yaml', text };
  try {
    resolveConfig({ file, env, flags, cwd: '/work', home: '/home/ada' });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.details['problems']).toEqual(error.message.split('\n'));
    return error.message.split('\n');
  }
  return [];
}

const DEEP = `pools:
  main:
    root: ./instances
    templates: { default: ./template }
    retention:
      max_age_days: 3
      max_instances: -3
`;

describe('one wrong thing in the file', () => {
  it.each([
    [
      DEEP,
      'pools.main.retention.max_instances: expected a whole number of at least 1, got -3 (spica.yaml:7)',
    ],
    ['server: { port: 1.5 }', 'server.port: expected a port from 0 to 65535, got 1.5 (spica.yaml:1)'],
    ['server: { port: "80" }', 'server.port: expected a port from 0 to 65535, got "80" (spica.yaml:1)'],
    [
      'server: { host: example.com }',
      'server.host: expected an IP address or localhost, got "example.com" (spica.yaml:1)',
    ],
    ['budget: 7', 'budget: expected a map, got 7 (spica.yaml:1)'],
    ['\npools: [main]', 'pools: expected a map, got a list (spica.yaml:2)'],
    ['pools:', 'pools: expected a map, got null (spica.yaml:1)'],
    ['pools: {}', 'pools: expected at least one pool, got none (spica.yaml:1)'],
    ['pools: { main: }', 'pools.main: expected a map, got null (spica.yaml:1)'],
    [
      'pools: { Main: {} }',
      'pools.Main: expected lower-case letters, digits and dashes, at most 32, got "Main" (spica.yaml:1)',
    ],
    [
      'pools: { a.b: {} }',
      'pools.a.b: expected lower-case letters, digits and dashes, at most 32, got "a.b" (spica.yaml:1)',
    ],
    [
      'pools: { main: { root: "" } }',
      'pools.main.root: expected a text that is not empty, got "" (spica.yaml:1)',
    ],
    [
      'pools: { main: { templates: { x: 5 } } }',
      'pools.main.templates.x: expected a text, got 5 (spica.yaml:1)',
    ],
    [
      'pools: { main: { templates: { x: {} } } }',
      'pools.main.templates.x.path: expected a text, got nothing (spica.yaml:1)',
    ],
    [
      'pools: { main: { templates: { x: { path: /x, setup: npm ci } } } }',
      'pools.main.templates.x.setup: expected a list of a command and its arguments, like [npm, ci], got "npm ci" (spica.yaml:1)',
    ],
    [
      'pools: { main: { templates: { x: { path: /x, setup: [] } } } }',
      'pools.main.templates.x.setup.0: expected a text, got nothing (spica.yaml:1)',
    ],
    [
      'pools: { main: { templates: { x: { path: /x, setup: [sleep, 5] } } } }',
      'pools.main.templates.x.setup.1: expected a text, got 5 (spica.yaml:1)',
    ],
    [
      'pools: { main: { templates: { x: { path: /x, set_up: [a] } } } }',
      'pools.main.templates.x.set_up: unknown key, did you mean setup? (spica.yaml:1)',
    ],
    [
      'pools: { main: { retention: { prune_on_spawn: yes } } }',
      'pools.main.retention.prune_on_spawn: expected true or false, got "yes" (spica.yaml:1)',
    ],
    [
      'pools: { main: { retention: { max_age_days: .inf } } }',
      'pools.main.retention.max_age_days: expected a number of days above 0, got Infinity (spica.yaml:1)',
    ],
    [
      'pools: { main: { disk: { safety_factor: 0.9 } } }',
      'pools.main.disk.safety_factor: expected a factor of at least 1, got 0.9 (spica.yaml:1)',
    ],
    [
      'gate: { max_wait: 10 }',
      'gate.max_wait: expected a duration like 30s, 10m, 1h30m or 2d, got 10 (spica.yaml:1)',
    ],
    [
      'gate: { max_wait: 10 min }',
      'gate.max_wait: expected a duration like 30s, 10m, 1h30m or 2d, got "10 min" (spica.yaml:1)',
    ],
    [
      'gate: { max_wait: 104249991d }',
      'gate.max_wait: expected at most 36500d, got "104249991d" (spica.yaml:1)',
    ],
    ['gate: { poll_every: 1ms }', 'gate.poll_every: expected at least 100ms, got "1ms" (spica.yaml:1)'],
    ['shutdown_timeout: 30d', 'shutdown_timeout: expected at most 24d, got "30d" (spica.yaml:1)'],
    [
      'prune: { every: 5m, pattern: "* * * * *" }',
      'prune: expected exactly one of every and pattern, got both (spica.yaml:1)',
    ],
    ['prune: {}', 'prune: expected exactly one of every and pattern, got neither (spica.yaml:1)'],
    [
      'prune: { pattern: hourly }',
      'prune.pattern: expected a cron pattern of 5 or 6 fields like "0 * * * *", got "hourly" (spica.yaml:1)',
    ],
    ...['99 99 * * *', 'a b c d e', '0 0 30 2 *', '0 0 31 4,6 *'].map((pattern): [string, string] => [
      `prune: { pattern: "${pattern}" }`,
      `prune.pattern: expected a cron pattern that comes to a time, got "${pattern}" (spica.yaml:1)`,
    ]),
    [
      'log:\r\n  level: loud\r\n',
      'log.level: expected trace, debug, info, warn, error or silent, got "loud" (spica.yaml:2)',
    ],
    [
      'spica_retention: { max_instances: 0 }',
      'spica_retention.max_instances: expected a whole number of at least 1, got 0 (spica.yaml:1)',
    ],
    ...['ada:50%@h', '%zz:x@h', ':%ff@h', 'a%4:1@h'].map((rest): [string, string] => [
      `redis: { url: "redis://${rest}" }`,
      'redis.url: expected a user name and password that are percent-encoded (a % is %25), got "redis://***" (spica.yaml:1)',
    ]),
    ['spica_retention: 5', 'spica_retention: expected a map, got 5 (spica.yaml:1)'],
    ['- pools', 'spica.yaml:1: expected a map of settings'],
  ])('%j', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });
});

describe('unknown keys', () => {
  it.each([
    ['\nconcurency: { gate: 1 }', 'concurency: unknown key, did you mean concurrency? (spica.yaml:2)'],
    ['server: { ports: 1 }', 'server.ports: unknown key, did you mean port? (spica.yaml:1)'],
    [
      'pools: { main: { retention: { maxInstances: 2 } } }',
      'pools.main.retention.maxInstances: unknown key, did you mean max_instances? (spica.yaml:1)',
    ],
    [
      'pools: { main: { disk: { min-free-space-gb: 2 } } }',
      'pools.main.disk.min-free-space-gb: unknown key, did you mean min_free_space_gb? (spica.yaml:1)',
    ],
    ['prune: { evry: 5m, every: 1m }', 'prune.evry: unknown key, did you mean every? (spica.yaml:1)'],
    [
      'spica_retention: { max_instance: 2 }',
      'spica_retention.max_instance: unknown key, did you mean max_instances? (spica.yaml:1)',
    ],
    [
      'server: { colour: red }',
      'server.colour: unknown key, expected one of host, port, tls_cert, tls_key, rate_limit (spica.yaml:1)',
    ],
    ['__proto__: { log: 1 }', '__proto__: unknown key (spica.yaml:1)'],
    [
      'spica_retention: { constructor: 1 }',
      'spica_retention.constructor: unknown key, expected one of max_instances, max_age_days, prune_on_spawn, min_free_space_gb (spica.yaml:1)',
    ],
  ])('%j', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });
});

describe('a file that is not good YAML', () => {
  it.each([
    [
      'log: { level: info }\nserver: {}\nlog: { level: warn }',
      'log: given twice, first at spica.yaml:1 (spica.yaml:3)',
    ],
    ['pools:\n  main: {}\n  main: {}', 'pools.main: given twice, first at spica.yaml:2 (spica.yaml:3)'],
    ['pools:\n\tmain: {}', 'spica.yaml:2: not valid YAML: Tabs are not allowed as indentation'],
    ['log: {}\n---\nlog: {}', 'spica.yaml:2: not valid YAML: expected one document, got several'],
    ['server: {}\nlog: *level', 'spica.yaml:2: alias without an anchor before it'],
    ['budget: &all\n  cpu: *all', 'spica.yaml:2: alias of what it is a part of'],
    ['budget: &all [*all]', 'spica.yaml:1: alias of what it is a part of'],
    ['? [a, b]\n: 1', '?: expected a text as key (spica.yaml:1)'],
  ])('%j', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });
});

describe('the environment and flags', () => {
  it.each([
    [{ SPICA_BUDGET_CPU: 'x' }, 'SPICA_BUDGET_CPU: expected a whole number of at least 0, got "x"'],
    [
      { SPICA_BUDGET_RAM_GB: '0x10' },
      'SPICA_BUDGET_RAM_GB: expected a whole number of at least 0, got "0x10"',
    ],
    [{ SPICA_BUDGET_VRAM_GB: '1.5' }, 'SPICA_BUDGET_VRAM_GB: expected a whole number of at least 0, got 1.5'],
    [
      { SPICA_RETENTION_MAX_INSTANCES: '-3' },
      'SPICA_RETENTION_MAX_INSTANCES: expected a whole number of at least 1, got -3',
    ],
    [
      { SPICA_RETENTION_MAX_AGE_DAYS: ' ' },
      'SPICA_RETENTION_MAX_AGE_DAYS: expected a number of days above 0, got " "',
    ],
  ])('%j', (env, problem) => {
    expect(problemsOf(null, { env })).toEqual([problem]);
    expect(problemsOf('pools: { a: {}, b: {} }', { env })).toEqual([problem]);
  });

  it('a flag is named', () => {
    expect(problemsOf(null, { flags: { 'server.port': 99_999 } })).toEqual([
      'server.port: expected a port from 0 to 65535, got 99999 (flag --port)',
    ]);
  });

  it('a layer above does not hide a map of the wrong type', () => {
    expect(problemsOf('budget: 7', { env: { SPICA_BUDGET_CPU: '2' } })).toEqual([
      'budget: expected a map, got 7 (spica.yaml:1)',
    ]);
    expect(problemsOf('spica_retention: { max_instances: 2 }\npools: { main: 5 }')).toEqual([
      'pools.main: expected a map, got 5 (spica.yaml:2)',
    ]);
  });
});

it('several problems are all listed at once, whichever layer they are in', () => {
  const text = 'log: { level: loud }\nspica_retention: { max_age_days: x }\nservr: {}\n';
  expect(problemsOf(text, { env: { SPICA_BUDGET_CPU: 'x' }, flags: { 'server.port': -1 } }).sort()).toEqual([
    'SPICA_BUDGET_CPU: expected a whole number of at least 0, got "x"',
    'log.level: expected trace, debug, info, warn, error or silent, got "loud" (spica.yaml:1)',
    'server.port: expected a port from 0 to 65535, got -1 (flag --port)',
    'servr: unknown key, did you mean server? (spica.yaml:3)',
    'spica_retention.max_age_days: expected a number of days above 0, got "x" (spica.yaml:2)',
  ]);
  expect(problemsOf('a: 1\na: 2\nb: 1\nb: 2')).toHaveLength(2);
});
