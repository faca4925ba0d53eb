import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';
import type { SpaceNode } from '../../../api/views.ts';

/** What the size of a tile stands for. */
export type Measure = 'own' | 'expected';

/** A node where it lies, in pixels. */
export interface Tile {
  readonly node: SpaceNode;
  /** Names from the root's child down to it: what the URL says. */
  readonly path: readonly string[];
  /** 1 for what lies directly in what is shown. */
  readonly depth: number;
  readonly isLeaf: boolean;
  /** Which of the children of what is shown it belongs to, for its colour. */
  readonly group: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Area {
  readonly width: number;
  readonly height: number;
  /** Room for the heading of what has children. */
  readonly heading: number;
}

/** The node at a path of names below a root; the root itself where there is none. With the path as far as it goes. */
export function nodeAt(
  root: SpaceNode,
  names: readonly string[],
): { node: SpaceNode; path: readonly string[] } {
  let node = root;
  const path: string[] = [];
  for (const name of names) {
    const child = node.children?.find((each) => each.name === name && each.kind !== 'rest');
    if (!child?.children) break;
    node = child;
    path.push(name);
  }
  return { node, path };
}

/** Lays out what is below a node, the largest first; of nodes without bytes there is nothing to see. */
export function layTiles(
  shown: SpaceNode,
  names: readonly string[],
  measure: Measure,
  area: Area,
): readonly Tile[] {
  const bytesOf = (node: SpaceNode) =>
    measure === 'own' ? node.ownBytes : Math.max(node.ownBytes, node.expectedBytes);
  const root = hierarchy(shown, ({ children }) => children as SpaceNode[] | undefined)
    // Parents' own figures are those of their children: adding them would count twice.
    .sum((node) => (node.children?.length ? 0 : bytesOf(node)))
    .sort((a, b) => (b.value ?? 0) - (a.value ?? 0));
  const laid = treemap<SpaceNode>()
    .tile(treemapSquarify)
    .size([area.width, area.height])
    .paddingInner(2)
    .paddingTop(({ depth, children }) => (depth > 0 && children ? area.heading : 0))
    .round(true)(root);
  return laid.descendants().flatMap((each) => {
    const line = each.ancestors().reverse().slice(1);
    const [first] = line;
    const width = each.x1 - each.x0;
    const height = each.y1 - each.y0;
    if (!first || width < 1 || height < 1) return [];
    return [
      {
        node: each.data,
        path: [...names, ...line.map(({ data }) => data.name)],
        depth: each.depth,
        isLeaf: !each.children,
        group: root.children?.indexOf(first) ?? 0,
        left: each.x0,
        top: each.y0,
        width,
        height,
      },
    ];
  });
}

export type Direction = 'left' | 'right' | 'up' | 'down';

/** Which tile the arrow key leads to: the nearest one whose middle lies that way; null at the edge. */
export function nextTile(tiles: readonly Tile[], from: Tile, direction: Direction): Tile | null {
  const [x, y] = middleOf(from);
  const isAcross = direction === 'left' || direction === 'right';
  const sign = direction === 'left' || direction === 'up' ? -1 : 1;
  let best: { tile: Tile; far: number } | null = null;
  for (const tile of tiles) {
    const [otherX, otherY] = middleOf(tile);
    const along = sign * (isAcross ? otherX - x : otherY - y);
    const aside = Math.abs(isAcross ? otherY - y : otherX - x);
    if (tile === from || along <= 0) continue;
    const far = along + 2 * aside;
    if (best === null || far < best.far) best = { tile, far };
  }
  return best?.tile ?? null;
}

function middleOf({ left, top, width, height }: Tile): readonly [number, number] {
  return [left + width / 2, top + height / 2];
}
