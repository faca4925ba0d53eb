import type { SpaceNode } from '../../../api/views.ts';
import { bytes, count, percent } from '../../../parts/format.ts';
import { type Column, Table } from '../../../parts/table.tsx';
import { hrefTo, query } from '../../../router/router.ts';
import { nameOf } from './describe.ts';

/** The same as a list, the largest first. */
export function SpaceList({ node, path }: { readonly node: SpaceNode; readonly path: readonly string[] }) {
  const rows = [...(node.children ?? [])].sort((a, b) => b.ownBytes - a.ownBytes);
  const columns: readonly Column<SpaceNode>[] = [
    { title: 'Name', isWide: true, render: (row) => <Name node={row} path={path} /> },
    { title: 'Instances', isFigure: true, isExtra: true, render: (row) => count(row.instances) },
    { title: 'Own', isFigure: true, render: (row) => bytes(row.ownBytes) },
    { title: 'Share', isFigure: true, render: (row) => percent(row.ownBytes / Math.max(1, node.ownBytes)) },
    { title: 'Expected', isFigure: true, render: (row) => bytes(row.expectedBytes) },
    { title: 'Cap', isFigure: true, isExtra: true, render: (row) => bytes(row.capBytes) },
  ];
  return (
    <Table
      caption="What takes the space"
      columns={columns}
      rows={rows}
      keyOf={({ kind, name, id }) => `${kind} ${id ?? name}`}
      empty="Nothing is in it."
    />
  );
}

function Name({ node, path }: { readonly node: SpaceNode; readonly path: readonly string[] }) {
  if (node.kind === 'instance' && node.id !== null) {
    return (
      <a class="id" href={hrefTo(`/instances/${node.id}`)}>
        {node.name}
      </a>
    );
  }
  if (!node.children?.length) return <>{nameOf(node)}</>;
  const to = [...path, node.name].map(encodeURIComponent).join('/');
  return <a href={hrefTo('/', { in: to, as: query.value.get('as') })}>{nameOf(node)}</a>;
}
