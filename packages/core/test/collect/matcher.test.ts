import { expect, it } from 'vitest';
import { createMatcher } from '../../src/collect/matcher.ts';

function matches(path: string, ...patterns: string[]): boolean {
  const matcher = createMatcher(patterns);
  return matcher.matches(matcher.read(matcher.start, path));
}

it.each<[pattern: string, meant: string[], others: string[]]>([
  ['*.json', ['a.json', '.json', 'x.json/in/it'], ['a/b.json', 'a.jsonl', 'json']],
  ['results/**', ['results/a', 'results/a/b', 'results/.a'], ['resultsb/a', 'a/results/b']],
  ['results', ['results', 'results/a/b'], ['results2']],
  ['results/', ['results', 'results/a'], ['a/results']],
  ['./a//b/./c', ['a/b/c', 'a/b/c/d'], ['a/b']],
  ['.', ['a', 'a/b'], []],
  ['**', ['a', 'a/b/c', '.a'], []],
  ['**/*.log', ['a.log', 'a/b.log', 'a/b/c.log'], ['a.logs', 'a/b']],
  ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb', 'b']],
  ['a/*', ['a/b', 'a/.b'], ['a/b/c', 'a']],
  ['a**b', ['ab', 'axb'], ['a/b']],
  ['a?c', ['abc', 'aüc', 'a𝄞c', 'a\nc'], ['ac', 'a/c', 'abbc']],
  ['[a-cx]', ['a', 'c', 'x'], ['d', 'ab', '-']],
  ['[!a-c]', ['d', 'ü'], ['a', '/']],
  ['[]a-]', [']', 'a', '-'], ['b']],
  ['[\\]]', [']'], ['\\']],
  ['[a', ['[a'], ['a']],
  ['{a,b/{c,d}}.txt', ['a.txt', 'b/c.txt', 'b/d.txt'], ['b.txt', 'a,b.txt']],
  ['{a}', ['{a}'], ['a']],
  ['{a,**}/z', ['a/z', 'x/y/z'], ['az']],
  ['run-{8..11}', ['run-8', 'run-10', 'run-11'], ['run-12', 'run-1']],
  ['{c..a}', ['a', 'b', 'c'], ['d']],
  ['+(ab|c)', ['ab', 'abcab'], ['a', 'ba']],
  ['x?(y)*(z)@(1|2)', ['x1', 'xy2', 'xzzz1', 'xyz2'], ['x', 'xyy1']],
  ['\\*', ['*'], ['a']],
  ['a (1)', ['a (1)'], ['a 1']],
  ['üb*', ['über'], ['ub']],
])('%s', (pattern, meant, others) => {
  expect(meant.filter((path) => !matches(path, pattern))).toEqual([]);
  expect(others.filter((path) => matches(path, pattern))).toEqual([]);
});

it('what is left out is left out, wherever that stands', () => {
  expect(matches('results/tmp/a', '!results/tmp', 'results/**')).toBe(false);
  expect(matches('results/a', 'results/**', '!results/tmp')).toBe(true);
  expect(matches('a', '!b')).toBe(false);
});

it.each([
  ['!(a)', 'expected a pattern without !(…): begin one with ! for what is left out'],
  ['a/!(b|c)/d', 'expected a pattern without !(…): begin one with ! for what is left out'],
  ['+(a', 'expected a pattern whose brackets match'],
  ['{1..100000}', 'expected at most 1000 in a range, got {1..100000}'],
  ['{1..999}'.repeat(9), 'expected a simpler pattern'],
  ['[[:alpha:]]', 'expected a pattern without [:…:]'],
])('refuses %s', (pattern, message) => {
  expect(() => createMatcher([pattern])).toThrow(message);
});

it('knows which directories it need not enter', () => {
  const matcher = createMatcher(['a/*/c', '*.json', '!a/b']);
  const mayLead = (path: string) => matcher.mayLead(matcher.read(matcher.start, path));
  expect(['a/', 'a/x/', 'x.json/'].filter((path) => !mayLead(path))).toEqual([]);
  expect(['b/', 'a/x/d/'].filter(mayLead)).toEqual([]);
});

it.each([
  `${'**/'.repeat(20)}${'*a'.repeat(100)}b`,
  '+(+(+(+(a))))b',
  '*(*(*(a|aa)|aaa))b',
  `${'{a,aa,'.repeat(60)}a${'}'.repeat(60)}b`,
  `${'?(a)'.repeat(120)}b`,
])('takes no time for a pattern that is made to: %s', (pattern) => {
  const path = `${'a/'.repeat(1_000)}${'a'.repeat(250)}`;
  expect(matches(path, ...Array.from({ length: 10 }, () => pattern))).toBe(false);
});
