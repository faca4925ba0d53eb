import type { PruneResult } from '@spica/client';
import { useState } from 'preact/hooks';
import { send } from '../../api/call.ts';
import { Button } from '../../parts/button.tsx';
import { CommandLine } from '../../parts/command-line.tsx';
import { confirm } from '../../parts/confirm.tsx';
import { bytes, countOf } from '../../parts/format.ts';
import { Panel } from '../../parts/panel.tsx';
import { spica } from '../../parts/shell.ts';
import { Age } from '../../parts/time.tsx';
import { PlanItems } from './items.tsx';
import { deletedBy, freedBytes, type PlanView } from './plan-view.ts';
import { PruneOutcome } from './prune-outcome.tsx';
import { Tallies } from './tallies.tsx';

interface Made {
  readonly plan: PlanView;
  /** ISO-8601. */
  readonly at: string;
}

/** A plan of what the policy deletes now: made, looked at, and then carried out exactly as it was shown. */
export function Plan({ pool }: { readonly pool: string | null }) {
  const [made, setMade] = useState<Made | null>(null);
  const [result, setResult] = useState<PruneResult | null>(null);
  const make = async () => {
    const plan = await send<PlanView>('POST', '/v1/plans', { query: { pool }, body: {} });
    setResult(null);
    setMade({ plan, at: new Date().toISOString() });
  };
  const execute = async ({ digest }: PlanView, reason: string) => {
    const path = `/v1/plans/${encodeURIComponent(digest ?? '')}/execution`;
    setResult(await send<PruneResult>('POST', path, { query: { pool }, body: { reason } }));
    setMade(null);
  };
  return (
    <Panel
      title="What it would delete now"
      aside={
        <Button kind={made === null ? 'primary' : 'plain'} onClick={make}>
          {made === null ? 'Make a plan' : 'Make it anew'}
        </Button>
      }
    >
      {result !== null && <PruneOutcome result={result} onDone={() => setResult(null)} />}
      {made === null ? (
        result === null && (
          <p class="empty">
            A plan deletes nothing. It says of each instance which rule keeps or deletes it, and what that
            frees; then exactly that plan can be carried out, for an hour.
          </p>
        )
      ) : (
        <Shown made={made} pool={pool} onExecute={execute} />
      )}
    </Panel>
  );
}

function Shown({
  made: { plan, at },
  pool,
  onExecute,
}: {
  readonly made: Made;
  readonly pool: string | null;
  readonly onExecute: (plan: PlanView, reason: string) => Promise<void>;
}) {
  const goes = deletedBy(plan);
  const frees = freedBytes(plan);
  const commandLine = spica(pool, 'prune', '--plan', plan.digest ?? '');
  const ask = () =>
    confirm({
      title: `Delete ${countOf(goes.length, 'instance')}`,
      text: (
        <>
          Frees {bytes(frees)}. Each is looked at once more: what was leased, pinned or changed since is left
          alone, and told. What is deleted waits in the trash, from where it can be brought back until the
          room is needed.
        </>
      ),
      action: `Delete ${countOf(goes.length, 'instance')}`,
      kind: 'danger',
      needsReason: true,
      commandLine,
      run: (reason) => onExecute(plan, reason),
    });
  return (
    <div class="body">
      <p class="plan-sum">
        <strong>
          {goes.length === 0 ? 'Nothing would go.' : `${countOf(goes.length, 'instance')} would go.`}
        </strong>{' '}
        {goes.length > 0 && `That frees ${bytes(frees)}. `}
        <span class="soft">
          {countOf(plan.kept, 'instance')} would stay. Made <Age at={at} /> ago.
        </span>
      </p>
      {plan.unseen && <p class="error">{plan.unseen.sentence}</p>}
      <Tallies deletedBy={plan.deletedBy} keptBy={plan.keptBy} />
      <PlanItems items={plan.items} />
      {goes.length > 0 && (
        <div class="execute">
          <CommandLine text={commandLine} />
          <Button kind="danger" onClick={ask}>
            Delete {countOf(goes.length, 'instance')}…
          </Button>
        </div>
      )}
    </div>
  );
}
