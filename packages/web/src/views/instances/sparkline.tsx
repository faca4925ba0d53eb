import type { InstanceView } from '../../api/views.ts';
import { sparkPath } from './spark.ts';

const BOX = { width: 60, height: 16 };

/** How an instance's size went, as a line of the width of a word; what it says in figures stands beside it. */
export function Sparkline({ sizes }: Pick<InstanceView, 'sizes'>) {
  if (sizes.length < 2) return null;
  return (
    <svg class="spark" viewBox={`-1 -1 ${BOX.width + 2} ${BOX.height + 2}`} aria-hidden="true">
      <path d={sparkPath(sizes, BOX)} />
    </svg>
  );
}
