import type { ComponentType } from 'preact';
import { Audit } from './audit/audit.tsx';
import { InstancePage } from './instances/instance-page.tsx';
import { Instances } from './instances/instances.tsx';
import { Overview } from './overview/overview.tsx';
import { Pools } from './pools/pools.tsx';
import { Prune } from './prune/prune.tsx';
import { RequestPage } from './requests/request-page.tsx';
import { Requests } from './requests/requests.tsx';

/** A page of the page: a view for a path. Parameters of the path come as properties. */
export interface View {
  /** `/requests/:id`. */
  readonly path: string;
  /** What the browser's title says. */
  readonly title: string;
  /** What the menu calls it; null for one that is reached from another. */
  readonly menu: string | null;
  readonly component: ComponentType<Record<string, string>>;
}

/** All of them, in the order of the menu. */
export const VIEWS: readonly View[] = [
  { path: '/', title: 'Overview', menu: 'Overview', component: Overview },
  { path: '/requests', title: 'Requests', menu: 'Requests', component: Requests },
  { path: '/requests/:id', title: 'Request', menu: null, component: RequestPage as ComponentType },
  { path: '/instances', title: 'Instances', menu: 'Instances', component: Instances },
  { path: '/instances/:id', title: 'Instance', menu: null, component: InstancePage as ComponentType },
  { path: '/prune', title: 'Prune', menu: 'Prune', component: Prune },
  { path: '/audit', title: 'Audit log', menu: 'Audit', component: Audit },
  { path: '/pools', title: 'Pools', menu: 'Pools', component: Pools },
];
