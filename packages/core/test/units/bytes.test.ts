import { expect, it } from 'vitest';
import { formatBytes, formatBytesFinely, formatTerms, parseBytes } from '../../src/index.ts';

it.each([
  [0, '0 B'],
  [830, '830 B'],
  [1_000, '1.0 kB'],
  [12_400_000_000, '12.4 GB'],
  [-1_500_000, '-1.5 MB'],
  [999_949_999, '999.9 MB'],
  [999_960_000, '1.0 GB'],
  [2_500_000_000_000, '2.5 TB'],
])('%d bytes read %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [830, '830 B'],
  [1_554_000_000, '1.55 GB'],
  [9_996_000_000, '10.0 GB'],
  [12_440_000_000, '12.4 GB'],
  [124_400_000_000, '124 GB'],
])('%d bytes read %s where each digit counts', (bytes, text) => {
  expect(formatBytesFinely(bytes)).toBe(text);
});

it('writes the terms of a sum in the unit of the largest, unless one would then read as nothing', () => {
  const { inUnit, bare } = formatTerms([61e9, -3e9, 4e6]);
  expect([inUnit(61e9), bare(-3e9), bare(4e6), bare(0)]).toEqual(['61.0 GB', '-3.0', '4.0 MB', '0.0']);
  expect(formatTerms([0, 12]).bare(12)).toBe('12 B');
});

it.each([
  ['200G', 200e9],
  ['512MB', 512e6],
  ['1.5TiB', 1.5 * 2 ** 40],
  ['10 kB', 10_000],
  ['4096B', 4096],
  ['200', null],
  ['-1G', null],
  ['1e9B', null],
  ['G', null],
])('reads the size %s', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});
