import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeServed } from '../python/served.ts';

const SNIPPET = /^( *)```python\n([\s\S]*?)^ *```$/gm;

describeServed('the Python in the docs', (served) => {
  it.each(['runners.md', 'python.md', 'migrating.md'])(
    '%s runs as it stands',
    async (page) => {
      const text = await readFile(join(import.meta.dirname, '../../docs', page), 'utf8');
      const snippets = [...text.matchAll(SNIPPET)].map(([, indent = '', code = '']) => {
        return code.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
      });
      expect(snippets).not.toEqual([]);
      for (const code of snippets) {
        const { exitCode, stdout, stderr } = await served().python(['-c', code]);
        expect([exitCode, stderr], code).toEqual([0, '']);
        expect(stdout).not.toBe('');
      }
    },
    120_000,
  );
});
