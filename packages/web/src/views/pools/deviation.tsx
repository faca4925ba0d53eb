import { percent, UNKNOWN } from '../../parts/format.ts';

/** By what share actual sizes differ from those that were predicted: a bar to the right is more than was thought. */
export function Deviation({
  predicted,
  actual,
}: {
  readonly predicted: number | null;
  readonly actual: number | null;
}) {
  if (!predicted || actual === null) return <span class="soft">{UNKNOWN}</span>;
  const share = actual / predicted - 1;
  const width = Math.min(1, Math.abs(share)) * 50;
  const text = `${share >= 0 ? '+' : '−'}${percent(Math.abs(share))}`;
  return (
    <span class="deviation">
      <span class="num">{text}</span>
      <span class="bar" aria-hidden="true">
        <span
          class={share > 0.1 ? 'over' : ''}
          style={{ left: `${share >= 0 ? 50 : 50 - width}%`, width: `${width}%` }}
        />
      </span>
    </span>
  );
}
