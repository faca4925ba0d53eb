import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Golden, planGolden, readGolden } from './golden.ts';

const PAGE = join(import.meta.dirname, '../../../../docs/retention.md');

/** A marker with the name of a golden file, and the block after it, which the planner writes. */
const EXAMPLE = /(<!-- plan: ([a-z-]+) -->\n)(?:\n```text\n[^`]*```\n)?/g;

/** An example as the page shows it: the input, one line an instance, then the plan. */
function render(golden: Golden): string {
  const { retention, instances, request, reserved, clock, blind, share, limit } = golden;
  const { items, sentence } = planGolden(golden);
  const settings = Object.entries(retention).map(([key, value]) => `${key}: ${value}`);
  const given = [
    `retention: { ${settings.join(', ')} }`,
    reserved !== undefined && `reserved: ${reserved} slots`,
    request &&
      `request: ${Object.entries(request)
        .map(([key, value]) => `${key.replace('_', ' ')} ${value}`)
        .join(', ')}`,
    clock && `clock: ${clock}`,
    blind && `who uses them cannot be seen: ${blind}`,
    share !== undefined && `deletions bring: ${share}`,
    limit !== undefined && `most in one run: ${limit}`,
  ];
  const facts = instances.map(({ id, age, ...rest }) => {
    const others = Object.entries(rest).map(([key, value]) => `${key.replace('_', ' ')} ${value}`);
    return `${id}  ${[`age ${age ?? 'unreadable'}`, ...others].join(', ')}`;
  });
  const width = Math.max(...items.map(({ rule }) => rule.length));
  const verdicts = items.map(
    ({ id, action, rule, reason }) => `${action.padEnd(6)}  ${id}  ${rule.padEnd(width)}  ${reason}`,
  );
  return [...given.filter(Boolean), ...facts, '', ...verdicts, sentence].join('\n');
}

it('docs/retention.md shows what the planner really prints', () => {
  const page = readFileSync(PAGE, 'utf8');
  const names: string[] = [];
  const wanted = page.replace(EXAMPLE, (_, marker: string, name: string) => {
    names.push(name);
    return `${marker}\n\`\`\`text\n${render(readGolden(name))}\n\`\`\`\n`;
  });
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(PAGE, wanted);
  else expect(page).toBe(wanted);
  expect(names.length).toBeGreaterThan(10);
});
