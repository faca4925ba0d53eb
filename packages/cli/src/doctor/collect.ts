import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { nullIfMissing, type PoolConfig } from '@spica/core';
import { type Finding, fail, ok } from './finding.ts';

/** Is the place for results there, and can it be written? Nothing where there is none. */
export async function checkCollectTo({ name, collectTo: to }: PoolConfig): Promise<Finding[]> {
  if (to === null) return [];
  const check = `results of pool ${name}`;
  const found = await nullIfMissing(stat(to));
  if (!found?.isDirectory()) {
    return [
      fail(
        check,
        `${to} is no directory (collect_to)`,
        'make it, or mount its disk: instances are kept until then',
      ),
    ];
  }
  try {
    await access(to, constants.W_OK | constants.X_OK);
    return [ok(check, to)];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return [
      fail(check, `${to} cannot be written (${code})`, 'make it writable: instances are kept until then'),
    ];
  }
}
