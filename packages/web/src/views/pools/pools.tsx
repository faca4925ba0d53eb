import { get } from '../../api/call.ts';
import { session } from '../../api/session.ts';
import { useCalm } from '../../api/use-calm.ts';
import { useLoad } from '../../api/use-load.ts';
import type { Page, PoolView, ProfileView } from '../../api/views.ts';
import { live } from '../../live/current.ts';
import { Facts } from '../../parts/facts.tsx';
import { bytes, count, duration } from '../../parts/format.ts';
import { Panel, WhenLoaded } from '../../parts/panel.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Time } from '../../parts/time.tsx';
import { hrefTo, poolName } from '../../router/router.ts';
import { Deviation } from './deviation.tsx';

/** Every pool: where it is, how it clones, what it keeps, and how good its predictions are. */
export function Pools() {
  const changes = useCalm(live.value?.pool.value?.at, 10_000);
  const loaded = useLoad((signal) => get<Page<PoolView>>('/v1/pools', { signal }), 'pools', [changes]);
  return (
    <>
      <h1 class="unseen">Pools</h1>
      <WhenLoaded loaded={loaded}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="empty">
              No pools yet. <code>spica init</code> makes one.
            </p>
          ) : (
            items.map((pool) => <Pool key={pool.pool} pool={pool} />)
          )
        }
      </WhenLoaded>
    </>
  );
}

const CLONES = {
  snapshot: 'snapshots: a clone takes no room of its own at first, and caps are kept by the kernel',
  reflink: 'reflinks: a clone shares its files with the template until it changes them',
  copy: 'copies: this filesystem can neither snapshot nor reflink, so every clone takes the room of its template',
};

function Pool({ pool }: { readonly pool: PoolView }) {
  const { disk, imageHost, policy, audit } = pool;
  const isChosen = pool.pool === poolName.value || session.value?.pools.length === 1;
  const link = <a href={hrefTo('/', { pool: pool.pool })}>Show it</a>;
  return (
    <Panel title={pool.pool} aside={isChosen ? null : link}>
      <div class="body">
        <Facts
          facts={[
            ['Host', pool.host],
            ['Served', served(pool.served)],
            ['Filesystem', pool.filesystem],
            ['Clones by', pool.clonesBy && CLONES[pool.clonesBy]],
            [
              'Disk',
              disk &&
                `${bytes(disk.availableBytes)} free of ${bytes(disk.totalBytes)}, floor ${bytes(disk.floorBytes)}`,
            ],
            ['Free inodes', disk?.freeInodes != null ? count(disk.freeInodes) : null],
            [
              'Disk below the image',
              imageHost &&
                `${bytes(imageHost.availableBytes)} free, floor ${bytes(imageHost.floorBytes)}; the image may grow by ${bytes(imageHost.mayGrowBytes)}`,
            ],
            [
              'Instances',
              `${count(pool.instances)} of at most ${pool.maxInstances === null ? '–' : count(pool.maxInstances)}`,
            ],
            ['Own bytes', bytes(pool.ownBytes)],
            ['Policy', policy?.sentence],
            ['Largest instance', policy?.maxInstanceBytes ? bytes(policy.maxInstanceBytes) : null],
            ['Largest pool', policy?.maxPoolBytes ? bytes(policy.maxPoolBytes) : null],
            ['Greatest age', policy?.maxAgeMs ? duration(policy.maxAgeMs) : null],
            ['Audit log', audit?.sentence],
            ['As of', <Time at={pool.at} />],
          ]}
        />
      </div>
      <Profiles pool={pool.pool} changed={pool.at} />
    </Panel>
  );
}

function served(isServed: boolean | null): string {
  if (isServed === null) return 'not known: Redis does not tell';
  return isServed ? 'yes, by a worker' : 'no: no worker runs, so requests wait. `spica up` starts one';
}

const COLUMNS: readonly Column<ProfileView>[] = [
  {
    title: 'Profile',
    isWide: true,
    render: ({ kind, name }) => (
      <>
        <span class="soft">{kind}</span> {name}
      </>
    ),
  },
  { title: 'Samples', isFigure: true, isExtra: true, render: (row) => count(row.count) },
  { title: 'Median', isFigure: true, isExtra: true, render: (row) => bytes(row.p50Bytes) },
  { title: '95th', isFigure: true, isExtra: true, render: (row) => bytes(row.p95Bytes) },
  { title: 'Expected', isFigure: true, render: (row) => bytes(row.expectedBytes) },
  { title: 'Predicted', isFigure: true, render: (row) => bytes(row.predictedBytes) },
  { title: 'Actual', isFigure: true, render: (row) => bytes(row.actualBytes) },
  {
    title: 'Off by',
    render: (row) => <Deviation predicted={row.predictedBytes} actual={row.actualBytes} />,
  },
];

/** What instances are expected to take, beside what they took. */
function Profiles({ pool, changed }: { readonly pool: string; readonly changed: string | null }) {
  const calm = useCalm(changed, 30_000);
  const path = `/v1/pools/${encodeURIComponent(pool)}/profiles`;
  const loaded = useLoad((signal) => get<Page<ProfileView>>(path, { signal }), path, [calm]);
  return (
    <WhenLoaded loaded={loaded}>
      {({ items }) => (
        <Table
          caption={`Profiles of ${pool}: predicted against actual sizes`}
          columns={COLUMNS}
          rows={items}
          keyOf={({ kind, name }) => `${kind} ${name}`}
          empty="No profiles yet: they come from measuring instances. Until then a template's own size is expected."
        />
      )}
    </WhenLoaded>
  );
}
