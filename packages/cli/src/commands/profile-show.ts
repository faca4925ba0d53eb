import type { Catalog } from '@spica/catalog';
import { type Profile, type SetSize, UsageError } from '@spica/core';
import { withCatalog } from '../context/catalog.ts';
import { type ProfileTarget, profileOf, readTarget } from '../input/profile.ts';
import type { Invocation } from '../io.ts';
import { writeProfiles } from '../output/profile.ts';
import { writeJson } from '../output/write.ts';

/** So many of the largest are named. */
const LARGEST = 5;

/** What is known of what instances of a template, or of an experiment, become. */
export interface ShownProfile {
  /** `template:NAME`, or `experiment:NAME`. */
  readonly of: string;
  /** Null where none has finished. */
  readonly profile: Profile | null;
  /** What an operator has said instead; null for nothing. */
  readonly set: SetSize | null;
  /** Of those that the profile is made of, the largest first. */
  readonly largest: readonly { readonly id: string; readonly bytes: number }[];
}

/** `spica profile show [TEMPLATE]`: what instances became, of all templates of the pool, or of the one named. */
export async function profileShow(invocation: Invocation<ProfileTarget>): Promise<number> {
  const { io, args, options } = invocation;
  return withCatalog(invocation, async ({ catalog, policy }) => {
    const asked = args[0] !== undefined || options.experiment !== undefined;
    const all = Object.keys(policy.templates).map((name) => `template:${name}`);
    const targets = asked ? [profileOf(readTarget(invocation), policy)] : all;
    const shown: ShownProfile[] = [];
    for (const of of targets) shown.push(await read(catalog, of));
    if (options.json) writeJson(io.stdout, { pool: policy.name, profiles: shown });
    else writeProfiles(io.stdout, shown);
    return 0;
  });
}

async function read(catalog: Catalog, of: string): Promise<ShownProfile> {
  const [profile, set, finished] = await Promise.all([
    catalog.readProfile(of),
    catalog.readSetSize(of),
    catalog.readFinished(of),
  ]);
  const largest = finished
    .slice(0, LARGEST)
    .map(({ id, finished: { final } }) => ({ id, bytes: final.bytes }));
  return { of, profile, set, largest };
}

/** Throws UsageError PROFILE_UNKNOWN where nothing is known of it. */
export function profileUnknown(of: string, id: string | null): UsageError {
  const what =
    id === null ? `nothing has finished of ${of}` : `${id} is not among those that finished of ${of}`;
  return new UsageError('PROFILE_UNKNOWN', `${what}: \`spica profile show\` lists what is known`);
}
