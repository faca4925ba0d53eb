import { expect, it } from 'vitest';
import { MOST_IGNORE_BYTES, parseIgnore } from '../../src/template/ignore.ts';

const parse = (text: string) => parseIgnore(Buffer.from(text));

it.each([
  ['a byte order mark', '\u{feff}.venv/\n', '.venv/'],
  ['a byte order mark on a later line, of files put together', '# a\n\u{feff}.venv/\n', '.venv/'],
  ['blanks behind', '.venv/ \t \n', '.venv/'],
  ['blanks before', ' \t.venv/\n', '.venv/'],
  ['blanks behind a mark', '-  .venv/ \n', '- .venv/'],
  ['blanks that only UTF-8 has', '\u{a0}.venv/\u{a0}\u{200b}\u{3000}\n', '.venv/'],
  ['the line ends of DOS', '.venv/\r\n', '.venv/'],
  ['the line ends of old Macs', '.venv/\r# a\r', '.venv/'],
  ['no line end', '.venv/', '.venv/'],
])('takes off %s', (_, text, rule) => {
  expect(parse(text)).toMatchObject({ problems: [], rules: [{ rule }] });
});

it('keeps what belongs to a name: blanks in it, one at the end as `[ ]`, an `à`, bytes that are no UTF-8', () => {
  const content = Buffer.concat([
    Buffer.from('a b/\nfoo[ ]\nvoil\u{e0}\n'),
    Buffer.from([0x66, 0xa0, 10]),
    Buffer.from('- #c\n- !d\n- +e\n+ -f\n[#]g\nx[\\\\]y\n'),
  ]);
  const { rules, problems } = parseIgnore(content);
  expect(problems).toEqual([]);
  expect(rules.map(({ pattern }) => pattern)).toEqual([
    'a b/',
    'foo[ ]',
    'voil\xc3\xa0',
    'f\xa0',
    '#c',
    '!d',
    '+e',
    '-f',
    '[#]g',
    'x[\\\\]y',
  ]);
});

it('passes over comments and empty lines, and counts lines as an editor does', () => {
  const { rules } = parse('# a\r\n\r\n  ; b\r\n   # c\r\n+ keep.me\r\n*.me\r\n');
  expect(rules).toEqual([
    { line: 5, rule: '+ keep.me', kind: 'include', pattern: 'keep.me' },
    { line: 6, rule: '*.me', kind: 'exclude', pattern: '*.me' },
  ]);
});

it.each<[line: string, reason: string]>([
  ['!keep.me', 'write `+ keep.me` above the pattern that excludes it'],
  ['! keep.me', 'write `+ keep.me` above'],
  ['  !keep.me', 'write `+ keep.me` above'],
  ['!', 'forget every pattern above it'],
  ['- ', 'a pattern is missing after `-`'],
  ['+', 'a pattern is missing after `+`'],
  ['+keep.me', 'write `+ keep.me`; for that very name write `- +keep.me`'],
  ['-\tfoo', 'write `- foo`'],
  ['-/ /etc', 'takes the `-` for a part of the name'],
  ['include keep.me', 'that is written `+ keep.me`; for that very name write `- include keep.me`'],
  ['show,s keep.me', 'that is written `+ keep.me`'],
  ['exclude .venv/', 'that is written `.venv/`'],
  ['H .venv/', 'that is written `.venv/`'],
  ['protect .venv/', 'about deletions'],
  ['. other', 'other files are not read from here'],
  ['merge other', 'other files are not read from here'],
  ['dir-merge,n- .gitignore', 'other files are not read from here'],
  [':- .gitignore', 'other files are not read from here'],
  ['./.venv/', 'write `/.venv/` for what lies at the top'],
  ['../data', 'nothing outside the template is cloned'],
  ['.venv/ # the environment', 'a comment needs a line of its own'],
  ['".venv/"', 'write `.venv/`'],
  ['*.{log,tmp}', 'does not know braces'],
  ['build\\', 'it ends in `\\`'],
  ['foo\\ ', 'a blank at the end `[ ]`'],
  ['\\#foo', 'write `- #NAME`'],
  ['src\\build', '`/` between directories'],
  ['a\0b', 'NUL byte'],
  ['x'.repeat(4097), 'it has 4097 bytes'],
])('refuses %j with its line', (line, reason) => {
  const { problems } = parse(`a\r\n${line}\r\nb\r\n`);
  expect(problems).toMatchObject([{ line: 2, reason: expect.stringContaining(reason) }]);
});

it.each([
  ['UTF-16', Buffer.from('\u{feff}.venv/\n', 'utf16le'), 'UTF-16: save it in UTF-8'],
  ['UTF-16, high byte first', Buffer.from('\u{feff}.venv/\n', 'utf16le').swap16(), 'UTF-16'],
  ['more than anyone writes', Buffer.alloc(MOST_IGNORE_BYTES + 1, 'a\n'), 'expected at most 131072'],
])('refuses a file of %s', (_, content, reason) => {
  expect(parseIgnore(content).problems).toMatchObject([{ line: 1, reason: expect.stringContaining(reason) }]);
});

it.each(['{a', '[{]a,b}', 'include', 'show/', 'x#y', '[Hh] x', "it's", '.venv', '..', '*\\[x'])(
  'has nothing against %j',
  (line) => {
    expect(parse(line).problems).toEqual([]);
  },
);
