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
/** Of a pool so many experiments stand for themselves, at the least, and of an experiment so many templates at the most. */
const LEAST_EXPERIMENTS = 20;
const MOST_TEMPLATES = 20;

/** Instances added up. */
type Sums = Pick<SpaceNode, 'ownBytes' | 'expectedBytes' | 'capBytes' | 'instances'>;
const NOTHING: Sums = { ownBytes: 0, expectedBytes: 0, capBytes: 0, instances: 0 };

/** The instances of one template of an experiment: those that stand for themselves, and what the others add up to. */
interface Share {
  readonly leaves: SpaceNode[];
  others: Sums;
}

/**
 * What takes a pool's space: experiments, their templates, and of these the `leaves` largest instances of the pool; what is
 * smaller is one rest of its template, its experiment, or the pool. So the tree has some `leaves` nodes, and a few for each
 * experiment that is shown, of which there are no more than a quarter as many. Ties go by name, so that the same instances
 * give the same tree.
 */
export function spaceTree(pool: string, items: readonly SpaceItem[], leaves: number): SpaceNode {
  const experiments = [...divide(items, leaves)].map(([name, templates]) => {
    const nodes = [...templates].map(([template, share]) => templateNode(template, share));
    return sumUp({ kind: 'experiment', name, id: null }, largest(nodes, MOST_TEMPLATES, 'other templates'));
  });
  const most = Math.max(LEAST_EXPERIMENTS, Math.floor(leaves / 4));
  return sumUp({ kind: 'pool', name: pool, id: null }, largest(experiments, most, 'other experiments'));
}

/** The instances by experiment and template. */
function divide(items: readonly SpaceItem[], leaves: number): Map<string, Map<string, Share>> {
  const least = leastOfLargest(items, leaves);
  // Of those that are as large as the least one, as many as there is room for.
  let ties = leaves - items.reduce((count, { ownBytes }) => count + Number(ownBytes > least), 0);
  const experiments = new Map<string, Map<string, Share>>();
  for (const item of items) {
    const share = shareOf(experiments, item);
    const isLeaf = item.ownBytes > least || (item.ownBytes === least && ties > 0);
    if (isLeaf && item.ownBytes === least) ties -= 1;
    const { id, ownBytes, expectedBytes, capBytes } = item;
    const sums = { ownBytes, expectedBytes, capBytes, instances: 1 };
    if (isLeaf) share.leaves.push({ kind: 'instance', name: id, id, ...sums });
    else share.others = add(share.others, sums);
  }
  return experiments;
}

function shareOf(experiments: Map<string, Map<string, Share>>, { experiment, template }: SpaceItem): Share {
  const name = experiment ?? NO_EXPERIMENT;
  const templates = experiments.get(name) ?? new Map<string, Share>();
  experiments.set(name, templates);
  const share = templates.get(template) ?? { leaves: [], others: NOTHING };
  templates.set(template, share);
  return share;
}

function templateNode(name: string, { leaves, others }: Share): SpaceNode {
  const rest = others.instances > 0 ? [restNode('others', others)] : [];
  return sumUp({ kind: 'template', name, id: null }, [...leaves.sort(byLargest), ...rest]);
}

/** The largest of these, and the others as one. */
function largest(nodes: readonly SpaceNode[], most: number, name: string): SpaceNode[] {
  const sorted = nodes.toSorted(byLargest);
  const others = sorted.slice(most);
  return others.length === 0
    ? sorted
    : [...sorted.slice(0, most), restNode(name, others.reduce(add, NOTHING))];
}

function restNode(name: string, { ownBytes, expectedBytes, capBytes, instances }: Sums): SpaceNode {
  return { kind: 'rest', name, id: null, ownBytes, expectedBytes, capBytes, instances };
}

function sumUp(of: Pick<SpaceNode, 'kind' | 'name' | 'id'>, children: readonly SpaceNode[]): SpaceNode {
  const { ownBytes, expectedBytes, capBytes, instances } = children.reduce<Sums>(add, NOTHING);
  return { ...of, ownBytes, expectedBytes, capBytes: instances > 0 ? capBytes : null, instances, children };
}

/** A sum with one that has no cap has none. */
function add(a: Sums, b: Sums): Sums {
  return {
    ownBytes: a.ownBytes + b.ownBytes,
    expectedBytes: a.expectedBytes + b.expectedBytes,
    capBytes: a.capBytes === null || b.capBytes === null ? null : a.capBytes + b.capBytes,
    instances: a.instances + b.instances,
  };
}

function byLargest(a: SpaceNode, b: SpaceNode): number {
  return b.ownBytes - a.ownBytes || (a.name < b.name ? -1 : Number(a.name > b.name));
}

/** The size of the smallest of the `most` largest; less than nothing where there are no more than that. */
function leastOfLargest(items: readonly SpaceItem[], most: number): number {
  const sizes = Float64Array.from(items, ({ ownBytes }) => ownBytes).sort();
  return items.length > most ? (sizes.at(-most) ?? 0) : -1;
}
