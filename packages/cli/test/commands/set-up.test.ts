import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
beforeAll(async () => {
  const script = 'echo "for $NAME"; echo "\u001b[31mlast\u001b[0m"; test "$NAME" != bad';
  cli = await startCliStack({}, { setup: ['sh', '-c', script], prepare: ['sh', '-c', 'test ! -e broken'] });
});
afterAll(() => cli.close());

it('`spica config` shows the commands of a template, and where they come from', async () => {
  const { stdout } = await cli.spica('config', '--json');
  const { settings } = JSON.parse(stdout) as { settings: { path: string; value: unknown }[] };
  expect(settings).toContainEqual({
    path: 'pools.main.templates.default.prepare',
    value: ['sh', '-c', 'test ! -e broken'],
    source: expect.stringMatching(/spica\.yaml:1$/),
  });
});

it('`spica show` shows what a set-up printed last, and with --json all of it', async () => {
  const id = (await cli.spica('spawn', '--set', 'NAME=ada')).stdout.trim();
  const path = join(cli.stack.ctx.pool.paths.root, '.spica/set-ups', `${id}.log`);
  expect((await cli.spica('show', id)).stdout).toMatch(new RegExp(`set up +for ada \\| last \\(${path}\\)`));
  expect(JSON.parse((await cli.spica('show', id, '--json')).stdout)).toMatchObject({
    setUp: { path, output: 'for ada\n\u001b[31mlast\u001b[0m\n' },
  });
});

it('a set-up that fails fails the command with its last lines, and `spica explain` has them too', async () => {
  const failed = await cli.spica('spawn', '--set', 'NAME=bad');
  expect(failed.exitCode).toBe(1);
  expect(failed.stderr).toMatch(/its set-up \(sh -c .*\) ended with exit code 1: for bad \| last \(what it/);
  const request = (await cli.spica('spawn', '--no-wait', '--set', 'NAME=bad')).stdout.trim();
  await expect(cli.stack.watcher.wait(request)).rejects.toMatchObject({ code: 'SETUP_FAILED' });
  const explained = await cli.spica('explain', request);
  expect(explained.stdout).toMatch(/SETUP_FAILED: instance spica-\w+: its set-up .*: for bad \| last/);
});

it('a preparation that fails fails the request as a failure of its own, and opens no breaker', async () => {
  const template = cli.stack.ctx.policy.templates['default']?.path ?? '';
  await writeFile(join(template, 'broken'), '');
  const failed = await cli.spica('spawn');
  expect(failed.exitCode).toBe(1);
  expect(failed.stderr).toMatch(
    /template default: its prepare command .* ended with exit code 1, and printed/,
  );
  expect(cli.stack.ctx.gate.limits.breaker.failures).toBe(0);
  expect(cli.stack.ctx.gate.ledger.sums(Date.now()).reserved).toEqual({ bytes: 0, inodes: 0, slots: 0 });
  await rm(join(template, 'broken'));
  expect((await cli.spica('spawn', '--set', 'NAME=again')).exitCode).toBe(0);
});
