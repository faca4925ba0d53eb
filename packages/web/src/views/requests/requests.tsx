import { countOf } from '../../parts/format.ts';
import { Panel, WhenLoaded } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { ENDED, UNDER_WAY, WAITING } from './columns.tsx';
import { useRequests } from './load.ts';

const MOST_ENDED = 50;
const keyOf = ({ id }: { readonly id: string }) => id;

/** What waits and why, what is under way, and what came of the last ones. */
export function Requests() {
  const loaded = useRequests(MOST_ENDED);
  return (
    <>
      <h1 class="unseen">Requests</h1>
      <WhenLoaded loaded={loaded}>
        {({ waiting, underWay, ended, hasMore }) => (
          <>
            <Panel
              title="Waiting"
              aside={
                <span class="soft">
                  {hasMore ? `more than ${waiting.length}` : countOf(waiting.length, 'request')}
                </span>
              }
            >
              <Table
                caption="Requests that wait"
                columns={WAITING}
                rows={waiting}
                keyOf={keyOf}
                isOfCards
                empty="Nothing waits. A request that does not fit stands here, with the reason and what would help."
              />
            </Panel>
            <Panel title="Under way" aside={<span class="soft">{countOf(underWay.length, 'request')}</span>}>
              <Table
                caption="Requests under way"
                columns={UNDER_WAY}
                rows={underWay}
                keyOf={keyOf}
                isOfCards
                empty="Nothing is being spawned."
              />
            </Panel>
            <Panel title="Ended">
              <Table
                caption="The last requests that ended"
                columns={ENDED}
                rows={ended}
                keyOf={keyOf}
                isOfCards
                empty={
                  <>
                    No request has ended yet. <code>spica spawn</code> submits one.
                  </>
                }
              />
            </Panel>
          </>
        )}
      </WhenLoaded>
    </>
  );
}
