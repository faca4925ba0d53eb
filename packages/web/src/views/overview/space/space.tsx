import { useMemo } from 'preact/hooks';
import { get } from '../../../api/call.ts';
import { useCalm } from '../../../api/use-calm.ts';
import { useLoad } from '../../../api/use-load.ts';
import type { SpaceNode } from '../../../api/views.ts';
import { Choice } from '../../../parts/filters.tsx';
import { Panel, WhenLoaded } from '../../../parts/panel.tsx';
import { query, setQuery } from '../../../router/router.ts';
import { SpaceList } from './space-list.tsx';
import { nodeAt } from './tiles.ts';
import { Treemap } from './treemap.tsx';

const MEASURES = [
  ['own', 'Own size'],
  ['expected', 'Expected'],
] as const;
const FORMS = [
  ['map', 'Map'],
  ['list', 'List'],
] as const;
/** It changes little, and a map that moves under the cursor is hard to read. */
const REFRESH_MS = 20_000;

/** What takes the space: experiments, their templates, their instances. */
export function Space({ pool, changed }: { readonly pool: string; readonly changed: number }) {
  const calm = useCalm(changed, REFRESH_MS);
  const path = `/v1/pools/${encodeURIComponent(pool)}/space`;
  const loaded = useLoad((signal) => get<SpaceNode>(path, { signal }), path, [calm]);
  return (
    <Panel
      title="What takes the space"
      aside={
        <div class="choices">
          <Choice name="size" label="What a tile's size stands for" values={MEASURES} preset="own" />
          <Choice name="as" label="Shown as" values={FORMS} preset="map" />
        </div>
      }
    >
      <WhenLoaded loaded={loaded}>{(root) => <Shown root={root} />}</WhenLoaded>
    </Panel>
  );
}

function Shown({ root }: { readonly root: SpaceNode }) {
  const inside = query.value.get('in') ?? '';
  const { node, path } = useMemo(() => {
    const names = inside === '' ? [] : inside.split('/').map(decodeURIComponent);
    return nodeAt(root, names);
  }, [root, inside]);
  if (root.instances === 0) {
    return (
      <p class="empty">
        No instances yet. <code>spica spawn</code> makes one.
      </p>
    );
  }
  const measure = query.value.get('size') === 'expected' ? 'expected' : 'own';
  return (
    <div class="space">
      {path.length > 0 && <Crumbs path={path} />}
      {query.value.get('as') === 'list' ? (
        <SpaceList node={node} path={path} />
      ) : (
        <Treemap node={node} path={path} measure={measure} />
      )}
    </div>
  );
}

/** Where one is, and the way back up. */
function Crumbs({ path }: { readonly path: readonly string[] }) {
  return (
    <p class="crumbs">
      <button type="button" class="button quiet" onClick={() => setQuery({ in: null })}>
        all
      </button>
      {path.map((name, index) => (
        <span key={path.slice(0, index + 1).join('/')}>
          {' / '}
          <button
            type="button"
            class="button quiet"
            aria-current={index === path.length - 1 ? 'location' : undefined}
            onClick={() =>
              setQuery({
                in: path
                  .slice(0, index + 1)
                  .map(encodeURIComponent)
                  .join('/'),
              })
            }
          >
            {name === '' ? 'without' : name}
          </button>
        </span>
      ))}
    </p>
  );
}
