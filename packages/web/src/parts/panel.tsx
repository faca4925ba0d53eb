import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Loaded } from '../api/use-load.ts';

/** A part of a page, with its heading and what belongs beside it. */
export function Panel({
  title,
  aside,
  children,
}: {
  readonly title: ComponentChildren;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** What was loaded; until it is there that it is being loaded, and why it could not be. */
export function WhenLoaded<T>({
  loaded: { data, error },
  children,
}: {
  readonly loaded: Loaded<T>;
  readonly children: (data: T) => ComponentChildren;
}) {
  return (
    <>
      {error !== null && (
        <p class="error" role="alert">
          {data === null ? error : `Not up to date: ${error}`}
        </p>
      )}
      {data === null ? error === null && <p class="loading">Loading…</p> : children(data)}
    </>
  );
}
