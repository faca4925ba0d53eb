import { useEffect, useState } from 'preact/hooks';
import { messageOf } from './api/call.ts';
import { session } from './api/session.ts';
import type { Level } from './api/views.ts';
import { Header } from './layout/header.tsx';
import { LogIn } from './layout/log-in.tsx';
import { live } from './live/current.ts';
import { ConfirmDialog } from './parts/confirm.tsx';
import { Keys } from './parts/keys.tsx';
import { Toasts } from './parts/toasts.tsx';
import { path } from './router/router.ts';
import { matchPath } from './router/url.ts';
import { VIEWS, type View } from './views/index.ts';

/** Whether a path is one of the page's own: what is not (`/queues`, `/docs`) the browser goes to by itself. */
export function isOurs(to: string): boolean {
  return VIEWS.some((view) => matchPath(view.path, to) !== null);
}

/** The whole page: who is there is asked first. */
export function App({ start }: { readonly start: () => Promise<void> }) {
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    start().catch((failure: unknown) => setError(messageOf(failure)));
  }, []);
  if (error !== null && session.value === null) return <Away message={error} />;
  if (session.value === null) return <p class="loading alone">Loading…</p>;
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Header />
      <main id="content" tabIndex={-1}>
        {session.value.caller === null ? <LogIn /> : <Current />}
      </main>
      <ConfirmDialog />
      <Keys />
      <Toasts />
    </>
  );
}

function Away({ message }: { readonly message: string }) {
  return (
    <main class="alone">
      <h1>Spica does not answer</h1>
      <p>{message}. Is it running? On its host, `spica status` tells.</p>
      <button type="button" class="button primary" onClick={() => location.reload()}>
        Try again
      </button>
    </main>
  );
}

/** Beside the page's icon, how the pool stands: for who has it in a tab among others. */
const MARKS: Readonly<Partial<Record<Level, string>>> = { watch: '◆ ', short: '▲ ', critical: '⬣ ' };

function titleOf({ path: to, title }: View, id: string | undefined): string {
  const level = live.value?.pool.value?.verdict.level ?? 'unknown';
  return `${MARKS[level] ?? ''}${to === '/' ? '' : `${id ?? title} · `}Spica`;
}

/** The view that the path names. */
function Current() {
  for (const view of VIEWS) {
    const params = matchPath(view.path, path.value);
    if (params === null) continue;
    document.title = titleOf(view, params.id);
    return <view.component key={path.value} {...params} />;
  }
  return (
    <div class="alone">
      <h1>There is no such page</h1>
      <p>
        Nothing is at <code>{path.value}</code>. <a href="/">Go to the overview</a>.
      </p>
    </div>
  );
}
