import { createInterface } from 'node:readline';
import type { Io } from '../io.ts';

/** Whether somebody is there to ask. */
export function canAsk({ stdin, stderr }: Pick<Io, 'stdin' | 'stderr'>): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** Asks on standard error; only `y` or `yes` is a yes, the end of the input is a no. */
export async function confirm(
  { stdin, stderr }: Pick<Io, 'stdin' | 'stderr'>,
  question: string,
): Promise<boolean> {
  const lines = createInterface({ input: stdin, terminal: false });
  const { promise, resolve } = Promise.withResolvers<string>();
  lines.once('line', resolve).once('close', () => resolve(''));
  stderr.write(`${question} [y/N] `);
  try {
    return /^y(es)?$/i.test((await promise).trim());
  } finally {
    lines.close();
  }
}
