import type { ComponentChildren } from 'preact';
import { Time } from './time.tsx';

const PARTS = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|`[^`]+`)/;

/** What the server says in words, with its times in the viewer's zone and its commands set as such. */
export function Sentence({ text }: { readonly text: string | null | undefined }) {
  return <>{(text ?? '').split(PARTS).map(shown)}</>;
}

/** Of what is split at PARTS every second piece is a time or a command. */
function shown(piece: string, index: number): ComponentChildren {
  if (index % 2 === 0) return piece;
  return piece.startsWith('`') ? (
    <code key={index}>{piece.slice(1, -1)}</code>
  ) : (
    <Time key={index} at={piece} />
  );
}
