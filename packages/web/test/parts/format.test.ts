import { expect, test } from 'vitest';
import { bytes, duration, percent, shortDuration } from '../../src/parts/format.ts';

const plain = (text: string) => text.replaceAll('\u202f', ' ');

test.each([
  [0, '0 B'],
  [830, '830 B'],
  [999_949, '999.9 kB'],
  [999_960, '1.0 MB'], // never 1000.0 kB
  [41e9, '41.0 GB'],
  [-4.2e9, '−4.2 GB'],
  [null, '–'],
])('%s bytes read %s', (value, text) => {
  expect(plain(bytes(value))).toBe(text);
});

test.each([
  [0, '0 s', '0 s'],
  [400, '<1 s', '<1 s'],
  [8_400, '8 s', '8 s'],
  [192_000, '3 min 12 s', '3 min'],
  [3_600_000, '1 h', '1 h'],
  [273_600_000, '3 d 4 h', '3 d'],
  [-5, '0 s', '0 s'],
  [null, '–', '–'],
])('%s ms read %s, and %s in short', (ms, text, short) => {
  expect([plain(duration(ms)), plain(shortDuration(ms))]).toEqual([text, short]);
});

test('a share reads as whole per cent', () => {
  expect(plain(percent(0.376))).toBe('38 %');
});
