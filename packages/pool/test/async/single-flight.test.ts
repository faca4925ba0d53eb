import { expect, it } from 'vitest';
import { singleFlight } from '../../src/async/single-flight.ts';

/** Work whose runs end when the test says so. */
function controlled() {
  const runs: PromiseWithResolvers<number>[] = [];
  const work = () => {
    const run = Promise.withResolvers<number>();
    runs.push(run);
    return run.promise;
  };
  return { runs, work };
}

it('shares the next run among all that ask while one is under way', async () => {
  const { runs, work } = controlled();
  const ask = singleFlight(work);
  const [first, second, third] = [ask(), ask(), ask()];
  expect(runs).toHaveLength(1);
  runs[0]?.resolve(1);
  expect(await first).toBe(1);
  expect(runs).toHaveLength(2);
  runs[1]?.resolve(2);
  expect(await Promise.all([second, third])).toEqual([2, 2]);
  const fourth = ask();
  runs[2]?.resolve(3);
  expect(await fourth).toBe(3);
});

it('runs again after a failure, for those that asked meanwhile and those that ask later', async () => {
  const { runs, work } = controlled();
  const ask = singleFlight(work);
  const first = ask();
  const second = ask();
  runs[0]?.reject(new Error('broken'));
  await expect(first).rejects.toThrow('broken');
  runs[1]?.resolve(2);
  expect(await second).toBe(2);
});

it('never runs twice at once, also where somebody asks at the moment at which a run ends', async () => {
  let running = 0;
  let most = 0;
  const ask = singleFlight(async () => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
  });
  const askOften = async () => {
    for (let n = 0; n < 100; n += 1) await ask();
  };
  await Promise.all([askOften(), askOften(), askOften()]);
  expect(most).toBe(1);
});
