import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
beforeAll(async () => {
  cli = await startCliStack();
});
afterAll(() => cli.close());

it('says on standard error what speaks against a template that was prepared for it, and explain says it again', async () => {
  const template = cli.stack.ctx.policy.templates['default']?.path ?? '';
  await symlink(join(template, 'data'), join(template, 'to-data'));
  const first = await cli.spica('spawn', '--json');
  expect(first).toMatchObject({
    exitCode: 0,
    stderr: expect.stringMatching(/^warning: template default: to-data: absolute links .*`ln -sr`.*\n$/),
  });
  const { request, instances } = JSON.parse(first.stdout);
  expect(instances).toHaveLength(1);
  expect((await cli.spica('explain', request)).stdout).toMatch(
    /\nwhat the gate said\n {2}warning: template default/,
  );
  expect(await cli.spica('spawn')).toMatchObject({ exitCode: 0, stderr: '' });
});
