import { expect, it } from 'vitest';
import { createSerialiser } from '../../src/async/serialiser.ts';

it('runs work of one key in order, one at a time, whatever fails, and work of another key beside it', async () => {
  const serialiser = createSerialiser();
  const began: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = (name: string, until: Promise<unknown>) => async () => {
    began.push(name);
    await until;
    return name;
  };
  const first = serialiser.run('a', work('first', gate.promise));
  const second = serialiser.run('a', work('second', Promise.resolve()));
  expect(await serialiser.run('b', work('other', Promise.resolve()))).toBe('other');
  expect(began).toEqual(['first', 'other']);
  gate.reject(new Error('broken'));
  await expect(first).rejects.toThrow('broken');
  expect(await second).toBe('second');
});
