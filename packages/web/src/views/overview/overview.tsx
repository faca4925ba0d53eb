import { live } from '../../live/current.ts';
import { Panel, WhenLoaded } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { hrefTo, poolName } from '../../router/router.ts';
import { ENDED, UNDER_WAY, WAITING } from '../requests/columns.tsx';
import { useRequests } from '../requests/load.ts';
import { Disk } from './disk/disk.tsx';
import { Space } from './space/space.tsx';
import { Verdict } from './verdict.tsx';

const MOST_WAITING = 8;
const MOST_ENDED = 5;
const keyOf = ({ id }: { readonly id: string }) => id;

/** At a glance: whether the disk is safe, how it got there, what takes it, and what waits. */
export function Overview() {
  const pool = live.value?.pool.value ?? null;
  if (poolName.value === null) {
    return (
      <p class="empty">
        No pools yet. <code>spica init</code> makes one.
      </p>
    );
  }
  return (
    <>
      {pool === null ? (
        <p class="loading">Loading…</p>
      ) : (
        <>
          <Verdict pool={pool} />
          <Disk pool={pool} />
          <Space pool={pool.pool} changed={live.value?.instances.value ?? 0} />
        </>
      )}
      <RequestsInShort />
    </>
  );
}

function RequestsInShort() {
  const loaded = useRequests(MOST_ENDED);
  return (
    <Panel title="Requests" aside={<a href={hrefTo('/requests')}>All requests</a>}>
      <WhenLoaded loaded={loaded}>
        {({ waiting, underWay, ended }) => (
          <>
            <h3>Waiting</h3>
            <Table
              caption="Requests that wait"
              columns={WAITING}
              rows={waiting.slice(0, MOST_WAITING)}
              keyOf={keyOf}
              isOfCards
              empty="Nothing waits."
            />
            {underWay.length > 0 && <h3>Under way</h3>}
            {underWay.length > 0 && (
              <Table
                caption="Requests under way"
                columns={UNDER_WAY}
                rows={underWay.slice(0, MOST_WAITING)}
                keyOf={keyOf}
                isOfCards
                empty=""
              />
            )}
            <h3>Ended</h3>
            <Table
              caption="The last requests that ended"
              columns={ENDED}
              rows={ended}
              keyOf={keyOf}
              isOfCards
              empty={
                <>
                  None yet. <code>spica spawn</code> submits one.
                </>
              }
            />
          </>
        )}
      </WhenLoaded>
    </Panel>
  );
}
