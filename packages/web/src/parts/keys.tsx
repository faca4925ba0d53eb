import { useEffect, useState } from 'preact/hooks';
import { Dialog } from './dialog.tsx';

const KEYS: readonly (readonly [title: string, keys: readonly (readonly [key: string, does: string])[]])[] = [
  [
    'Everywhere',
    [
      ['/', 'search, where there is a field for it'],
      ['?', 'these keys'],
      ['Tab', 'on to the next thing'],
      ['Esc', 'close what is open'],
    ],
  ],
  [
    'In the list of instances',
    [
      ['↓ j', 'next row'],
      ['↑ k', 'row before'],
      ['Page Up, Page Down', 'a screen'],
      ['Home, End', 'first, last row'],
      ['Enter', 'open'],
      ['Space', 'choose, or no longer'],
      ['Shift + ↓ ↑', 'choose on the way'],
      ['Shift + Space', 'choose all from the last one'],
      ['a', 'choose all that match'],
      ['Esc', 'choose none'],
    ],
  ],
];

/** The page's own keys: `/` goes to the search of a view that has one, `?` shows them all. None while somebody types. */
export function Keys() {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as Element;
      if (target.closest('input:not([type="checkbox"]), textarea, select, dialog')) return;
      if (event.key === '?') setShown(true);
      else if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('[data-search]');
        if (search === null) return;
        search.focus();
        search.select();
      } else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
  if (!isShown) return null;
  return (
    <Dialog title="Keys" onClose={() => setShown(false)}>
      {KEYS.map(([title, keys]) => (
        <section key={title}>
          <h3>{title}</h3>
          <dl class="keys">
            {keys.map(([key, does]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <p class="actions">
        <button type="button" class="button primary" onClick={() => setShown(false)}>
          Close
        </button>
      </p>
    </Dialog>
  );
}
