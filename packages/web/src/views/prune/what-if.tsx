import { useId } from 'preact/hooks';
import { send } from '../../api/call.ts';
import { useCalm } from '../../api/use-calm.ts';
import { useDebounced } from '../../api/use-debounced.ts';
import { useLoad } from '../../api/use-load.ts';
import type { PoolView } from '../../api/views.ts';
import { live } from '../../live/current.ts';
import { Button } from '../../parts/button.tsx';
import { bytes, countOf } from '../../parts/format.ts';
import { Panel, WhenLoaded } from '../../parts/panel.tsx';
import { toast } from '../../parts/toasts.tsx';
import { query, setQuery } from '../../router/router.ts';
import { PlanItems } from './items.tsx';
import {
  isTriedOut,
  LIMITS,
  type LimitKind,
  type Limits,
  limitsInForce,
  reachOf,
  readLimits,
  toWhatIf,
  toYaml,
  tryLimit,
  withoutLimits,
} from './limits.ts';
import { compare, deletedBy, freedBytes, type WhatIfView } from './plan-view.ts';
import { Tallies } from './tallies.tsx';

const MOVING_MS = 200;
/** Instances change all the time, where many work: the plan need not follow each of them. */
const CALM_MS = 10_000;

interface Tried {
  /** Under the limits of the pool. */
  readonly now: WhatIfView;
  readonly tried: WhatIfView;
}

/** Limits to move, and what a prune would do under them. Nothing is touched. */
export function WhatIf({
  pool,
  policy,
}: {
  readonly pool: string | null;
  readonly policy: PoolView['policy'];
}) {
  const inForce = limitsInForce(policy);
  const limits = readLimits(query.value);
  const settled = useDebounced(JSON.stringify(toWhatIf(limits)), MOVING_MS);
  const changes = useCalm(live.value?.instances.value ?? 0, CALM_MS);
  const loaded = useLoad((signal) => tryOut(pool, settled, signal), `${pool}`, [settled, changes]);
  return (
    <Panel
      title="What if"
      aside={
        isTriedOut(limits) && (
          <Button kind="quiet" onClick={() => setQuery(withoutLimits())}>
            As it is now
          </Button>
        )
      }
    >
      <div class="body">
        <p class="soft">Move a limit and see what a prune would do under it. Nothing is changed.</p>
        <div class="limits">
          {LIMITS.map((kind) => (
            <Limit key={kind.name} kind={kind} inForce={inForce} tried={limits} />
          ))}
        </div>
        <WhenLoaded loaded={loaded}>
          {(plans) => <Shown plans={plans} limits={limits} isStale={loaded.isLoading} />}
        </WhenLoaded>
      </div>
    </Panel>
  );
}

async function tryOut(pool: string | null, whatIf: string, signal: AbortSignal): Promise<Tried> {
  const ask = (limits: object) =>
    send<WhatIfView>('POST', '/v1/plans', { query: { pool }, body: { whatIf: limits }, signal });
  const inForce = ask({});
  const asked = whatIf === '{}' ? inForce : ask(JSON.parse(whatIf) as object);
  const [now, tried] = await Promise.all([inForce, asked]);
  return { now, tried };
}

function Limit({
  kind: { name, label, unit, step, key },
  inForce,
  tried,
}: {
  readonly kind: LimitKind;
  readonly inForce: Limits | null;
  readonly tried: Limits;
}) {
  const id = useId();
  const own = inForce?.[name] ?? null;
  const value = tried[name] ?? own;
  const change = (text: string) => {
    const next = text.trim() === '' ? null : Number(text);
    if (next !== null && (Number.isNaN(next) || next < 0)) return;
    setQuery(tryLimit(name, next, inForce), { replace: true });
  };
  return (
    <div class={`limit ${tried[name] === null ? '' : 'in-force'}`}>
      <label for={id}>{label}</label>
      <span class="limit-value">
        <input
          id={id}
          type="number"
          min={0}
          step={step < 1 ? 'any' : step}
          value={value ?? ''}
          placeholder="no limit"
          title={`${key}${own === null ? '' : `: ${own} now`}`}
          onInput={({ currentTarget }) => change(currentTarget.value)}
        />{' '}
        {unit}
      </span>
      <input
        type="range"
        aria-label={`${label} (slider)`}
        min={0}
        max={reachOf(own, tried[name], name === 'maxAgeDays' ? 7 : 10)}
        step={step}
        value={value ?? 0}
        onInput={({ currentTarget }) => change(currentTarget.value)}
      />
      <span class="soft">{own === null ? 'no limit now' : `${own} now`}</span>
    </div>
  );
}

function Shown({
  plans: { now, tried },
  limits,
  isStale,
}: {
  readonly plans: Tried;
  readonly limits: Limits;
  readonly isStale: boolean;
}) {
  const goes = deletedBy(tried);
  const { more, spared } = compare(now, tried);
  const above = tried.availableBytes - tried.floorBytes;
  return (
    <div class={`tried ${isStale ? 'stale' : ''}`} aria-busy={isStale}>
      <p class="plan-sum" role="status">
        <strong>
          {goes.length === 0 ? 'Nothing would go.' : `${countOf(goes.length, 'instance')} would go.`}
        </strong>{' '}
        {goes.length > 0 && `That frees ${bytes(freedBytes(tried))}. `}
        Free then: {bytes(tried.availableBytes)},{' '}
        {above >= 0 ? `${bytes(above)} above the floor.` : `${bytes(-above)} below the floor.`}
      </p>
      {isTriedOut(limits) && (
        <p>
          {more.length === 0 && spared.length === 0
            ? 'The same as now.'
            : `Against now: ${countOf(more.length, 'more instance')} (${bytes(sum(more))}), ${countOf(spared.length, 'instance')} spared (${bytes(sum(spared))}).`}
        </p>
      )}
      {!tried.sufficient && (
        <p class="error">
          So much free space cannot be made: what may go does not suffice, so nothing goes for it.
        </p>
      )}
      <Tallies deletedBy={tried.deletedBy} keptBy={tried.keptBy} />
      <PlanItems items={goes} />
      {isTriedOut(limits) && <Yaml text={toYaml(limits)} />}
    </div>
  );
}

function sum(items: readonly { readonly bytes: number | null }[]): number {
  return items.reduce((all, { bytes: each }) => all + (each ?? 0), 0);
}

/** What makes it so. */
function Yaml({ text }: { readonly text: string }) {
  return (
    <div class="yaml">
      <p class="soft">To have it so, at the pool in spica.yaml:</p>
      <pre>{text}</pre>
      {navigator.clipboard && (
        <Button
          kind="quiet"
          onClick={async () => {
            await navigator.clipboard.writeText(text);
            toast('good', 'Copied');
          }}
        >
          Copy
        </Button>
      )}
    </div>
  );
}
