import type { RequestView } from '../../api/views.ts';
import { type Stand, standOf } from './stand.ts';

const STEPS = ['Submitted', 'Gate', 'Making room', 'Spawning', 'Ready'] as const;

/** The way of a request, with where it is now. */
export function Steps({ request }: { readonly request: RequestView }) {
  const stand = standOf(request);
  const at = stepOf(request);
  return (
    <ol class="steps" aria-label="Its way">
      {STEPS.map((step, index) => (
        <li
          key={step}
          class={index < at ? 'past' : index === at ? `now ${stand}` : ''}
          aria-current={index === at ? 'step' : undefined}
        >
          {labelOf(step, index === at, stand)}
        </li>
      ))}
    </ol>
  );
}

function labelOf(step: (typeof STEPS)[number], isNow: boolean, stand: Stand): string {
  if (isNow && stand === 'failed') return 'Failed';
  return isNow && step === 'Gate' ? 'Held at the gate' : step;
}

function stepOf({ progress, failure, endedAt, state }: RequestView): number {
  if (state === 'completed' || (endedAt !== null && failure === null)) return 4;
  if (failure !== null || state === 'failed') return progress?.phase === 'rejected' ? 1 : 3;
  switch (progress?.phase) {
    case undefined:
      return 0;
    case 'held':
      return 1;
    case 'preparing':
    case 'reclaiming':
      return 2;
    default:
      return 3;
  }
}
