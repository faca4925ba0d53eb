import { useEffect, useRef, useState } from 'preact/hooks';
import { useDebounced } from '../api/use-debounced.ts';
import { query, setQuery } from '../router/router.ts';

const TYPING_MS = 250;
const same = (text: string) => text;

/** A field whose text is put into the URL under `name`, once nobody types any more. */
export function UrlText({
  name,
  label,
  placeholder,
  type = 'text',
  resets = [],
  toUrl = same,
  fromUrl = same,
}: {
  readonly name: string;
  readonly label: string;
  readonly placeholder?: string;
  /** `/` goes to the field for a search. */
  readonly type?: 'text' | 'search' | 'datetime-local';
  /** What else is taken out of the URL with a change. */
  readonly resets?: readonly string[];
  /** What stands in the URL for a text, and back; empty for none. */
  readonly toUrl?: (text: string) => string;
  readonly fromUrl?: (text: string) => string;
}) {
  const inUrl = query.value.get(name) ?? '';
  const [text, setText] = useState(fromUrl(inUrl));
  const settled = useDebounced(text, TYPING_MS);
  const written = useRef(inUrl);
  useEffect(() => {
    if (settled.trim() === fromUrl(inUrl)) return;
    written.current = toUrl(settled.trim());
    setQuery(
      { ...Object.fromEntries(resets.map((each) => [each, null])), [name]: written.current },
      { replace: true },
    );
  }, [settled]);
  useEffect(() => {
    if (inUrl !== written.current) setText(fromUrl(inUrl)); // gone back, or cleared
    written.current = inUrl;
  }, [inUrl]);
  const shape = { type } as { type: 'text' };
  return (
    <input
      {...shape}
      class={inUrl === '' ? '' : 'in-force'}
      aria-label={label}
      title={label}
      placeholder={placeholder}
      autocomplete="off"
      spellcheck={false}
      data-search={type === 'search' ? '' : undefined}
      value={text}
      onInput={({ currentTarget }) => setText(currentTarget.value)}
    />
  );
}
