import { createHash } from 'node:crypto';
import { UsageError } from '../errors.ts';
import { pythonJson } from './python-json.ts';

/** How much is run of each instance of a tournament: so many replicas in so many slices of so many epochs. */
export interface Qtime {
  readonly epochs: number;
  readonly slices_per_epoch: number;
  readonly replicas_per_slice: number;
}

/** One run of one instance. All of them count from 0. */
export interface Replica {
  /** `<instance>.e<epoch>.s<slice>.r<replica>` */
  readonly replica_id: string;
  readonly instance_id: string;
  readonly epoch: number;
  readonly slice: number;
  readonly replica: number;
}

/** What a tournament runs, in this order. The names are those of older systems, whose hash it has. */
export interface TournamentPlan {
  readonly total_replicas: number;
  readonly replicas: readonly Replica[];
}

/** Most replicas of a tournament: its plan is held in memory, and its record in Redis. */
const MOST_REPLICAS = 100_000;

/**
 * The replicas of a tournament, the same for the same instances in the same order: epoch by epoch, slice by slice, replica
 * by replica, each in every instance before the next one begins. Throws UsageError TOURNAMENT_INVALID that names the field.
 */
export function planReplicas(instances: readonly string[], qtime: Qtime): TournamentPlan {
  const { epochs, slices_per_epoch, replicas_per_slice } = qtime;
  for (const [field, value] of Object.entries({ epochs, slices_per_epoch, replicas_per_slice })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw invalid(`qtime.${field}`, `expected a whole number of at least 1, got ${JSON.stringify(value)}`);
  }
  const total = instances.length * epochs * slices_per_epoch * replicas_per_slice;
  if (total > MOST_REPLICAS)
    throw invalid('qtime', `expected at most ${MOST_REPLICAS} replicas, got ${total}`);
  const replicas: Replica[] = [];
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    for (let slice = 0; slice < slices_per_epoch; slice += 1) {
      for (let replica = 0; replica < replicas_per_slice; replica += 1) {
        for (const instance_id of instances) {
          const replica_id = `${instance_id}.e${epoch}.s${slice}.r${replica}`;
          replicas.push({ replica_id, instance_id, epoch, slice, replica });
        }
      }
    }
  }
  return { total_replicas: replicas.length, replicas };
}

/** SHA-256, hex, of a plan as Python writes it: `hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()`. */
export function replicaPlanHash(plan: TournamentPlan): string {
  return createHash('sha256').update(pythonJson(plan)).digest('hex');
}

function invalid(field: string, why: string): UsageError {
  return new UsageError('TOURNAMENT_INVALID', `tournament: ${field}: ${why}`, { field });
}
