import { computed, signal } from '@preact/signals';
import { session } from '../api/session.ts';
import { changeQuery, type QueryChanges } from './url.ts';

/** Where the page is: all that is chosen stands in its URL, so that it can be sent, kept and gone back to. */
const url = signal(new URL(location.href));
export const path = computed(() => url.value.pathname);
export const query = computed(() => url.value.searchParams);

/** The pool that the page is about: the one that the URL names, else the first; null where there is none. */
export const poolName = computed(() => {
  const pools = session.value?.pools ?? [];
  const named = query.value.get('pool');
  return named !== null && pools.includes(named) ? named : (pools[0] ?? null);
});

window.addEventListener('popstate', () => {
  url.value = new URL(location.href);
});

/** Goes to another page of ours. */
export function navigate(href: string): void {
  history.pushState(null, '', href);
  url.value = new URL(location.href);
  window.scrollTo(0, 0);
  document.querySelector('main')?.focus({ preventScroll: true });
}

/**
 * Changes the query of where the page is. What a person chooses is a step to go back to; what they are still typing or
 * moving is not (`replace`).
 */
export function setQuery(changes: QueryChanges, { replace = false } = {}): void {
  const next = new URL(url.value);
  next.search = changeQuery(next.searchParams, changes).toString();
  if (next.href === url.value.href) return;
  if (replace) history.replaceState(null, '', next);
  else history.pushState(null, '', next);
  url.value = next;
}

/** The address of a page of ours about the pool that is shown, with a query. */
export function hrefTo(to: string, changes: QueryChanges = {}): string {
  const pool = query.value.get('pool');
  const text = changeQuery(new URLSearchParams(), {
    ...(pool === null ? {} : { pool }),
    ...changes,
  }).toString();
  return text === '' ? to : `${to}?${text}`;
}

/** Takes clicks on links to pages of ours, but for those that ask for a new tab or window. */
export function followLinks(isOurs: (path: string) => boolean): void {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest?.('a');
    if (link?.target !== '' || link.origin !== location.origin || link.hasAttribute('download')) return;
    if (!isOurs(link.pathname) || (link.hash !== '' && link.pathname === location.pathname)) return;
    event.preventDefault();
    navigate(link.href);
  });
}
