import { planOrWhatIfSchema } from '@spica/client/wire';
import { expect, test } from 'vitest';
import { changeQuery } from '../../../src/router/url.ts';
import {
  isTriedOut,
  limitsInForce,
  reachOf,
  readLimits,
  toWhatIf,
  toYaml,
  tryLimit,
  withoutLimits,
} from '../../../src/views/prune/limits.ts';

const read = (text: string) => readLimits(new URLSearchParams(text));
const IN_FORCE = limitsInForce({
  sentence: '',
  maxInstances: 40,
  maxAgeMs: 3 * 86_400_000,
  keepBest: 0,
  minFreeBytes: 20e9,
  maxInstanceBytes: null,
  maxPoolBytes: null,
});

test('what the URL tries out is what the API is asked for', () => {
  const limits = read('maxInstances=10&maxAgeDays=0.5&keepBest=2&minFreeGb=50.5&pool=main');
  expect(planOrWhatIfSchema.parse({ whatIf: toWhatIf(limits) }).whatIf).toEqual({
    maxInstances: 10,
    maxAge: 43_200_000,
    keepBest: 2,
    minFreeGb: 50.5,
  });
});

test('what is no limit is not tried out', () => {
  const limits = read('maxInstances=-1&maxAgeDays=soon&keepBest=1.5&minFreeGb=1e99');
  expect([isTriedOut(limits), toWhatIf(limits)]).toEqual([false, {}]);
});

test('a limit that is moved back to what is in force is tried out no more', () => {
  const change = (text: string, changes: ReturnType<typeof tryLimit>) =>
    changeQuery(new URLSearchParams(text), changes).toString();
  expect(change('', tryLimit('maxInstances', 12, IN_FORCE))).toBe('maxInstances=12');
  expect(change('maxInstances=12', tryLimit('maxInstances', 40, IN_FORCE))).toBe('');
  expect(change('maxAgeDays=1', tryLimit('maxAgeDays', 3, IN_FORCE))).toBe('');
  expect(change('maxAgeDays=1', tryLimit('maxAgeDays', null, IN_FORCE))).toBe('');
  expect(change('maxAgeDays=1&minFreeGb=3&pool=it', withoutLimits())).toBe('pool=it');
});

test('it is written as spica.yaml has it', () => {
  expect(toYaml(read('maxInstances=10&maxAgeDays=1.5&minFreeGb=50'))).toBe(
    'retention:\n  max_instances: 10\n  max_age_days: 1.5\ndisk:\n  min_free_space_gb: 50',
  );
});

test('a slider reaches twice as far as what is in force, and as what is tried out', () => {
  expect([reachOf(40, null, 10), reachOf(2, 70, 10), reachOf(null, null, 10)]).toEqual([80, 70, 10]);
});
