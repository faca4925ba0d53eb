import { useMemo, useState } from 'preact/hooks';
import { get } from '../../../api/call.ts';
import { useCalm } from '../../../api/use-calm.ts';
import { useLoad } from '../../../api/use-load.ts';
import type { DiskHistory, PoolView } from '../../../api/views.ts';
import { Choice } from '../../../parts/filters.tsx';
import { Panel, WhenLoaded } from '../../../parts/panel.tsx';
import { query } from '../../../router/router.ts';
import { Chart } from './chart.tsx';
import { HistoryTable } from './history-table.tsx';
import { HostChart } from './host-chart.tsx';

const RANGES = [
  ['1', '1 h'],
  ['6', '6 h'],
  ['24', '1 d'],
  ['168', '7 d'],
  ['720', '30 d'],
] as const;
/** How often the history is asked for, as a share of what it shows: a pixel or two. */
const REFRESH_SHARE = 1 / 400;

/** The disk over time, with what it is taken by, where its limits are, and how it will go on. */
export function Disk({ pool }: { readonly pool: PoolView }) {
  const hours = RANGES.map(([value]) => value).find((value) => value === query.value.get('hours')) ?? '24';
  const changed = useCalm(pool.at, Math.max(10_000, Number(hours) * 3_600_000 * REFRESH_SHARE));
  const path = `/v1/pools/${encodeURIComponent(pool.pool)}/history`;
  const loaded = useLoad(
    (signal) => get<DiskHistory>(path, { query: { hours }, signal }),
    `${path} ${hours}`,
    [changed],
  );
  const [asTable, setAsTable] = useState(false);
  return (
    <Panel
      title="The disk over time"
      aside={
        <div class="choices">
          <Choice name="hours" label="How far back" values={RANGES} preset="24" />
          <button
            type="button"
            class="button plain"
            aria-pressed={asTable}
            onClick={() => setAsTable(!asTable)}
          >
            Table
          </button>
        </div>
      }
    >
      <WhenLoaded loaded={loaded}>
        {(history) =>
          history.points.length < 2 ? (
            <p class="empty">
              Nothing to show yet: the worker looks at the disk every minute. <code>spica up</code> runs it.
            </p>
          ) : asTable ? (
            <HistoryTable history={history} />
          ) : (
            <Charts history={history} pool={pool} />
          )
        }
      </WhenLoaded>
    </Panel>
  );
}

function Charts({ history, pool }: { readonly history: DiskHistory; readonly pool: PoolView }) {
  const hasHost = useMemo(() => history.points.some((point) => point.hostAvailableBytes !== null), [history]);
  return (
    <>
      <Chart history={history} />
      {history.forecast && <p class="soft">Forecast: {history.forecast.sentence}</p>}
      {hasHost && <HostChart points={history.points} floorBytes={pool.imageHost?.floorBytes ?? null} />}
    </>
  );
}
