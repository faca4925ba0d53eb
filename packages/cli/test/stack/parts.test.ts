import { expect, it } from 'vitest';
import { createParts } from '../../src/stack/parts.ts';

const logger = { error: () => undefined };

it('closes the last first, all of them where some fail, and says what these threw', async () => {
  const parts = createParts(logger);
  const closed: string[] = [];
  const part = (name: string, failure?: Error) => ({
    close: async () => {
      closed.push(name);
      if (failure) throw failure;
    },
  });
  parts.add(part('first'));
  parts.add(part('second', new Error('of the second')));
  parts.add(part('third', new Error('of the third')));
  expect((await parts.close()).map(String)).toEqual(['Error: of the third', 'Error: of the second']);
  expect(closed).toEqual(['third', 'second', 'first']);
});

it('closes a part that is added too late, and throws, so that no more are opened', async () => {
  const parts = createParts(logger);
  const closing = parts.close();
  let isClosed = false;
  const late = {
    close: async () => {
      isClosed = true;
    },
  };
  expect(() => parts.add(late)).toThrow('the stack is being closed');
  expect(isClosed).toBe(true);
  await closing;
});
