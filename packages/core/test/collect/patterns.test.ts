import { expect, test } from 'vitest';
import { collectPatternsSchema } from '../../src/index.ts';

test.each(['results/**', '*.json', '**', '!results/tmp/**', 'a..b', '{a,b}/*.csv', '.hidden/...'])(
  'takes %j',
  (pattern) => {
    expect(collectPatternsSchema.parse([pattern])).toEqual([pattern]);
  },
);

test.each([
  ['/etc/**', 'expected a pattern relative to the instance'],
  ['!/etc', 'expected a pattern relative to the instance'],
  ['\\/etc', 'expected a pattern relative to the instance'],
  ['../x', 'expected a pattern without ".."'],
  ['a/../../x', 'expected a pattern without ".."'],
  ['{..,a}/x', 'expected a pattern without ".."'],
  ['a/{b,..}/x', 'expected a pattern without ".."'],
  ['\\.\\./x', 'expected a pattern without ".."'],
  ['!../x', 'expected a pattern without ".."'],
  ['a\0b', 'expected a pattern without NUL'],
  ['', 'expected a pattern that is not empty'],
  ['+(a', 'expected a pattern whose brackets match'],
  ['x'.repeat(501), 'expected at most 500 characters'],
])('refuses %j', (pattern, message) => {
  expect(collectPatternsSchema.safeParse([pattern]).error?.issues[0]?.message).toBe(message);
});
