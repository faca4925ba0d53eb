import { signal } from '@preact/signals';

interface Toast {
  readonly id: number;
  readonly kind: 'good' | 'bad';
  readonly text: string;
}

const GOOD_MS = 6_000;
const MOST = 4;
const toasts = signal<readonly Toast[]>([]);
let last = 0;

/** Tells what came of something. What went well goes by itself; what went wrong stays until it is closed. */
export function toast(kind: Toast['kind'], text: string): void {
  last += 1;
  const id = last;
  toasts.value = [...toasts.value.slice(1 - MOST), { id, kind, text }];
  if (kind === 'good') setTimeout(() => close(id), GOOD_MS);
}

function close(id: number): void {
  toasts.value = toasts.value.filter((each) => each.id !== id);
}

/** Where they are shown; once on the page. Screen readers say them as they come. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, kind, text }) => (
        <div key={id} class={`toast ${kind}`}>
          <span aria-hidden="true">{kind === 'good' ? '✓' : '✕'}</span>
          <p>{text}</p>
          <button type="button" class="button quiet" aria-label="Close" onClick={() => close(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
