import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandLineOf } from '../../src/list/command-line.ts';
import { type ActionAsked, actionBodySchema } from '../../src/wire/bodies.ts';

const IDS = ['spica-000000000001', 'spica-000000000002', 'spica-000000000003'];

let dir: string;
/** In place of the command: lists what `LISTED` has, and prints what else it is called with. */
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'spica-command-line-'));
  const script = '#!/bin/sh\n[ "$1" = ls ] && { printf "%s" "$LISTED"; exit; }\necho "$*"\n';
  writeFileSync(join(dir, 'spica'), script, { mode: 0o755 });
});
afterAll(() => rmSync(dir, { recursive: true }));

const lineOf = (body: object) =>
  commandLineOf('main', actionBodySchema.parse({ reason: 'tests', ...body }) as ActionAsked);
const run = (line: string, listed: readonly string[]) =>
  execFileSync('sh', ['-c', line], {
    env: { PATH: `${dir}:${process.env['PATH']}`, LISTED: listed.map((id) => `${id}\n`).join('') },
    encoding: 'utf8',
  });

it('is about just the ids that a filter names', () => {
  const line = lineOf({ action: 'prune', match: { ids: IDS.slice(0, 2), experiment: 'a b' } });
  expect(run(line, IDS)).toBe(`prune ${IDS.slice(0, 2).join(' ')}\n`);
});

it('does nothing where nothing matches any more: a prune without an id goes by the policy', () => {
  expect(run(lineOf({ action: 'prune', match: { experiment: 'gone' } }), [])).toBe('');
});
