import type { AuditRecord } from '@spica/client';
import { useState } from 'preact/hooks';
import { ApiError, get } from '../../api/call.ts';
import { mayChange } from '../../api/session.ts';
import { useCalm } from '../../api/use-calm.ts';
import { useLoad } from '../../api/use-load.ts';
import type { InstanceView, Page, RequestView } from '../../api/views.ts';
import { live } from '../../live/current.ts';
import { CommandLine } from '../../parts/command-line.tsx';
import { Facts } from '../../parts/facts.tsx';
import { bytes, count, duration } from '../../parts/format.ts';
import { Panel, WhenLoaded } from '../../parts/panel.tsx';
import { Sentence } from '../../parts/sentence.tsx';
import { spica } from '../../parts/shell.ts';
import { Age, Time } from '../../parts/time.tsx';
import { jobHref } from '../../router/job-href.ts';
import { hrefTo, poolName } from '../../router/router.ts';
import { Entries } from '../audit/entries.tsx';
import { Actions } from './actions/actions.tsx';
import type { Verb } from './actions/verbs.ts';
import { RuleWord, scoreText } from './columns.tsx';
import { SizeChart } from './size-chart.tsx';

/** What there is to show under an instance's id: the instance, or how it went. */
type Found =
  | { readonly instance: InstanceView; readonly end: null; readonly message: '' }
  | { readonly instance: null; readonly end: AuditRecord | null; readonly message: string };

/** One instance: what keeps it and until when, what it takes, where it comes from, and what was done with it. */
export function InstancePage({ id }: { readonly id: string }) {
  const pool = poolName.value;
  const changes = useCalm(live.value?.instances.value ?? 0);
  const [actions, setActions] = useState(0);
  const onDone = () => setActions((count) => count + 1);
  const loaded = useLoad((signal) => find(id, pool, signal), `${pool} ${id}`, [changes, actions]);
  return (
    <>
      <WhenLoaded loaded={loaded}>
        {(found) =>
          found.instance ? (
            <Shown instance={found.instance} onDone={onDone} />
          ) : (
            <Gone id={id} end={found.end} message={found.message} onDone={onDone} />
          )
        }
      </WhenLoaded>
      <History id={id} />
    </>
  );
}

async function find(id: string, pool: string | null, signal: AbortSignal): Promise<Found> {
  try {
    const path = `/v1/instances/${encodeURIComponent(id)}`;
    const instance = await get<InstanceView>(path, { query: { pool }, signal });
    return { instance, end: null, message: '' };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 410) throw error;
    return { instance: null, end: (error.details.audit as AuditRecord) ?? null, message: error.message };
  }
}

const VERBS: readonly Verb[] = ['pin', 'unpin', 'release', 'verify', 'collect', 'sample', 'grow', 'prune'];

/** What can be done with it as it is. */
function verbsOf({ pin, lease, capBytes }: InstanceView): Verb[] {
  return VERBS.filter((verb) => {
    if (verb === 'pin') return pin === null;
    if (verb === 'unpin') return pin !== null;
    if (verb === 'release') return lease?.inForce === true;
    return verb !== 'grow' || capBytes !== null;
  });
}

function Shown({ instance, onDone }: { readonly instance: InstanceView; readonly onDone: () => void }) {
  const { id, experiment, template, rule, keptBy, goesAt, lease, pin, unsaved, state } = instance;
  return (
    <>
      <div class="title">
        <h1>
          <span class="id">{id}</span> <span class="soft">{experiment ?? template}</span>
        </h1>
        <div class="choices">
          <Actions
            target={{ ids: [id] }}
            verbs={verbsOf(instance)}
            isOwn={mayChange(instance.by)}
            onDone={onDone}
          />
        </div>
      </div>
      <Panel title="What keeps it">
        <div class="body">
          <p class="rule-line">
            <RuleWord row={instance} />
            {rule && (
              <>
                : <Sentence text={rule.sentence} />
              </>
            )}
          </p>
          <Facts
            facts={[
              ['Rule', rule && <code>{rule.rule}</code>],
              ['Kept by', rule === null ? keptBy : null],
              ['Goes', goesAt && <Time at={goesAt} />],
              ['Lease', lease && <LeaseText lease={lease} />],
              ['Pin', pin && <PinText pin={pin} />],
              ['Unsaved work', unsaved],
              ['State', state === 'ready' ? null : state],
              ['Life of its own', instance.ttlMs !== null ? duration(instance.ttlMs) : null],
              ['Score', instance.score !== null ? scoreText(instance.score) : null],
            ]}
          />
        </div>
      </Panel>
      <Size instance={instance} />
      <Origin instance={instance} />
    </>
  );
}

function LeaseText({ lease }: { readonly lease: NonNullable<InstanceView['lease']> }) {
  return (
    <>
      {lease.owner}, {lease.inForce ? 'until' : 'ended'} <Time at={lease.expiresAt} />
    </>
  );
}

function PinText({ pin }: { readonly pin: NonNullable<InstanceView['pin']> }) {
  return (
    <>
      {pin.by}, <Time at={pin.at} />: {pin.why}
    </>
  );
}

function Size({ instance }: { readonly instance: InstanceView }) {
  const { sample, ownBytes, capBytes, sizes, expected, predicted, cloned, cloneMethod } = instance;
  return (
    <Panel title="Size">
      <div class="body">
        <SizeChart sizes={sizes} capBytes={capBytes} />
        <Facts
          facts={[
            ['Its own: what its deletion frees', bytes(ownBytes)],
            ['Cap', capBytes === null ? 'none' : bytes(capBytes)],
            ['Expected to become', expected && bytes(expected.bytes)],
            ['Predicted at its spawn', predicted && bytes(predicted.bytes)],
            ['Cloned', cloned && `${bytes(cloned.bytes)}${cloneMethod ? ` by ${cloneMethod}` : ''}`],
            ['With what it shares', sample && bytes(sample.allocatedBytes)],
            ['Files and directories', sample?.inodes ? count(sample.inodes) : null],
            ['Measured', sample?.at ? <Ago at={sample.at} /> : null],
            ['Last change', sample && <Time at={sample.changedAt} />],
            ['If it outgrows max_instance_gb', instance.oversize],
          ]}
        />
        {sample?.incomplete && <p class="soft">Not all of it could be read: it may be larger.</p>}
      </div>
    </Panel>
  );
}

function Ago({ at }: { readonly at: string }) {
  return (
    <>
      <Age at={at} /> ago
    </>
  );
}

function Origin({ instance }: { readonly instance: InstanceView }) {
  const { pool, path, request, index, by, template, templateVersion, parent, labels, collected } = instance;
  const job = useSpawnJob(instance);
  const pairs = Object.entries(labels);
  return (
    <Panel title="Where it comes from">
      <div class="body">
        <Facts
          facts={[
            ['Directory', path && <code>{path}</code>],
            ['Request', request && <RequestLink id={request} index={index} />],
            ['Spawn job', job && <a href={jobHref(pool, 'spawn', job)}>In the queues</a>],
            ['Submitted by', by],
            ['Experiment', instance.experiment],
            ['Template', `${template} ${templateVersion}`],
            ['Parent', parent && <InstanceLink id={parent} />],
            ['Generation', instance.generation],
            ['Spawned', <Time at={instance.spawnedAt} />],
            ['In flight for', instance.inFlightFor && <RequestLink id={instance.inFlightFor} index={null} />],
            ['Artifacts to make', instance.replicas > 0 ? count(instance.replicas) : null],
            ['Labels', pairs.length === 0 ? null : pairs.map((pair) => pair.join('=')).join(', ')],
            ['Collects', instance.collect.length === 0 ? null : instance.collect.join(' ')],
            ['Collected', collected && <CollectedText collected={collected} />],
            ['Not collected', instance.collectFailure?.cause],
          ]}
        />
        <CommandLine text={spica(pool, 'show', instance.id)} />
      </div>
    </Panel>
  );
}

function CollectedText({ collected }: { readonly collected: NonNullable<InstanceView['collected']> }) {
  return (
    <>
      <Time at={collected.at} />: {count(collected.files)} files, {bytes(collected.bytes)}
      {collected.to && (
        <>
          {' '}
          to <code>{collected.to}</code>
        </>
      )}
    </>
  );
}

function RequestLink({ id, index }: { readonly id: string; readonly index: number | null }) {
  return (
    <>
      <a class="id" href={hrefTo(`/requests/${id}`)}>
        {id}
      </a>
      {index !== null && `, instance ${index + 1} of it`}
    </>
  );
}

function InstanceLink({ id }: { readonly id: string }) {
  return (
    <a class="id" href={hrefTo(`/instances/${id}`)}>
      {id}
    </a>
  );
}

/** The job that spawned it, as long as its request and its jobs are kept; null where they are not. */
function useSpawnJob({ pool, request, index }: InstanceView): string | null {
  const loaded = useLoad<string | null>(
    async (signal) => {
      if (request === null) return null;
      const path = `/v1/requests/${encodeURIComponent(request)}`;
      const { children } = await get<RequestView>(path, { query: { pool }, signal });
      return (
        children.find(({ id, queue }) => queue === 'spawn' && id.endsWith(`-spawn-${index}`))?.id ?? null
      );
    },
    `${pool} ${request} ${index}`,
    [],
  );
  return loaded.data;
}

/** Where it is not there: why it went, and the way back, if there is one. */
function Gone({
  id,
  end,
  message,
  onDone,
}: {
  readonly id: string;
  readonly end: AuditRecord | null;
  readonly message: string;
  readonly onDone: () => void;
}) {
  return (
    <>
      <div class="title">
        <h1>
          <span class="id">{id}</span> <span class="soft">is not there</span>
        </h1>
        <Actions target={{ ids: [id] }} verbs={['restore']} isOwn onDone={onDone} />
      </div>
      <Panel title="How it went">
        <div class="body">
          <p class="sentence-case">
            <Sentence text={end?.reason ?? message} />
          </p>
          {end && (
            <Facts
              facts={[
                ['When', <Time at={end.timestamp} />],
                ['It freed', bytes(end.bytes)],
                ['What was done', <code>{end.action}</code>],
                ['Outcome', end.outcome],
              ]}
            />
          )}
          <p class="soft">
            What was deleted stays in the trash until its time is over or the room is needed.
          </p>
        </div>
      </Panel>
    </>
  );
}

const MOST_ENTRIES = 20;

/** What the audit log says of it. */
function History({ id }: { readonly id: string }) {
  const pool = poolName.value;
  const changes = useCalm(live.value?.audit.value?.seq ?? 0);
  const loaded = useLoad(
    (signal) =>
      get<Page<AuditRecord>>('/v1/audit', { query: { pool, instance: id, limit: MOST_ENTRIES }, signal }),
    `${pool} ${id}`,
    [changes],
  );
  return (
    <Panel title="In the audit log" aside={<a href={hrefTo('/audit', { instance: id })}>All of it</a>}>
      <WhenLoaded loaded={loaded}>
        {({ items }) => (
          <Entries
            entries={items.toReversed()}
            empty="Nothing was decided about it yet."
            withInstance={false}
          />
        )}
      </WhenLoaded>
    </Panel>
  );
}
