import { formatBytes, type SetSize, systemClock, UsageError } from '@spica/core';
import { withCatalog } from '../context/catalog.ts';
import { parseSize } from '../input/numbers.ts';
import { type ProfileTarget, profileOf, readTarget } from '../input/profile.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { toIso } from '../output/age.ts';
import { writeJson } from '../output/write.ts';

export interface ProfileSetOptions extends ProfileTarget {
  readonly clear?: boolean;
  readonly by?: string;
}

/**
 * `spica profile set TEMPLATE 1.5GB`: says what its instances become, whatever was measured; `--clear` has that
 * measured again. Held requests are decided anew.
 */
export async function profileSet(invocation: Invocation<ProfileSetOptions>): Promise<number> {
  const { io, args, options } = invocation;
  // With --experiment there is no template before the size.
  const targets = options.experiment === undefined ? 1 : 0;
  const target = readTarget({ args: args.slice(0, targets), options });
  const by = parseWho('--by', options.by);
  const set = readSize(args[targets], { clear: options.clear === true, by });
  return withCatalog(invocation, async ({ catalog, policy }) => {
    const of = profileOf(target, policy);
    await catalog.setSize(of, set);
    const said = set === null ? 'as measured again' : `${formatBytes(set.bytes)}, whatever was measured`;
    await catalog.leaveNote({
      action: 'set_profile',
      reason: `${by} said what is expected of ${of}: ${said}`,
      at: toIso(systemClock.now()),
      outcome: set === null ? 'cleared' : 'set',
    });
    if (options.json) writeJson(io.stdout, { pool: policy.name, of, set });
    else if (io.stdout.isTTY) io.stdout.write(`${of} is expected to become ${said}\n`);
    return 0;
  });
}

function readSize(text: string | undefined, { clear, by }: { clear: boolean; by: string }): SetSize | null {
  if (clear && text === undefined) return null;
  if (text !== undefined && !clear) return { bytes: parseSize('size', text, { least: 1 }), by };
  const got = clear ? `got both "${text}" and --clear` : 'got neither';
  throw new UsageError('FLAG_INVALID', `size: expected a size like 1.5GB, or --clear, ${got}`);
}
