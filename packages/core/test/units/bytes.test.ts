import { expect, it } from 'vitest';
import { formatBytes } from '../../src/index.ts';

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
