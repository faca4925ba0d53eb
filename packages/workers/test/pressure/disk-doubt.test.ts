import { expect, it } from 'vitest';
import { createDiskDoubt } from '../../src/pressure/disk-doubt.ts';

function doubted(answers: (string | null | Error)[]) {
  let now = 0;
  let compared = 0;
  const compare = async () => {
    compared += 1;
    const answer = answers.shift() ?? null;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const doubt = createDiskDoubt({ dir: '/pool', monotonic: () => now, compare });
  return {
    doubt,
    compared: () => compared,
    pass(ms: number) {
      now += ms;
    },
  };
}

it('compares at once and then once a minute, sooner while they disagree, and says when the doubt comes and goes', async () => {
  const { doubt, compared, pass } = doubted([null, 'they disagree', 'they disagree still', null]);
  expect([await doubt.refresh(), doubt.reason()]).toEqual([false, null]);
  pass(59_999);
  expect([await doubt.refresh(), compared()]).toEqual([false, 1]);
  pass(1);
  expect([await doubt.refresh(), doubt.reason(), compared()]).toEqual([true, 'they disagree', 2]);
  pass(4_999);
  expect([await doubt.refresh(), compared()]).toEqual([false, 2]);
  pass(1);
  expect([await doubt.refresh(), doubt.reason(), compared()]).toEqual([false, 'they disagree still', 3]);
  pass(5_000);
  expect([await doubt.refresh(), doubt.reason()]).toEqual([true, null]);
});

it('compares once for all who ask meanwhile', async () => {
  const { doubt, compared } = doubted(['they disagree']);
  expect(await Promise.all([doubt.refresh(), doubt.refresh()])).toEqual([true, true]);
  expect(compared()).toBe(1);
});

it('keeps what it knew where the disk cannot be read, and tries again', async () => {
  const { doubt, pass } = doubted(['they disagree', new Error('EIO'), null]);
  await doubt.refresh();
  pass(60_000);
  await expect(doubt.refresh()).rejects.toThrow('EIO');
  expect(doubt.reason()).toBe('they disagree');
  expect([await doubt.refresh(), doubt.reason()]).toEqual([true, null]);
});
