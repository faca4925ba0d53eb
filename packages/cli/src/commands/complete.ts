import { UsageError } from '@spica/core';
import { scriptFor } from '../complete/script.ts';
import type { Invocation } from '../io.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** `spica complete SHELL`: prints the script that has the shell complete. What that asks (`spica complete -- WORD…`) run.ts answers. */
export async function complete({ io, args }: Invocation): Promise<number> {
  const [asked = ''] = args;
  const shell = SHELLS.find((each) => each === asked);
  if (shell === undefined) {
    throw new UsageError('FLAG_INVALID', `shell: expected one of ${SHELLS.join(', ')}, got "${asked}"`, {
      flag: 'shell',
    });
  }
  io.stdout.write(scriptFor(shell));
  return 0;
}
