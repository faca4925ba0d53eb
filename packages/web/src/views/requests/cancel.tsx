import { send } from '../../api/call.ts';
import { mayChange } from '../../api/session.ts';
import type { RequestView } from '../../api/views.ts';
import { Button } from '../../parts/button.tsx';
import { confirm } from '../../parts/confirm.tsx';
import { toast } from '../../parts/toasts.tsx';
import { poolName } from '../../router/router.ts';
import { askedFor, standOf } from './stand.ts';

/** Takes a request back, once that was confirmed; nothing where it has ended. */
export function CancelButton({ request }: { readonly request: RequestView }) {
  const stand = standOf(request);
  if (stand === 'done' || stand === 'failed') return null;
  const may = mayChange(request.request?.by ?? null);
  return (
    <Button
      kind="danger"
      label={`Cancel request ${request.id}`}
      disabledBecause={may ? null : 'Only its submitter and operators may cancel it: log in'}
      onClick={() => ask(request, stand === 'waits')}
    >
      Cancel
    </Button>
  );
}

function ask(request: RequestView, waits: boolean): void {
  const pool = poolName.value;
  confirm({
    title: `Cancel ${askedFor(request)}?`,
    text: waits
      ? 'It leaves the line and is rejected. Nothing was made for it yet.'
      : `What has come up of it (${request.spawned} of ${request.of}) is undone: its instances are deleted.`,
    action: 'Cancel the request',
    dismiss: 'Keep it',
    kind: 'danger',
    commandLine: `spica cancel ${request.id}${pool === null ? '' : ` --pool ${pool}`}`,
    run: async () => {
      const path = `/v1/requests/${encodeURIComponent(request.id)}`;
      const { outcome } = await send<{ outcome: 'cancelled' | 'completed' }>('DELETE', path, {
        query: { pool },
      });
      toast(
        'good',
        outcome === 'cancelled'
          ? `${request.id} is cancelled`
          : `${request.id} had already ended: nothing was changed`,
      );
    },
  });
}
