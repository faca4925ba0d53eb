import { expect, test } from 'vitest';
import { growCommand, parseGb } from '../../../../src/views/instances/actions/grow.ts';

test.each([
  ['20', 20e9],
  [' 0.5 ', 5e8],
  ['0', null],
  ['-3', null],
  ['2e3', null],
  ['20GB', null],
  ['', null],
])('%j is %s bytes', (text, bytes) => {
  expect(parseGb(text)).toBe(bytes);
});

test('the command line raises one cap after the other, of the pool that is shown', () => {
  expect(growCommand(['spica-a', 'spica-b'], '20', 'it')).toBe(
    'spica grow spica-a 20GB --max-wait 0s --pool it && spica grow spica-b 20GB --max-wait 0s --pool it',
  );
});
