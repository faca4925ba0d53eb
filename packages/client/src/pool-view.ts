import type { Forecast } from '@spica/core';
import type { AuditRecord } from '@spica/queues';
import type { Size } from './view.ts';

export type { SpaceNode } from '@spica/core';

/*
 * What a client is told of a pool as a whole, as JSON: see view.ts.
 */

/** How a pool stands in one sentence: the page's first line, and that of `spica status`. */
export interface VerdictView {
  /** `unknown` where nobody serves the pool, or its disk has not been looked at. */
  readonly level: 'safe' | 'watch' | 'short' | 'critical' | 'unknown';
  /** Times in it are UTC. */
  readonly sentence: string;
  /** The time that the sentence names; null where it names none. */
  readonly until: string | null;
}

/** How a pool stands, as far as what its worker publishes says. */
export interface PoolView {
  readonly pool: string;
  readonly verdict: VerdictView;
  /** When the worker last published the figures; null before anybody served the pool. */
  readonly at: string | null;
  /** Whether a worker serves it; null where Redis does not tell. */
  readonly served: boolean | null;
  readonly instances: number;
  /** Its limit; null before anybody served the pool. */
  readonly maxInstances: number | null;
  /** Promised to requests that have not used it yet. */
  readonly reserved: Size & { readonly slots: number };
  /** What live instances are still expected to add. */
  readonly growth: Size;
  /** Bytes that its instances take by themselves. */
  readonly ownBytes: number;
  /** The filesystem that it is on, as the worker last saw it; null before its first look. */
  readonly disk: {
    readonly totalBytes: number;
    /** Bytes that an unprivileged process can still use. */
    readonly availableBytes: number;
    /** What admitted work may never take. */
    readonly floorBytes: number;
    /** Below it, retention starts early. */
    readonly targetBytes: number;
    /** Null where the filesystem has no limit of inodes. */
    readonly freeInodes: number | null;
  } | null;
  /** The disk that its image lies on, where that takes more of it as it fills; else null. */
  readonly imageHost: {
    readonly availableBytes: number;
    readonly floorBytes: number;
    readonly mayGrowBytes: number;
  } | null;
  /** What it keeps and for how long; null before anybody served the pool. */
  readonly policy: {
    readonly sentence: string;
    readonly maxInstances: number;
    readonly maxAgeMs: number;
    readonly keepBest: number;
    /** `disk.min_free_space_gb`: for a pool in an image, of the disk that the image lies on. */
    readonly minFreeBytes: number;
    readonly maxInstanceBytes: number | null;
    readonly maxPoolBytes: number | null;
  } | null;
  /**
   * Why the worker cannot see which processes use an instance, as in a container: then what was leased is kept for so long
   * after its lease. Null where it can see them.
   */
  readonly blind: { readonly why: string; readonly keepMs: number } | null;
  /** The host that serves it, or served it last. */
  readonly host: string | null;
  /** `ext4`, `btrfs`, …; null where that is not known. */
  readonly filesystem: string | null;
  readonly clonesBy: 'snapshot' | 'reflink' | 'copy' | null;
  /** Whether the audit log's chain holds, as last checked; null before anybody served the pool. */
  readonly audit: {
    readonly state: 'intact' | 'broken' | 'unchecked';
    /** Lines that were checked. */
    readonly entries: number;
    readonly checkedAt: string | null;
    readonly sentence: string;
  } | null;
  /** The pressure on its disk as the worker last saw it; null before its first look. */
  readonly pressure: {
    readonly level: string;
    readonly since: string | null;
    readonly reason: string | null;
  } | null;
  /** Why rules of age are suspended; null where they are in force. */
  readonly clockSuspended: string | null;
  /** Until when nothing is deleted, as Redis has lost the catalog, and perhaps leases with it; null where some may go. */
  readonly deletionsHeldUntil: string | null;
  /** The requests that are held, the head of the line first, and how many there are. */
  readonly held: readonly {
    readonly request: string;
    readonly count: number;
    readonly since: string;
    readonly reason: string;
    /** Who holds the room that it waits for, in words; null where it waits for something else. */
    readonly whatWouldHelp: string | null;
  }[];
  readonly heldCount: number;
}

/** The disk at one time, split into who uses it. */
export interface DiskPointView {
  readonly at: string;
  readonly availableBytes: number;
  readonly instancesBytes: number;
  readonly trashBytes: number;
  readonly templatesBytes: number;
  readonly othersBytes: number;
  /** Of the available: what instances were still expected to add, and what was promised to requests. */
  readonly growthBytes: number;
  readonly reservedBytes: number;
  /** Available on the disk that the pool's image lies on; null where there is none. */
  readonly hostAvailableBytes: number | null;
}

/** Something that happened to a pool, for a chart of its disk. Those that lie close together are one. */
export interface HistoryMark {
  /** Of the last of them. */
  readonly at: string;
  /** `cap`: an instance came to its cap, or grew beyond `max_instance_gb`. */
  readonly kind: 'deletion' | 'held' | 'level' | 'cap';
  readonly count: number;
  readonly text: string;
  /** Number of the last one in the audit log. */
  readonly seq: number | null;
}

/** Who used a pool's disk when, oldest first, and when its floor is reached if it goes on so. */
export interface DiskHistory {
  readonly points: readonly DiskPointView[];
  readonly marks: readonly HistoryMark[];
  /** Null where the pool's floor is not known: nobody has served it. */
  readonly forecast:
    | (Forecast & {
        readonly sentence: string;
        /** Available bytes to come, between what the steepest and the flattest trend say; empty where none is known. */
        readonly band: readonly {
          readonly at: string;
          readonly lowBytes: number;
          readonly highBytes: number;
        }[];
      })
    | null;
  readonly floorBytes: number | null;
  readonly targetBytes: number | null;
}

/** What instances of a template or an experiment become, and how well that was foretold. */
export interface ProfileView {
  readonly kind: 'template' | 'experiment';
  readonly name: string;
  /** Finished instances that it is made of. */
  readonly count: number;
  readonly p50Bytes: number;
  readonly p95Bytes: number;
  /** What the next one is expected to become, safety aside: its p95, or what an operator has set. */
  readonly expectedBytes: number;
  /** Of the last that were predicted, in the middle: what was expected, and what became of them; null where none was. */
  readonly predictedBytes: number | null;
  readonly actualBytes: number | null;
}

/** What has changed: these, or (null) so many that all have to be read anew. */
interface Changed {
  readonly changed: true;
  readonly ids: readonly string[] | null;
}

/** What happens in a pool, for whoever watches it. */
export type PoolEvent =
  /** How it stands, as soon as that has changed, with the first hundred of those that are held. */
  | { readonly event: 'pool'; readonly data: PoolView }
  /** Redis is out of reach: nothing is known until the next `pool`. */
  | { readonly event: 'away'; readonly data: { readonly reason: string } }
  | { readonly event: 'requests' | 'instances'; readonly data: Changed }
  | { readonly event: 'audit'; readonly data: AuditRecord };
