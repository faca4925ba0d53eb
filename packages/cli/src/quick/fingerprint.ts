import { createHash } from 'node:crypto';
import { CONFIG_VARIABLES, stateDirOf } from '@spica/core';
import { type Place, readConfigFile } from '../context/config-file.ts';
import { version } from '../version.ts';

export interface Fingerprint {
  /** The same where a command would do and say the same: version, user, config file and its text, what it is overridden by. */
  readonly digest: string;
  readonly stateDir: string;
  /** Path of the config file; null for none. */
  readonly file: string | null;
}

/** Throws UsageError for a config that is named and cannot be read. */
export async function fingerprintOf(place: Place, config: string | undefined): Promise<Fingerprint> {
  const file = await readConfigFile(place, config);
  const stateDir = stateDirOf(place).path;
  const facts = {
    version,
    user: process.getuid?.() ?? null,
    home: place.home,
    stateDir,
    // Without a file, roots and templates follow from where one stands.
    file: file ?? { cwd: place.cwd },
    variables: CONFIG_VARIABLES.map((name) => place.env[name] || null),
  };
  const digest = createHash('sha256').update(JSON.stringify(facts)).digest('hex');
  return { digest, stateDir, file: file?.path ?? null };
}
