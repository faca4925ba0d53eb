import { expect, it } from 'vitest';
import { parseLabels, parseParams } from '../../src/input/pairs.ts';

it('reads numbers, true and false as what they are, and anything else as text', () => {
  const given = [
    'A=1',
    'B=-0.0025',
    'C=true',
    'D=false',
    'E=0x10',
    'F=01',
    'G=',
    'H=null',
    'I=a=b',
    'J= 1',
    'K=NaN',
  ];
  expect(parseParams(given)).toEqual({
    A: 1,
    B: -0.0025,
    C: true,
    D: false,
    E: '0x10',
    F: '01',
    G: '',
    H: 'null',
    I: 'a=b',
    J: ' 1',
    K: 'NaN',
  });
});

it('keeps a number as text that would be written in another way', () => {
  const texts = ['1.10', '1.0', '1e3', '-2.5e-3', '0.12345678901234567890', '12345678901234567890'];
  for (const text of [...texts, '1e-400', '1e999', '-0', '+1', '.5', 'Infinity']) {
    expect(parseParams([`A=${text}`])).toEqual({ A: text });
  }
  for (const text of ['9007199254740991', '1e-7', '1e+21', '0.1', '-1.5']) {
    expect(parseParams([`A=${text}`])).toEqual({ A: Number(text) });
  }
});

it('takes the last of several values for one name', () => {
  expect(parseParams(['A=1', 'A=2'])).toEqual({ A: 2 });
});

it('refuses a pair without a name or without a value', () => {
  expect(() => parseParams(['=1'])).toThrow('--set: expected NAME=value, got "=1"');
  expect(() => parseLabels(['lonely'])).toThrow('--label: expected NAME=value, got "lonely"');
});

it('does not quote a long pair in full', () => {
  expect(() => parseParams(['x'.repeat(10_000_000)])).toThrow(/^--set: expected NAME=value, got "x{80}…"$/);
});
