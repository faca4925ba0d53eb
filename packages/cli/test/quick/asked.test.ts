import { expect, it } from 'vitest';
import { readAsked } from '../../src/quick/asked.ts';

it.each([
  ['ls', ['ls'], undefined],
  ['ls --json', ['ls', '--json'], undefined],
  ['--json --pool main ls', ['--json', '--pool=main', 'ls'], undefined],
  ['ls --config ../a.yaml', ['ls'], '../a.yaml'],
  ['--config=a.yaml status', ['status'], 'a.yaml'],
  ['release spica-01 --force', ['release', 'spica-01', '--force'], undefined],
  ['lease spica-01 --ttl 1h', ['lease', 'spica-01', '--ttl', '1h'], undefined],
])('%s is for the stack', (line, argv, config) => {
  expect(readAsked(line.split(' '))).toEqual({ argv, config });
});

it.each([
  'up',
  'prune --dry-run',
  '--pool ls',
  '--pool ls up',
  'ls --help',
  'ls --verbose',
  'help ls',
  'run -- ls',
  'release spica-01 spica-02 --force',
  '',
])('%j is not', (line) => {
  expect(readAsked(line.split(' '))).toBeNull();
});
