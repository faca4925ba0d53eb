import type { PruneResult } from '@spica/client';
import { bytes, countOf } from '../../parts/format.ts';
import { Sentence } from '../../parts/sentence.tsx';
import { Table } from '../../parts/table.tsx';
import { hrefTo } from '../../router/router.ts';
import { Actions } from '../instances/actions/actions.tsx';

/** What a plan did: what it deleted, what it left alone, and the way back. */
export function PruneOutcome({
  result,
  onDone,
}: {
  readonly result: PruneResult;
  readonly onDone: () => void;
}) {
  const { pruned, skipped, failed, trashedBytes, reclaimedBytes } = result;
  const left = [
    ...skipped.map((each) => ({ ...each, what: 'left alone' })),
    ...failed.map((each) => ({ ...each, what: 'failed' })),
  ];
  return (
    <div class="body">
      <p role="status">
        <strong>{countOf(pruned.length, 'instance')} deleted.</strong>{' '}
        {reclaimedBytes > 0 && `${bytes(reclaimedBytes)} are free again. `}
        {trashedBytes > 0 && `${bytes(trashedBytes)} wait in the trash.`}
      </p>
      {left.length > 0 && (
        <Table
          caption="Left alone"
          columns={[
            {
              title: 'Instance',
              render: ({ id }) => (
                <a class="id" href={hrefTo(`/instances/${id}`)}>
                  {id}
                </a>
              ),
            },
            { title: 'What', render: ({ what }) => what },
            { title: 'Why', isWide: true, render: ({ reason }) => <Sentence text={reason} /> },
          ]}
          rows={left}
          keyOf={({ id }) => id}
          isOfCards
          empty=""
        />
      )}
      <div class="choices">
        {pruned.length > 0 && (
          <Actions target={{ ids: pruned.map(({ id }) => id) }} verbs={['restore']} isOwn onDone={onDone} />
        )}
        <a href={hrefTo('/audit', { action: 'delete_instance' })}>In the audit log</a>
      </div>
    </div>
  );
}
