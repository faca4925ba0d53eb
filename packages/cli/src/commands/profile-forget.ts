import { countOf, systemClock } from '@spica/core';
import { withCatalog } from '../context/catalog.ts';
import { parseInstanceId } from '../input/ids.ts';
import { type ProfileTarget, profileOf, readTarget } from '../input/profile.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { toIso } from '../output/age.ts';
import { writeJson } from '../output/write.ts';
import { profileUnknown } from './profile-show.ts';

export interface ProfileForgetOptions extends ProfileTarget {
  readonly instance?: string;
  readonly by?: string;
}

/**
 * `spica profile forget TEMPLATE [--instance ID]`: forgets what its instances became, or one of them, for good. Held
 * requests are decided anew by what is left.
 */
export async function profileForget(invocation: Invocation<ProfileForgetOptions>): Promise<number> {
  const { io, options } = invocation;
  const target = readTarget(invocation);
  const id = options.instance === undefined ? null : parseInstanceId('--instance', options.instance);
  const by = parseWho('--by', options.by);
  return withCatalog(invocation, async ({ catalog, policy }) => {
    const of = profileOf(target, policy);
    const forgotten = await catalog.forgetFinished(of, id);
    if (forgotten === 0) throw profileUnknown(of, id);
    const what = id ?? countOf(forgotten, 'instance');
    await catalog.leaveNote({
      action: 'forget_profile',
      instance: id,
      reason: `${by} had ${what} of ${of} forgotten`,
      at: toIso(systemClock.now()),
      outcome: 'forgotten',
    });
    if (options.json) writeJson(io.stdout, { pool: policy.name, of, forgotten });
    else if (io.stdout.isTTY) io.stdout.write(`${of}: ${what} forgotten\n`);
    return 0;
  });
}
