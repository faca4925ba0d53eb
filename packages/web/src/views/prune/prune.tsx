import { session } from '../../api/session.ts';
import { live } from '../../live/current.ts';
import { CommandLine } from '../../parts/command-line.tsx';
import { Panel } from '../../parts/panel.tsx';
import { spica } from '../../parts/shell.ts';
import { hrefTo, poolName } from '../../router/router.ts';
import { Plan } from './plan.tsx';
import { WhatIf } from './what-if.tsx';

/** The rules in a sentence, what they would delete now and why, and what they would under other limits. */
export function Prune() {
  const pool = poolName.value;
  const policy = live.value?.pool.value?.policy ?? null;
  const isOperator = session.value?.caller?.role === 'operator';
  return (
    <>
      <h1 class="unseen">Prune</h1>
      <Panel title="The policy" aside={<a href={hrefTo('/pools')}>All of it</a>}>
        <div class="body">
          <p class="policy sentence-case">
            {policy?.sentence ?? 'Not known: nobody has served the pool yet.'}
          </p>
          <p class="soft">
            What is leased, pinned, in use by a process or has unsaved work stays, whatever the policy says.{' '}
            <a href={hrefTo('/instances', { rule: 'goes' })}>The instances that would go now</a>
          </p>
        </div>
      </Panel>
      {isOperator ? (
        <>
          <Plan key={`plan ${pool}`} pool={pool} />
          <WhatIf key={`what if ${pool}`} pool={pool} policy={policy} />
        </>
      ) : (
        <Panel title="Plan">
          <div class="body">
            <p>Operators make plans and carry them out: log in as one, or on Spica's host:</p>
            <CommandLine text={spica(pool, 'prune', '--dry-run')} />
          </div>
        </Panel>
      )}
    </>
  );
}
