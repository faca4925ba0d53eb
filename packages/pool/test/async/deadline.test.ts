import { expect, it } from 'vitest';
import { withDeadline } from '../../src/async/deadline.ts';

it('ends as the work does, or says what has not answered in time', async () => {
  expect(await withDeadline(Promise.resolve(7), 1_000, 'Redis')).toBe(7);
  await expect(withDeadline(Promise.reject(new Error('refused')), 1_000, 'Redis')).rejects.toThrow('refused');
  await expect(withDeadline(new Promise(() => undefined), 20, 'Redis')).rejects.toMatchObject({
    kind: 'timeout',
    code: 'DEADLINE_PASSED',
    message: 'Redis has not answered within 20ms',
  });
});
