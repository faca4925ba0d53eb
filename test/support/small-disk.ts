import { join } from 'node:path';
import { mountLoop } from './mount.ts';
import { makeSite, type Site, type SiteOptions } from './site.ts';

/** A site whose pool lies on a small disk of its own. */
export interface SmallSite extends Site {
  /** Where the disk is mounted; the pool is in `pool`. */
  readonly disk: string;
}

/**
 * Makes a site whose pool lies on a filesystem of 400 MB, of which 60 are the floor, or says why there is none here.
 * `close` unmounts it.
 */
export async function makeSmallSite({
  type = 'ext4',
  ...options
}: SiteOptions & { readonly type?: 'ext4' | 'btrfs' } = {}): Promise<
  SmallSite | { readonly skipped: string }
> {
  const mount = await mountLoop({ type, bytes: 400e6 });
  if ('skipped' in mount) return mount;
  const disk = {
    min_free_space_gb: 0.06,
    ballast_mb: 1,
    prior_factor: 1,
    safety_factor: 1,
    check_every: '1s',
    ...options.disk,
  };
  const settings = { gate: { poll_every: '1s' }, ...options.settings };
  const site = await makeSite({ ...options, root: join(mount.dir, 'pool'), disk, settings });
  return {
    ...site,
    disk: mount.dir,
    async close() {
      await site.close();
      await mount.unmount();
    },
  };
}
