/** An instance as far as it matters for what takes the space. In bytes. */
export interface SpaceItem {
  readonly id: string;
  readonly experiment: string | null;
  readonly template: string;
  readonly ownBytes: number;
  /** What it is expected to become. */
  readonly expectedBytes: number;
  /** Null where the kernel keeps no cap of it. */
  readonly capBytes: number | null;
}

/** A part of what takes a pool's space, with its own parts, the largest first. */
export interface SpaceNode {
  readonly kind: 'pool' | 'experiment' | 'template' | 'instance' | 'rest';
  readonly name: string;
  /** Of an instance, else null. */
  readonly id: string | null;
  readonly ownBytes: number;
  readonly expectedBytes: number;
  /** Null where there is none of an instance that it stands for. */
  readonly capBytes: number | null;
  /** How many instances it stands for. */
  readonly instances: number;
  readonly children?: readonly SpaceNode[];
}

/** The instances that belong to no experiment stand under this name. */
const NO_EXPERIMENT = '(none)';
/** Of an experiment so many templates stand for themselves. */
const MOST_TEMPLATES = 20;

/**
 * What takes a pool's space: experiments, their templates, and of these the `leaves` largest instances of the pool; what is
 * smaller is one rest of its template, its experiment, or the pool. So the tree has some `leaves` nodes, and a few for each
 * experiment that is shown, of which there are no more than a quarter as many. Ties go by name, so that the same instances
 * give the same tree.
 */
export function spaceTree(pool: string, items: readonly SpaceItem[], leaves: number): SpaceNode {
  const least = leastOfLargest(items, leaves);
  let left = leaves;
  // Of those that are as large as the least one, as many as there is room for.
  const isLeaf = new Set<SpaceItem>();
  for (const item of items) if (item.ownBytes > least) isLeaf.add(item);
  left -= isLeaf.size;
  for (const item of items) {
    if (left <= 0) break;
    if (item.ownBytes === least) {
      isLeaf.add(item);
      left -= 1;
    }
  }
  const experiments = [...groupBy(items, ({ experiment }) => experiment ?? NO_EXPERIMENT)].map(
    ([name, own]) => experimentNode(name, own, isLeaf),
  );
  const children = largest(experiments, Math.max(1, Math.floor(leaves / 4)), 'other experiments');
  return sumUp({ kind: 'pool', name: pool, id: null }, children);
}

function experimentNode(
  name: string,
  items: readonly SpaceItem[],
  isLeaf: ReadonlySet<SpaceItem>,
): SpaceNode {
  const templates = [...groupBy(items, ({ template }) => template)].map(([template, own]) =>
    templateNode(template, own, isLeaf),
  );
  return sumUp({ kind: 'experiment', name, id: null }, largest(templates, MOST_TEMPLATES, 'other templates'));
}

function templateNode(name: string, items: readonly SpaceItem[], isLeaf: ReadonlySet<SpaceItem>): SpaceNode {
  const shown = items.filter((item) => isLeaf.has(item)).map(toLeaf);
  const others = items.filter((item) => !isLeaf.has(item)).map(toLeaf);
  const children = [...shown.sort(byLargest), ...(others.length > 0 ? [rest('others', others)] : [])];
  return sumUp({ kind: 'template', name, id: null }, children);
}

function toLeaf({ id, ownBytes, expectedBytes, capBytes }: SpaceItem): SpaceNode {
  return { kind: 'instance', name: id, id, ownBytes, expectedBytes, capBytes, instances: 1 };
}

/** The largest of these, and the others as one. */
function largest(nodes: readonly SpaceNode[], most: number, name: string): SpaceNode[] {
  const sorted = nodes.toSorted(byLargest);
  const others = sorted.slice(most);
  return others.length === 0 ? sorted : [...sorted.slice(0, most), rest(name, others)];
}

function rest(name: string, nodes: readonly SpaceNode[]): SpaceNode {
  const { children: _, ...sums } = sumUp({ kind: 'rest', name, id: null }, nodes);
  return sums;
}

function sumUp(of: Pick<SpaceNode, 'kind' | 'name' | 'id'>, children: readonly SpaceNode[]): SpaceNode {
  let [ownBytes, expectedBytes, capBytes, instances] = [0, 0, 0, 0];
  let isCapped = children.length > 0;
  for (const child of children) {
    ownBytes += child.ownBytes;
    expectedBytes += child.expectedBytes;
    capBytes += child.capBytes ?? 0;
    instances += child.instances;
    isCapped &&= child.capBytes !== null;
  }
  return { ...of, ownBytes, expectedBytes, capBytes: isCapped ? capBytes : null, instances, children };
}

function byLargest(a: SpaceNode, b: SpaceNode): number {
  return b.ownBytes - a.ownBytes || (a.name < b.name ? -1 : Number(a.name > b.name));
}

/** The size of the smallest of the `most` largest: 0 where there are no more than that. */
function leastOfLargest(items: readonly SpaceItem[], most: number): number {
  const sizes = Float64Array.from(items, ({ ownBytes }) => ownBytes).sort();
  return sizes.at(-most) ?? 0;
}

function groupBy(
  items: readonly SpaceItem[],
  nameOf: (item: SpaceItem) => string,
): ReadonlyMap<string, readonly SpaceItem[]> {
  return Map.groupBy(items, nameOf);
}
