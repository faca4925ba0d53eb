import type {
  DiskHistory as BareHistory,
  PoolView as BarePool,
  RequestView as BareRequest,
} from '@spica/client/wire';

/*
 * What the page is told, as types alone. Most are the client's; what only the page asks for stands here.
 */

export type { InstanceView, Page } from '@spica/client/wire';

export type Level = 'safe' | 'watch' | 'short' | 'critical' | 'unknown';

export interface PoolView extends BarePool {
  readonly verdict: { readonly level: Level; readonly sentence: string };
  readonly disk: {
    readonly totalBytes: number;
    readonly availableBytes: number;
    readonly floorBytes: number;
    readonly targetBytes: number;
    readonly freeInodes: number | null;
  } | null;
  /** The disk below a pool in an image. */
  readonly imageHost: {
    readonly availableBytes: number;
    readonly floorBytes: number;
    readonly mayGrowBytes: number;
  } | null;
  readonly policy: {
    readonly sentence: string;
    readonly maxInstances: number | null;
    readonly maxAgeMs: number | null;
    readonly keepBest: number | null;
    readonly minFreeBytes: number;
    readonly maxInstanceBytes: number | null;
    readonly maxPoolBytes: number | null;
  } | null;
  readonly host: string | null;
  readonly filesystem: string | null;
  readonly clonesBy: 'snapshot' | 'reflink' | 'copy' | null;
  readonly at: string;
  readonly audit: {
    readonly state: 'intact' | 'broken' | 'unchecked';
    readonly entries: number;
    readonly checkedAt: string | null;
    readonly sentence: string;
  } | null;
}

export interface HistoryPoint {
  readonly at: string;
  readonly availableBytes: number;
  readonly instancesBytes: number;
  readonly growthBytes: number;
  readonly reservedBytes: number;
  readonly trashBytes: number;
  readonly templatesBytes: number;
  readonly othersBytes: number;
  readonly hostAvailableBytes: number | null;
}

export interface HistoryMark {
  readonly at: string;
  readonly kind: 'deletion' | 'held' | 'level' | 'cap';
  readonly count: number;
  readonly text: string;
  readonly seq: number | null;
}

export interface PoolHistory {
  readonly points: readonly HistoryPoint[];
  readonly marks: readonly HistoryMark[];
  readonly forecast:
    | (NonNullable<BareHistory['forecast']> & {
        readonly band: readonly {
          readonly at: string;
          readonly lowBytes: number;
          readonly highBytes: number;
        }[];
      })
    | null;
  readonly floorBytes: number;
  readonly targetBytes: number;
}

export interface ProfileView {
  readonly kind: 'template' | 'experiment';
  readonly name: string;
  readonly count: number;
  readonly p50Bytes: number;
  readonly p95Bytes: number;
  readonly expectedBytes: number;
  readonly predictedBytes: number | null;
  readonly actualBytes: number | null;
}

export interface SpaceNode {
  readonly name: string;
  readonly kind: 'pool' | 'experiment' | 'template' | 'instance' | 'rest';
  readonly id: string | null;
  readonly ownBytes: number;
  readonly expectedBytes: number;
  readonly capBytes: number | null;
  readonly instances: number;
  readonly children?: readonly SpaceNode[];
}

type Requested = NonNullable<BareRequest['request']>;

/** A request as its caller may see it: parameters and notes can hold secrets, and are missing for who may not see them. */
export interface RequestView extends Omit<BareRequest, 'request' | 'instances'> {
  readonly request:
    | (Omit<Requested, 'params' | 'paramsEach' | 'notes'> &
        Partial<Pick<Requested, 'params' | 'paramsEach' | 'notes'>>)
    | null;
  readonly instances: readonly { readonly id: string; readonly path?: string }[];
  /** In the line; the head is 1. Null where it is not held. */
  readonly position: number | null;
  readonly whatWouldHelp: string | null;
  readonly spawned: number;
  readonly of: number;
}
