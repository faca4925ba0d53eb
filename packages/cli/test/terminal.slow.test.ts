import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAIN } from '../../../test/support/spica.ts';
import { type Captured, runCaptured } from './capture.ts';
import { startPty } from './pty.ts';
import { type CliStack, startCliStack } from './stack.ts';

const PATIENT = { timeout: 120_000 };

let cli: CliStack;
let dir: string;
let id: string;
let env: Record<string, string>;
/** The stack's server, at its unix socket. */
let serving: Captured;
let served: Promise<unknown>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-terminal-'));
  await mkdir(join(dir, 'bin'));
  await writeFile(join(dir, 'bin/spica'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
  await chmod(join(dir, 'bin/spica'), 0o755);
  cli = await startCliStack();
  serving = cli.io();
  served = runCaptured(['serve', '--port', '0', '--json'], serving);
  await once(serving.stdout, 'data');
  id = (await cli.spica('spawn')).stdout.trim();
  const { SPICA_CONFIG = '', SPICA_STATE_DIR = '', REDIS_URL = '' } = cli.io().env;
  const PATH = [join(dir, 'bin'), process.env['PATH']].join(delimiter);
  env = { PATH, HOME: serving.home, SPICA_CONFIG, SPICA_STATE_DIR, REDIS_URL };
});
afterAll(async () => {
  serving.signals.emit('SIGTERM', 'SIGTERM');
  await served;
  await cli.close();
  await rm(dir, { recursive: true });
});

it('spica top takes a real terminal, follows its size, and leaves it as it was, whichever way it ends', async () => {
  for (const end of ['q', '\u0003']) {
    const at = join(dir, 'tty');
    await using pty = startPty(
      `tty >${at}; stty -a >${at}.before; spica top; code=$?; stty -a >${at}.after; exit $code`,
      env,
    );
    await expect.poll(() => pty.text(), PATIENT).toContain(id);
    expect(pty.text()).toContain('\u001b[?1049h');
    pty.write('s');
    await expect.poll(() => pty.text(), PATIENT).toContain('by size descending');
    const tty = (await readFile(at, 'utf8')).trim();
    await execa('stty', ['-F', tty, 'rows', '15', 'cols', '100']);
    await expect.poll(() => pty.text().split('\u001b[H').at(-1)?.split('\r\n').length, PATIENT).toBe(15);
    pty.write(end);
    expect(await pty.ended).toBe(0);
    expect(pty.text().trimEnd().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
    const [before, after] = await Promise.all(
      ['before', 'after'].map((when) => readFile(`${at}.${when}`, 'utf8')),
    );
    expect(after?.split('\n').slice(1)).toEqual(before?.split('\n').slice(1));
  }
});

it('bash completes commands, options and what there is, and runs nothing of what is typed', async () => {
  await using pty = startPty(`PS1='> ' bash --norc --noprofile -i`, env);
  pty.write('source <(spica complete bash); echo rea""dy\n');
  await expect.poll(() => pty.text(), PATIENT).toContain('ready');
  pty.write('spica expl\t');
  await expect.poll(() => pty.text(), PATIENT).toContain('spica explain ');
  pty.write('\u0015spica spawn --temp\t');
  await expect.poll(() => pty.text(), PATIENT).toContain('spica spawn --template ');
  // On a machine that has other things to do, the stack may take longer than a shell waits: pressed again then.
  const press = async () => {
    pty.write('\u0015spica show spica-\t');
    return pty.text();
  };
  await expect.poll(press, { ...PATIENT, interval: 1_000 }).toContain(`spica show ${id}`);
  pty.write(`\u0015spica show $(touch ${dir}/run) expl\t\u0015exit\n`);
  await pty.ended;
  await expect(readFile(join(dir, 'run'))).rejects.toThrow('ENOENT');
});

it.each(['zsh', 'fish'])('%s reads its script, where it is installed', async (shell) => {
  const { stdout, code } = await execa(shell, ['--version'], { reject: false });
  if (code === 'ENOENT') return;
  expect(stdout).toContain(shell);
  const lines = {
    zsh: 'autoload -Uz compinit && compinit -u -d $HOME/.zcompdump && source <(spica complete zsh) && print $_comps[spica]',
    fish: 'spica complete fish | source; complete --do-complete "spica expl"',
  };
  const line = lines[shell as keyof typeof lines];
  const ran = await execa(shell, shell === 'zsh' ? ['-f', '-c', line] : ['--no-config', '-c', line], {
    env,
    stdin: 'ignore',
    reject: false,
  });
  expect([ran.stderr, ran.stdout]).toEqual([
    '',
    expect.stringMatching(shell === 'zsh' ? /^_spica$/ : /^explain\t/),
  ]);
});
