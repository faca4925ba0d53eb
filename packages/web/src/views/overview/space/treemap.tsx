import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { SpaceNode } from '../../../api/views.ts';
import { bytes } from '../../../parts/format.ts';
import { hrefTo, navigate, setQuery } from '../../../router/router.ts';
import { describe, nameOf } from './describe.ts';
import { type Direction, layTiles, type Measure, nextTile, type Tile } from './tiles.ts';

const HEIGHT = 300;
const HEADING = 20;
/** Smaller tiles are too small for words. */
const LEAST_WORDS = { width: 56, height: 20 };
const TWO_LINES = 40;
const COLOURS = 8;

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
};

/**
 * What lies below a node, each as large as its bytes. One stop of the Tab key; arrows go to the tile beside, Enter opens it:
 * an instance's page, or what lies in it.
 */
export function Treemap({
  node,
  path,
  measure,
}: {
  readonly node: SpaceNode;
  readonly path: readonly string[];
  readonly measure: Measure;
}) {
  const [width, setWidth] = useState(0);
  const [reached, setReached] = useState<string | null>(null);
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!ref.current) return;
    const size = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    size.observe(ref.current);
    return () => size.disconnect();
  }, []);
  const tiles = useMemo(
    () => layTiles(node, path, measure, { width, height: HEIGHT, heading: HEADING }),
    [node, path, measure, width],
  );
  const current = tiles.find((tile) => keyOf(tile) === reached) ?? tiles[0];
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = DIRECTIONS[event.key];
    const next = direction && current && nextTile(tiles, current, direction);
    if (!next) return;
    event.preventDefault();
    setReached(keyOf(next));
    ref.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(keyOf(next))}"]`)?.focus();
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a group of tiles is no fieldset */}
      <div ref={ref} class="treemap" role="group" aria-label="What takes the space" onKeyDown={onKeyDown}>
        {tiles.map((tile) => (
          <TileButton
            key={keyOf(tile)}
            tile={tile}
            isReached={tile === current}
            onReach={() => setReached(keyOf(tile))}
          />
        ))}
      </div>
      <p class="soft num tile-text" aria-live="polite">
        {current ? describe(current.node) : ''}
      </p>
    </>
  );
}

function TileButton({
  tile,
  isReached,
  onReach,
}: {
  readonly tile: Tile;
  readonly isReached: boolean;
  readonly onReach: () => void;
}) {
  const { node, left, top, width, height, isLeaf, group } = tile;
  const hasWords = width >= LEAST_WORDS.width && height >= LEAST_WORDS.height;
  const share = Math.min(
    1,
    node.ownBytes / (node.capBytes ?? Math.max(node.expectedBytes, node.ownBytes, 1)),
  );
  return (
    <button
      type="button"
      data-key={keyOf(tile)}
      class={`tile t${group % COLOURS} ${isLeaf ? 'leaf' : 'group'}`}
      style={{ left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` }}
      tabIndex={isReached ? 0 : -1}
      onFocus={onReach}
      onMouseEnter={onReach}
      onClick={() => open(tile)}
    >
      {hasWords && (
        <span class="words">
          {isLeaf ? (
            <>
              <span class="num">{bytes(node.ownBytes)}</span>
              {height >= TWO_LINES && <span class="tile-name">{shortName(node)}</span>}
            </>
          ) : (
            <>
              {nameOf(node)} <span class="num">{bytes(node.ownBytes)}</span>
            </>
          )}
        </span>
      )}
      <span class="unseen">{describe(node)}</span>
      {isLeaf && height >= 8 && (
        <span class="share">
          <span style={{ width: `${share * 100}%` }} />
        </span>
      )}
    </button>
  );
}

function open({ node, path, isLeaf }: Tile): void {
  if (node.kind === 'instance' && node.id !== null) navigate(hrefTo(`/instances/${node.id}`));
  else if (!isLeaf) setQuery({ in: path.map(encodeURIComponent).join('/') });
}

function keyOf({ path }: Tile): string {
  return path.map(encodeURIComponent).join('/');
}

/** Of an id what tells it from others. */
function shortName(node: SpaceNode): string {
  return node.kind === 'instance' ? node.name.replace(/^spica-/, '') : nameOf(node);
}
