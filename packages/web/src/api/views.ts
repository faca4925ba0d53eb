import type { DiskHistory, VerdictView, RequestView as WholeRequest } from '@spica/client/wire';

/*
 * What the page is told, as types alone: those of the client.
 */

export type {
  DiskHistory,
  HistoryMark,
  InstanceView,
  Page,
  PoolView,
  ProfileView,
  SpaceNode,
} from '@spica/client/wire';

export type DiskPoint = DiskHistory['points'][number];
export type Level = VerdictView['level'];

type Requested = NonNullable<WholeRequest['request']>;
type Secret = 'params' | 'paramsEach' | 'notes';

/** A request as its caller may see it: parameters and notes can hold secrets, and are missing for who may not see them. */
export interface RequestView extends Omit<WholeRequest, 'request' | 'instances'> {
  readonly request: (Omit<Requested, Secret> & Partial<Pick<Requested, Secret>>) | null;
  readonly instances: readonly { readonly id: string; readonly path?: string }[];
}
