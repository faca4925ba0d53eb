import { get } from '../../api/call.ts';
import { useCalm } from '../../api/use-calm.ts';
import { useLoad } from '../../api/use-load.ts';
import type { RequestView } from '../../api/views.ts';
import { live } from '../../live/current.ts';
import { Facts } from '../../parts/facts.tsx';
import { duration } from '../../parts/format.ts';
import { Panel, WhenLoaded } from '../../parts/panel.tsx';
import { Progress } from '../../parts/progress.tsx';
import { Sentence } from '../../parts/sentence.tsx';
import { Table } from '../../parts/table.tsx';
import { Age, Time } from '../../parts/time.tsx';
import { jobHref } from '../../router/job-href.ts';
import { hrefTo, poolName } from '../../router/router.ts';
import { CancelButton } from './cancel.tsx';
import { askedFor, helpFor, reasonOf, sinceOf, standOf } from './stand.ts';
import { Steps } from './steps.tsx';

/** One request: where it stands and why, what was asked for, what came of it, and the jobs that work for it. */
export function RequestPage({ id }: { readonly id: string }) {
  const pool = poolName.value;
  const changes = useCalm(live.value?.requests.value ?? 0);
  const path = `/v1/requests/${encodeURIComponent(id)}`;
  const loaded = useLoad((signal) => get<RequestView>(path, { query: { pool }, signal }), `${pool} ${id}`, [
    changes,
  ]);
  return <WhenLoaded loaded={loaded}>{(request) => <Shown request={request} />}</WhenLoaded>;
}

function Shown({ request }: { readonly request: RequestView }) {
  const { id, instances, children, progress, position, spawned, of } = request;
  const stand = standOf(request);
  const help = helpFor(request);
  return (
    <>
      <div class="title">
        <h1>
          {askedFor(request)} <span class="id soft">{id}</span>
        </h1>
        <CancelButton request={request} />
      </div>
      <Panel title="Where it stands">
        <div class="body">
          <Steps request={request} />
          <p class={`sentence-case ${stand === 'failed' ? 'error' : ''}`}>
            <Sentence text={reasonOf(request)} />
          </p>
          {stand === 'waits' && help !== null && (
            <p class="sentence-case">
              <Sentence text={help} />
            </p>
          )}
          <Facts
            facts={[
              ['Place in the line', position],
              ['Waits since', stand === 'waits' ? <Since at={sinceOf(request)} /> : null],
              ['Will be rejected at', progress?.phase === 'held' ? <Time at={progress.until} /> : null],
              ['Come up', stand === 'under way' ? <Progress done={spawned} of={of} /> : null],
              ['Submitted', <Time at={request.submittedAt} />],
              ['Ended', request.endedAt && <Time at={request.endedAt} />],
              ['Failed with', request.failure && <code>{request.failure.code}</code>],
            ]}
          />
        </div>
      </Panel>
      <Asked request={request} />
      <Panel title="Instances">
        <Table
          caption="Its instances"
          columns={[
            {
              title: 'Instance',
              render: (row) => (
                <a href={hrefTo(`/instances/${row.id}`)} class="id">
                  {row.id}
                </a>
              ),
            },
            { title: 'Directory', isWide: true, render: (row) => <code>{row.path ?? 'hidden'}</code> },
          ]}
          rows={instances}
          keyOf={(row) => row.id}
          empty={stand === 'failed' ? 'None: a request spawns all of its instances or none.' : 'None yet.'}
        />
      </Panel>
      <Panel title="Jobs" aside={<a href={jobHref(request.pool, 'gate', id)}>In the queues</a>}>
        <Table
          caption="Jobs that work for it"
          columns={[
            {
              title: 'Job',
              render: (job) => (
                <a href={jobHref(request.pool, job.queue, job.id)} class="id">
                  {job.id}
                </a>
              ),
            },
            { title: 'Queue', render: (job) => job.queue },
            { title: 'State', render: (job) => job.state },
            { title: 'Failure', isWide: true, render: (job) => job.failure ?? '' },
          ]}
          rows={children}
          keyOf={(job) => `${job.queue} ${job.id}`}
          empty="None: the gate has not admitted it, or its jobs were cleared away."
        />
      </Panel>
    </>
  );
}

function Since({ at }: { readonly at: string | null }) {
  return (
    <>
      <Time at={at} />, <Age at={at} />
    </>
  );
}

/** What was asked for. Parameters and notes can hold secrets: the server leaves them out for who may not see them. */
function Asked({ request: { request } }: { readonly request: RequestView }) {
  if (request === null) return null;
  const labels = Object.entries(request.labels);
  return (
    <Panel title="What was asked for">
      <div class="body">
        <Facts
          facts={[
            ['By', request.by],
            ['Experiment', request.experiment],
            ['Template', request.template],
            ['Count', request.count],
            ['Parameters', <Params params={request.params} each={request.paramsEach} />],
            ['Notes', request.notes === undefined ? <Hidden /> : request.notes || null],
            [
              'Labels',
              labels.length === 0 ? null : labels.map(([name, value]) => `${name}=${value}`).join(', '),
            ],
            [
              'Parent',
              request.parent && (
                <a class="id" href={hrefTo(`/instances/${request.parent}`)}>
                  {request.parent}
                </a>
              ),
            ],
            [
              'Clones of',
              request.from && (
                <a class="id" href={hrefTo(`/instances/${request.from}`)}>
                  {request.from}
                </a>
              ),
            ],
            ['Lease', request.lease && `${duration(request.lease.ms)} for ${request.lease.owner}`],
            ['Life', request.ttlMs !== null ? duration(request.ttlMs) : null],
            ['Waits at most', request.maxWaitMs !== null ? duration(request.maxWaitMs) : null],
            ['Replicas', request.replicas && replicasText(request.replicas)],
          ]}
        />
      </div>
    </Panel>
  );
}

function Hidden() {
  return (
    <span class="soft" title="Only its submitter and operators see them: they can hold secrets">
      hidden
    </span>
  );
}

type Asked = NonNullable<RequestView['request']>;

function Params({ params, each }: { readonly params: Asked['params']; readonly each: Asked['paramsEach'] }) {
  if (params === undefined) return <Hidden />;
  const common = Object.entries(params);
  if (common.length === 0 && !each) return <>none</>;
  const text = (all: readonly (readonly [string, unknown])[]) =>
    all.map(([name, value]) => `${name}=${value}`).join(' ');
  return (
    <>
      {common.length > 0 && <code>{text(common)}</code>}
      {each && (
        <details>
          <summary>each instance its own</summary>
          <ol start={0}>
            {each.map((own, index) => (
              <li key={index}>
                <code>{text(Object.entries(own))}</code>
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  );
}

function replicasText({ epochs, slicesPerEpoch, replicasPerSlice }: NonNullable<Asked['replicas']>): string {
  return `${epochs} epochs × ${slicesPerEpoch} slices × ${replicasPerSlice} replicas`;
}
