import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeServed } from './served.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');

describeServed('examples in Python', (served) => {
  /** The JSON that is the last line of what an example prints. */
  async function run(file: string, ...args: string[]): Promise<Record<string, unknown>> {
    const { exitCode, stdout, stderr } = await served().python([join(EXAMPLES, file), ...args]);
    expect(exitCode, stderr).toBe(0);
    return JSON.parse(stdout.split('\n').at(-1) ?? '');
  }

  it('sweep.py finds its best over generations, and leaves its score at the instance', async () => {
    const told = await run('sweep.py', '--generations', '2', '--size', '3');
    expect(told['best']).toBe(told['study']);
    const { stdout } = await served().site.spica('show', '--json', String(told['instance']));
    expect(JSON.parse(stdout)).toMatchObject({
      score: told['best'],
      experiment: 'optuna-sweep',
      lease: null,
    });
  });

  it('tournament.py pins its champion, and keeps its record', async () => {
    const told = await run('tournament.py');
    const { stdout } = await served().site.spica('show', '--json', String(told['champion']));
    expect(JSON.parse(stdout)).toMatchObject({
      manifest: { params: { TEMPERATURE: 0.2 } },
      pin: { why: `champion of tournament quiz.v1 (${told['record']})` },
    });
  });
});
