import { expect, test } from 'vitest';
import { collectPlace } from '../../src/index.ts';

const ID = 'spica-0123456789ab';
const dirOf = (experiment: string) => collectPlace(experiment, ID)[0] ?? '';

test('results go below their experiment, or straight to the target', () => {
  expect(collectPlace('sweep-1.a_B', ID)).toEqual(['sweep-1.a_B', ID]);
  expect(collectPlace(null, ID)).toEqual([ID]);
});

test.each([
  '..',
  '.',
  '../../etc',
  '/etc/passwd',
  'a/b',
  '.hidden',
  'nul\0',
  'é',
  'x'.repeat(500),
  ID,
  '%2E',
])('the experiment %j is one directory that is nobody else’s', (experiment) => {
  const name = dirOf(experiment);
  expect(name).toMatch(/^[A-Za-z0-9_%-][A-Za-z0-9._%-]*$/);
  expect(name.length).toBeLessThan(255);
  expect(name).not.toBe(ID);
  expect(dirOf(`${experiment}x`)).not.toBe(name);
});

test('what stands for a character is not taken for itself', () => {
  expect(dirOf('%2E')).not.toBe(dirOf('.'));
});
