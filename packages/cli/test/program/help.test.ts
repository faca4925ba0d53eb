import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command as Commander } from 'commander';
import { execaSync } from 'execa';
import { expect, it } from 'vitest';
import { examplesOf, pathOf } from '../../src/program/examples.ts';
import { manPage } from '../../src/program/man.ts';
import { buildProgram } from '../../src/program.ts';
import { capture, runCaptured } from '../capture.ts';

const all = (command: Commander): Commander[] => [command, ...command.commands.flatMap(all)];

/** The words that a shell makes of each call of spica in a line. */
function callsIn(line: string): string[][] {
  const script =
    'spica() { printf "%s\\0" "$@" "" >&3; }; xargs() { "$@" spica-0123456789ab; }; jq() { cat; }; source() { :; };';
  const quoted = line.replaceAll(/[<>]\(/g, '$(').replaceAll(/ > \S+/g, '');
  const { stdout } = execaSync('bash', ['-c', `{ ${script}\n${quoted}\n} 3>&1 >/dev/null`]);
  return stdout
    .split('\0\0')
    .filter(Boolean)
    .map((call) => call.split('\0'));
}

it('ends the help of every command with examples that the command takes', async () => {
  const reached: string[] = [];
  for (const command of all(buildProgram(capture()).command)) {
    const examples = examplesOf(command);
    const path = pathOf(command);
    expect([path, examples.length > 0]).toEqual([path, true]);
    let help = '';
    command
      .configureOutput({
        writeOut: (text) => {
          help += text;
        },
      })
      .outputHelp();
    expect(help).toMatch(/^Examples:$/m);
    for (const example of examples) {
      expect(help).toContain(`\n  ${example}\n`);
      const { command: program } = buildProgram(capture());
      const called: string[] = [];
      for (const each of all(program))
        each.action(() => {
          called.push(pathOf(each));
        });
      const calls = callsIn(example);
      expect([example, calls.length > 0]).toEqual([example, true]);
      for (const words of calls) await program.parseAsync(words, { from: 'user' });
      reached.push(...called);
      if (path !== '' && command.commands.length === 0)
        expect([example, called]).toEqual([example, expect.arrayContaining([path])]);
    }
  }
  expect(new Set(reached).size).toBeGreaterThan(40);
});

it('has every command, option and example in the manual page, which man shows without a warning', async () => {
  const page = manPage();
  for (const path of ['spawn', 'audit tail', 'top', 'complete']) expect(page).toContain(`"spica ${path} `);
  const { stdout: help } = await runCaptured(['spawn', '--help']);
  const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name ?? '');
  expect(options).toContain('--max-wait');
  const missing = options.filter((name) => !page.includes(name.replaceAll('-', '\\-')));
  expect(missing).toEqual(['--help']); // each command has it, and none has to say so there
  const file = join(capture().cwd, 'spica.1');
  await writeFile(file, page);
  for (const [program, ...args] of [
    ['man', '--warnings', '-l', file],
    ['groff', '-ww', '-man', '-Tutf8', file],
  ] as const) {
    const { stdout, stderr, failed, code } = execaSync(program, args, { reject: false });
    if (code === 'ENOENT') continue;
    expect([program, failed, stderr]).toEqual([program, false, '']);
    expect(stdout).toContain('spica audit tail');
  }
});
