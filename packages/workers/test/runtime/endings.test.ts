import { expect, it } from 'vitest';
import { endsWithin } from '../../src/runtime/endings.ts';

it.each([0, -3_000])('says of work that does not end that it has not, with %i ms left', async (ms) => {
  expect(await endsWithin(new Promise(() => undefined), ms)).toBe(false);
});
