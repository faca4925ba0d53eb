import { expect, it } from 'vitest';
import { readAsked } from '../../src/quick/asked.ts';

it.each([
  ['ls', ['ls'], undefined],
  ['ls --json', ['ls', '--json'], undefined],
  ['--json --pool main ls', ['--json', '--pool=main', 'ls'], undefined],
  ['ls --config ../a.yaml', ['ls'], '../a.yaml'],
  ['--config=a.yaml status', ['status'], 'a.yaml'],
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
  '',
])('%j is not', (line) => {
  expect(readAsked(line.split(' '))).toBeNull();
});
