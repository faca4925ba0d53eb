import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type SpaceItem, type SpaceNode, spaceTree } from '../../src/index.ts';

const item = (id: string, ownBytes: number, change: Partial<SpaceItem> = {}): SpaceItem => ({
  id,
  experiment: 'a',
  template: 't',
  ownBytes,
  expectedBytes: ownBytes + 1,
  capBytes: null,
  ...change,
});

const items = fc
  .array(
    fc.record({
      experiment: fc.option(fc.integer({ min: 0, max: 30 }).map(String)),
      template: fc.integer({ min: 0, max: 30 }).map(String),
      ownBytes: fc.integer({ min: 0, max: 50 }),
      expectedBytes: fc.nat(50),
      capBytes: fc.option(fc.nat(50)),
    }),
    { maxLength: 300 },
  )
  .map((found) => found.map((each, i) => ({ ...each, id: `i-${String(i).padStart(3, '0')}` })));

const flat = (node: SpaceNode): SpaceNode[] => [node, ...(node.children ?? []).flatMap(flat)];
const sum = (nodes: readonly SpaceNode[], of: 'ownBytes' | 'expectedBytes' | 'instances') =>
  nodes.reduce((total, node) => total + node[of], 0);

it('is the experiments, their templates and their largest instances, and one rest of what is smaller', () => {
  const tree = spaceTree(
    'main',
    [
      item('small', 1),
      item('large', 9, { capBytes: 20 }),
      item('other', 5, { experiment: null, template: 'u', capBytes: 10 }),
      item('tiny', 0),
    ],
    2,
  );
  const summed = (change: Partial<SpaceNode>) => expect.objectContaining(change);
  expect(tree).toMatchObject({ kind: 'pool', name: 'main', ownBytes: 15, instances: 4, capBytes: null });
  expect(tree.children).toEqual([
    summed({
      kind: 'experiment',
      name: 'a',
      ownBytes: 10,
      children: [
        summed({
          kind: 'template',
          name: 't',
          children: [
            {
              kind: 'instance',
              name: 'large',
              id: 'large',
              ownBytes: 9,
              expectedBytes: 10,
              capBytes: 20,
              instances: 1,
            },
            {
              kind: 'rest',
              name: 'others',
              id: null,
              ownBytes: 1,
              expectedBytes: 3,
              capBytes: null,
              instances: 2,
            },
          ],
        }),
      ],
    }),
    summed({ kind: 'experiment', name: '(none)', ownBytes: 5, capBytes: 10 }),
  ]);
});

it('loses nothing, shows the largest, and is bounded, whatever there is', () => {
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 50 }), (all, leaves) => {
      const nodes = flat(spaceTree('main', all, leaves));
      for (const node of nodes) {
        const { children } = node;
        if (children === undefined) continue;
        for (const of of ['ownBytes', 'expectedBytes', 'instances'] as const)
          expect(sum(children, of)).toBe(node[of]);
        const own = children.filter(({ kind }) => kind !== 'rest').map(({ ownBytes }) => ownBytes);
        expect(own).toEqual(own.toSorted((a, b) => b - a));
      }
      expect(nodes[0]?.instances).toBe(all.length);
      const shown = nodes.filter(({ kind }) => kind === 'instance');
      expect(shown.length).toBeLessThanOrEqual(leaves);
      const least = Math.min(...shown.map(({ ownBytes }) => ownBytes));
      const hidden = all.filter(({ id }) => !shown.some((node) => node.id === id));
      // Where no experiment is left out, nothing that is hidden is larger than what is shown.
      if (!nodes.some(({ name }) => name === 'other experiments' || name === 'other templates'))
        expect(hidden.every(({ ownBytes }) => ownBytes <= least)).toBe(true);
      expect(nodes.filter(({ kind }) => kind === 'experiment').length).toBeLessThanOrEqual(
        Math.max(20, leaves / 4),
      );
    }),
  );
});

it('draws few of 100,000 instances', () => {
  const many = Array.from({ length: 100_000 }, (_, i) =>
    item(`i-${i}`, (i * 7919) % 1e6, { experiment: `e-${i % 5_000}`, template: `t-${i % 3}` }),
  );
  const tree = spaceTree('main', many, 400);
  expect(flat(tree).length).toBeLessThan(1_500);
});
