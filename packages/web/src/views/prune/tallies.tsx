import { bytes } from '../../parts/format.ts';
import type { Tally } from './plan-view.ts';

/** Why instances go and why they stay, by rule: a bar for how many of all. */
export function Tallies({
  deletedBy,
  keptBy,
}: {
  readonly deletedBy: readonly Tally[];
  readonly keptBy: readonly Tally[];
}) {
  const most = Math.max(1, ...[...deletedBy, ...keptBy].map((each) => each.count));
  return (
    <ul class="tallies" aria-label="Why they go and why they stay">
      {deletedBy.map((each) => (
        <Bar key={`goes ${each.rule}`} tally={each} most={most} goes />
      ))}
      {keptBy.map((each) => (
        <Bar key={`stays ${each.rule}`} tally={each} most={most} goes={false} />
      ))}
    </ul>
  );
}

function Bar({
  tally,
  most,
  goes,
}: {
  readonly tally: Tally;
  readonly most: number;
  readonly goes: boolean;
}) {
  return (
    <li class={goes ? 'goes' : 'keeps'}>
      <span class="tally-mark" aria-hidden="true">
        {goes ? '✕' : '✓'}
      </span>
      <span class="tally-words" title={`rule: ${tally.rule}`}>
        {tally.sentence}
        <span class="tally-bar" style={{ width: `${(100 * tally.count) / most}%` }} />
      </span>
      <span class="figure">
        {goes ? 'frees ' : ''}
        {bytes(tally.bytes)}
      </span>
    </li>
  );
}
