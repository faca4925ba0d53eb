import type { Level } from '../api/views.ts';

const SHAPES: Readonly<Record<Level, string>> = {
  safe: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z',
  watch: 'M12 1.5 22.5 12 12 22.5 1.5 12z',
  short: 'M12 2 23 21.5H1z',
  critical: 'M7.5 1.5h9l6 6v9l-6 6h-9l-6-6v-9z',
  unknown: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 4a6 6 0 1 1 0 12 6 6 0 0 1 0-12z',
};

/** A level's shape, so that it is not told by its colour alone: circle, diamond, triangle, octagon, ring. */
export function Shape({ level, label }: { readonly level: Level; readonly label: string }) {
  return (
    <svg class={`shape ${level}`} viewBox="0 0 24 24" role="img" aria-label={label}>
      <title>{label}</title>
      <path fill-rule="evenodd" d={SHAPES[level]} />
    </svg>
  );
}
