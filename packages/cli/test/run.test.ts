import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { capture, runCaptured } from './capture.ts';

describe('spica', () => {
  it('explains itself on standard output with --help, and a command too', async () => {
    const { exitCode, stdout, stderr } = await runCaptured(['--help']);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/spawn .*spawn instances/);
    expect((await runCaptured(['spawn', '--help'])).stdout).toContain('--max-wait <duration>');
    expect((await runCaptured(['help', 'spawn'])).stdout).toContain('--max-wait <duration>');
    expect((await runCaptured(['help', 'audit', 'tail'])).stdout).toMatch(/^Usage: spica audit tail /);
    expect((await runCaptured(['help'])).stdout).toBe(stdout);
    expect((await runCaptured(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [['xyzzy'], "error: unknown command 'xyzzy'\n"],
    [['help', 'frob'], "error: unknown command 'frob'\n"],
    [['audit', 'help', 'frob'], "error: unknown command 'frob'\n"],
    [['help', 'audit', 'frob'], "error: unknown command 'frob'\n"],
    [['spwan'], "error: unknown command 'spwan' (Did you mean spawn?)\n"],
    [['ls', '--jsn'], "error: unknown option '--jsn' (Did you mean --json?)\n"],
    [['show'], "error: missing required argument 'id'\n"],
    [['config', 'extra'], "error: too many arguments for 'config'. Expected 0 arguments but got 1: extra.\n"],
    [['spawn', '-n'], "error: option '-n, --count <n>' argument missing\n"],
    [['spawn', '-n', '0'], 'error: -n: expected a whole number from 1 to 10000, got "0"\n'],
    [['spawn', '-n', '1e9'], 'error: -n: expected a whole number from 1 to 10000, got "1e9"\n'],
    [['spawn', '-n', 'abc'], 'error: -n: expected a whole number from 1 to 10000, got "abc"\n'],
    [['spawn', '-n', '-5'], 'error: -n: expected a whole number from 1 to 10000, got "-5"\n'],
    [
      ['preflight', '-n', '1000000000'],
      'error: -n: expected a whole number from 1 to 10000, got "1000000000"\n',
    ],
    [
      ['spawn', '--max-wait', '10'],
      'error: --max-wait: expected a duration like 30s, 10m, 1h30m or 2d, got "10"\n',
    ],
    [['spawn', '--lease', '104000000d'], 'error: --lease: expected at most 36500d, got "104000000d"\n'],
    [
      ['spawn', '--timeout', 'soon'],
      'error: --timeout: expected a duration like 30s, 10m, 1h30m or 2d, got "soon"\n',
    ],
    [['spawn', '--set', 'novalue'], 'error: --set: expected NAME=value, got "novalue"\n'],
    [
      ['spawn', '--parent', '../etc'],
      'error: --parent: expected an instance id like spica-0123456789ab, got "../etc"\n',
    ],
    [
      ['prune', '--max-instances', '-1'],
      'error: --max-instances: expected a whole number of at least 0, got "-1"\n',
    ],
    [
      ['prune', '--max-age-days', 'x'],
      'error: --max-age-days: expected a number of days of at least 0, got "x"\n',
    ],
    [['lease', 'me'], 'error: id: expected an instance id like spica-0123456789ab, got "me"\n'],
    [['lease', 'spica-0123', '--ttl', '0s'], 'error: --ttl: expected a duration of more than 0s, got "0s"\n'],
    [
      ['lease', 'spica-0123', '--ttl', '100000000d'],
      'error: --ttl: expected at most 36500d, got "100000000d"\n',
    ],
    [['lease', 'spica-0123', '--owner', ' '], 'error: --owner: expected 1 to 200 characters, got " "\n'],
    [
      ['lease', 'spica-0123', '--token', ''],
      'error: --token: expected a token of 1 to 200 characters, got 0 of them\n',
    ],
    [
      ['release', 'spica-0123'],
      "error: --token: expected the lease's token (or SPICA_LEASE_TOKEN, or --force), none was given\n",
    ],
    [['pin', 'spica-0123'], "error: required option '--why <text>' not specified\n"],
    [['pin', 'spica-0123', '--why', ''], 'error: --why: expected 1 to 200 characters, got ""\n'],
    [['score', 'spica-0123'], 'error: score: expected a number or --clear, got neither\n'],
    [['score', 'spica-0123', 'NaN'], 'error: score: expected a number, got "NaN"\n'],
    [['score', 'spica-0123', '1e999'], 'error: score: expected a number, got "1e999"\n'],
    [['spawn', '--ttl', '0s'], 'error: --ttl: expected a duration of more than 0s, got "0s"\n'],
    [['spawn', '--key', ''], 'error: --key: expected 1 to 200 characters, got ""\n'],
    [['spawn', '--experiment', ''], 'error: --experiment: expected 1 to 200 characters, got ""\n'],
    [['preflight', '--experiment', ' '], 'error: --experiment: expected 1 to 200 characters, got " "\n'],
    [['spawn', '--owner', 'me'], 'error: --lease: expected with --owner, none was given\n'],
    [
      ['spawn', '--epochs', '2', '--replicas', '8'],
      'error: --slices: expected with the others of --epochs, --slices and --replicas, none was given\n',
    ],
    [
      ['preflight', '--epochs', '0', '--slices', '4', '--replicas', '8'],
      'error: --epochs: expected a whole number from 1 to 100000, got "0"\n',
    ],
    [
      ['prune', '--plan', '0123', '--offline'],
      'error: --plan: expected without --offline: a sealed plan says it all\n',
    ],
    [
      ['prune', '--confirm-clock'],
      'error: --confirm-clock: expected with --offline (with Redis, use `spica clock --confirm`)\n',
    ],
    [['sample', 'me'], 'error: id: expected an instance id like spica-0123456789ab, got "me"\n'],
    [['verify', 'me'], 'error: id: expected an instance id like spica-0123456789ab, got "me"\n'],
    [['up', '--port', '99999'], 'error: --port: expected a whole number from 0 to 65535, got "99999"\n'],
    [['audit', 'tail', '-n', '0'], 'error: -n: expected a whole number of at least 1, got "0"\n'],
    [['ls', '--pool', 'x'], 'error: --pool: expected one of: main, got "x"\n'],
  ])('refuses %j in one line and exits 2', async (argv, line) => {
    expect(await runCaptured(argv)).toMatchObject({ exitCode: 2, stdout: '', stderr: line });
  });

  it('shows the help on standard error and exits 2 when no command is given', async () => {
    const { exitCode, stdout, stderr } = await runCaptured([]);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Usage: spica[\s\S]*error: a command is missing\n$/);
  });

  it('refuses a template that the config does not name, before it asks Redis', async () => {
    const io = capture();
    await writeFile(join(io.cwd, 'spica.yaml'), 'pools: { main: { templates: { small: ./a, big: ./b } } }\n');
    const unknown = await runCaptured(['spawn', '--template', 'nope'], io);
    expect(unknown).toMatchObject({ exitCode: 2, stdout: '' });
    expect(unknown.stderr).toContain(
      '--template: expected one of: small, big (templates of pool main), got "nope"',
    );
  });

  it('says in one line that Redis is out of reach, and exits 4', async () => {
    for (const command of [
      ['ls'],
      ['spawn'],
      ['spawn', '--no-wait'],
      ['status'],
      ['top'],
      ['prune'],
      ['show', 'req-1'],
      ['explain', 'req-1'],
      ['lease', 'spica-0123456789ab'],
      ['unpin', 'spica-0123456789ab'],
      ['restore', 'spica-0123456789ab'],
      ['reconcile'],
      ['clock', '--confirm'],
    ]) {
      const { exitCode, stdout, stderr } = await runCaptured(command);
      expect([exitCode, stdout]).toEqual([4, '']);
      expect(stderr).toMatch(
        /^error: Redis at \S+redis\.sock is out of reach \(.*\): start it with `spica up`\n$/,
      );
    }
  });

  it('prints an error as one JSON object with --json', async () => {
    const { exitCode, stderr } = await runCaptured(['spawn', '-n', '0', '--json']);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'FLAG_INVALID',
        kind: 'usage',
        message: '-n: expected a whole number from 1 to 10000, got "0"',
        details: { flag: '-n' },
      },
    });
  });

  it('names a config file that is not there, and each problem of one that is wrong', async () => {
    const io = capture();
    const missing = await runCaptured(['config', '--config', 'other.yaml'], io);
    expect(missing).toMatchObject({ exitCode: 2, stdout: '' });
    expect(missing.stderr).toContain(
      `--config: expected a config file, but there is none at ${join(io.cwd, 'other.yaml')}`,
    );
    await writeFile(join(io.cwd, 'spica.yaml'), 'pools:\n  main:\n    retention:\n      max_instances: -3\n');
    const wrong = await runCaptured(['config'], io);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain(
      'pools.main.retention.max_instances: expected a whole number of at least 1, got -3',
    );
  });
});

describe('spica config', () => {
  it('prints each setting with its value and where it comes from', async () => {
    const io = capture({ env: { SPICA_RETENTION_MAX_INSTANCES: '4' } });
    await writeFile(join(io.cwd, 'spica.yaml'), 'gate:\n  max_wait: 2m\n');
    const { exitCode, stdout } = await runCaptured(['config'], io);
    expect(exitCode).toBe(0);
    const lines = stdout.split('\n');
    expect(lines).toContain('gate.max_wait\t2m\tspica.yaml:2');
    expect(lines).toContain('pools.main.retention.max_instances\t4\tenv SPICA_RETENTION_MAX_INSTANCES');
    expect(lines).toContain('server.port\t3737\tdefault');
  });

  it('prints a table with titles on a terminal, and an object with --json', async () => {
    expect((await runCaptured(['config'], capture({ tty: true }))).stdout).toMatch(
      /^SETTING +VALUE +SOURCE\n/,
    );
    const { file, settings, policies } = JSON.parse((await runCaptured(['config', '--json'])).stdout);
    expect(policies).toEqual({ main: 'at most 10 instances, none older than 3 days, oldest first' });
    expect(file).toBeNull();
    expect(settings).toContainEqual({ path: 'server.port', value: 3737, source: 'default' });
  });

  it('says in a sentence what each pool keeps, beside the settings', async () => {
    const sentence = 'pool main keeps at most 10 instances, none older than 3 days, oldest first\n';
    expect((await runCaptured(['config'], capture({ tty: true }))).stdout).toContain(sentence);
    const piped = await runCaptured(['config']);
    expect(piped.stderr).toBe(sentence);
    expect(piped.stdout).not.toContain('keeps');
  });

  it('finds the file that SPICA_CONFIG names', async () => {
    const io = capture({ env: { SPICA_CONFIG: 'mine.yaml' } });
    await writeFile(join(io.cwd, 'mine.yaml'), 'server: { port: 4000 }\n');
    expect((await runCaptured(['config'], io)).stdout).toContain('server.port\t4000\tmine.yaml:1');
  });
});
