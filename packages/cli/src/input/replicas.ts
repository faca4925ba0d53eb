import { UsageError } from '@spica/core';
import type { SpawnRequest } from '@spica/queues';
import { parseCount } from './numbers.ts';

export interface ReplicaOptions {
  readonly epochs?: string;
  readonly slices?: string;
  readonly replicas?: string;
}

const MOST = 100_000;

/** The replicas that each instance is going to run; null for none. Throws UsageError FLAG_INVALID, FLAG_MISSING. */
export function parseReplicas({ epochs, slices, replicas }: ReplicaOptions): SpawnRequest['replicas'] {
  const given = { '--epochs': epochs, '--slices': slices, '--replicas': replicas };
  const missing = Object.entries(given).flatMap(([flag, text]) => (text === undefined ? [flag] : []));
  if (missing.length === Object.keys(given).length) return null;
  const [first] = missing;
  if (first !== undefined) {
    throw new UsageError(
      'FLAG_MISSING',
      `${first}: expected with the others of --epochs, --slices and --replicas, none was given`,
      { flag: first },
    );
  }
  const bounds = { least: 1, most: MOST };
  return {
    epochs: parseCount('--epochs', epochs ?? '', bounds),
    slicesPerEpoch: parseCount('--slices', slices ?? '', bounds),
    replicasPerSlice: parseCount('--replicas', replicas ?? '', bounds),
  };
}
