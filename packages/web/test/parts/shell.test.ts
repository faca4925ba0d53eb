import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { spica } from '../../src/parts/shell.ts';

test('a command names the pool unless it is the first one', () => {
  expect(spica('main', 'prune', '--dry-run')).toBe('spica prune --dry-run');
  expect(spica(null, 'audit', 'verify')).toBe('spica audit verify');
  expect(spica('other', 'show', 'spica-1')).toBe('spica show spica-1 --pool other');
});

test.each(["it's", '$(reboot)', 'a b', '`x`', '', '-n', 'ä;ö', '"'])(
  'a shell reads %j as the one word it is',
  (word) => {
    const [, ...rest] = spica(null, word).split(/^spica /);
    expect(execFileSync('sh', ['-c', `printf %s ${rest.join('')}`]).toString()).toBe(
      word === '-n' ? '-n' : word,
    );
  },
);
