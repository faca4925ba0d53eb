import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { planReplicas, pythonJson, replicaPlanHash } from '../../src/index.ts';

/** What Python makes of values that it reads from JSON. */
function python(expression: string, input: unknown): string {
  const program = `import hashlib, json, sys\nvalue = json.loads(sys.stdin.read())\nprint(${expression})`;
  return execFileSync('python3', ['-c', program], { input: JSON.stringify(input), encoding: 'utf8' }).trim();
}

const IDS = ['spica-0a1b2c', 'spica-ffee00'];

it('runs each replica in every instance before the next one begins', () => {
  const plan = planReplicas(IDS, { epochs: 1, slices_per_epoch: 2, replicas_per_slice: 2 });
  expect(plan.total_replicas).toBe(8);
  expect(plan.replicas.map(({ replica_id }) => replica_id)).toEqual(
    ['s0.r0', 's0.r1', 's1.r0', 's1.r1'].flatMap((at) => IDS.map((id) => `${id}.e0.${at}`)),
  );
  expect(plan.replicas[1]).toEqual({
    replica_id: 'spica-ffee00.e0.s0.r0',
    instance_id: 'spica-ffee00',
    epoch: 0,
    slice: 0,
    replica: 0,
  });
});

it.each([
  [IDS, { epochs: 2, slices_per_epoch: 3, replicas_per_slice: 4 }],
  [['spica-ä', 'spica-😀', 'spica-"\\', ''], { epochs: 1, slices_per_epoch: 1, replicas_per_slice: 1 }],
  [[], { epochs: 1, slices_per_epoch: 1, replicas_per_slice: 1 }],
])('has the hash that Python computes of the same plan (%j)', (ids, qtime) => {
  const plan = planReplicas(ids, qtime);
  const expression = 'hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()';
  expect(replicaPlanHash(plan)).toBe(python(expression, plan));
});

it('writes texts, keys and numbers as Python does', () => {
  const value = {
    '￿': 'after the emoji in UTF-16, before it in code points',
    '😀': ['é', '\u007f', '\u2028', '\b\t\n\f\r\u0001', '/'],
    a: { Z: null, z: true, '': false },
    numbers: [0, 1, -1, 0.1, -2.5, 1e-4, 1.5e-5, 1e-7, 123456.789, 1.5e15, 0.30000000000000004, 5e-324],
    large: [2 ** 53 - 1, 1.2345e16, 1.7976931348623157e308, 1e100],
    empty: [[], {}],
  };
  expect(pythonJson(value)).toBe(python('json.dumps(value, sort_keys=True)', value));
});

it('writes floats of any size as Python does', () => {
  const mantissas = [1.1, 1.25, 9.99999999999999, -3.333333333333333];
  const floats = mantissas.flatMap((m) => Array.from({ length: 60 }, (_, at) => m * 10 ** (at - 30)));
  const fractional = floats.filter((value) => !Number.isInteger(value));
  expect(pythonJson(fractional)).toBe(python('json.dumps(value)', fractional));
});

it.each([
  [
    { epochs: 0, slices_per_epoch: 1, replicas_per_slice: 1 },
    'qtime.epochs: expected a whole number of at least 1, got 0',
  ],
  [{ epochs: 1, slices_per_epoch: 1.5, replicas_per_slice: 1 }, 'qtime.slices_per_epoch: '],
  [
    { epochs: 100_000, slices_per_epoch: 1, replicas_per_slice: 1 },
    'qtime: expected at most 100000 replicas, got 200000',
  ],
])('refuses %j by the field', (qtime, message) => {
  expect(() => planReplicas(IDS, qtime)).toThrow(`tournament: ${message}`);
});
