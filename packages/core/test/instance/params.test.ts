import { expect, it } from 'vitest';
import { validateParams } from '../../src/instance/params.ts';

it('takes texts, numbers and booleans under names that a shell could use', () => {
  validateParams({ A: 'a b=c', _b1: -2.5, C: true, empty: '' });
});

it.each<[string, Record<string, string | number>, string]>([
  ['a name that starts with a digit', { '1A': 1 }, 'params: expected a name of letters.*got "1A"'],
  ['an empty name', { '': 1 }, 'params: expected a name of letters.*got ""'],
  ['a name with a line break', { 'A\nB': 1 }, String.raw`params: expected a name.*got "A\\nB"`],
  ['a name with spaces', { 'A B': 1 }, 'params: expected a name.*got "A B"'],
  ['a value with a line break', { A: '1\nPATH=/evil' }, 'params.A: expected a value without line breaks'],
  ['a value with a carriage return', { A: '1\rB=2' }, 'params.A: expected a value without line breaks'],
  ['a value with a NUL', { A: '\0' }, 'params.A: expected a value without line breaks'],
  [
    'what python-dotenv would replace',
    { A: `a \${HOME} b` },
    'params.A: expected a value without .*python-dotenv',
  ],
  ['a backslash at the end', { A: 'C:\\' }, 'params.A: expected a value with neither two backslashes'],
  ['two backslashes in a row', { A: '\\\\host' }, 'params.A: expected a value with neither two backslashes'],
  ['what no quotes hold', { A: `it's $5` }, "params.A: expected a value that does not have both a '"],
  ['half a character', { A: '\ud800' }, 'params.A: expected a value of whole characters'],
  ['a value of 10 MB', { A: 'x'.repeat(1e7) }, 'params.A: expected at most 10000.*got "10000000 of them"$'],
  ['a number that JSON does not have', { A: Number.NaN }, 'params.A: expected a number, got "NaN"'],
])('refuses %s, and quotes it', (_, params, message) => {
  expect(() => validateParams(params)).toThrow(new RegExp(message));
  expect(() => validateParams(params)).toThrow(expect.objectContaining({ code: 'PARAM_INVALID' }));
});
