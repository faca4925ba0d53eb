import { spawn } from 'node:child_process';
import { CheckError, UnreachableError } from '@spica/core';
import { apiSocketOf } from '@spica/queues';
import type { OpenLink } from '@spica/server';
import { loadConfig } from '../context/config.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation, Io } from '../io.ts';
import { writeJson } from '../output/write.ts';
import { postToStack } from '../stack/socket.ts';

export interface OpenOptions {
  readonly print?: boolean;
}

const ANSWER_MS = 10_000;

/**
 * `spica open`: asks the stack of this machine, at its unix socket, for a link that logs in as an operator, and has the
 * desktop's browser open it; prints it where there is none. Throws UnreachableError STACK_UNREACHABLE.
 */
export async function open({ io, options }: Invocation<OpenOptions>): Promise<number> {
  const { config } = await loadConfig(io, options);
  const link = await askForLink(apiSocketOf(config.stateDir));
  if (options.json) {
    writeJson(io.stdout, link);
    return 0;
  }
  if (!options.print && hasDesktop(io) && (await openInBrowser(link.url, io))) {
    io.stderr.write('opened in the browser, logged in as an operator\n');
    return 0;
  }
  io.stdout.write(`${link.url}\n`);
  io.stderr.write('open it once, within a minute: it logs in as an operator\n');
  return 0;
}

async function askForLink(socket: string): Promise<OpenLink> {
  const body = JSON.stringify({ by: parseWho('--by', undefined) });
  const { status, text } = await postToStack(socket, '/open', { body, answerMs: ANSWER_MS }).catch(
    (error: unknown) => {
      throw unreachable(socket, error);
    },
  );
  if (status === 200) return JSON.parse(text) as OpenLink;
  const { code, detail } = JSON.parse(text) as { readonly code: string; readonly detail: string };
  throw status === 503 ? new UnreachableError(code, detail) : new CheckError(code, detail);
}

function unreachable(socket: string, cause: unknown): UnreachableError {
  const why =
    (cause as NodeJS.ErrnoException).code === 'EACCES'
      ? 'this user may not open it'
      : 'nobody serves it: start `spica up` or `spica serve`, or name the config of the one that runs (--config)';
  return new UnreachableError('STACK_UNREACHABLE', `the socket ${socket}: ${why}`, { socket }, cause);
}

function hasDesktop({ env }: Io): boolean {
  return Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']);
}

/** Whether the desktop has taken the link; false where it cannot. */
async function openInBrowser(url: string, { env }: Io): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const opener = spawn('xdg-open', [url], { stdio: 'ignore', detached: true, env: { ...env } });
  opener.once('error', () => resolve(false)).once('exit', (code) => resolve(code === 0));
  // Some browsers stay in the foreground of what starts them.
  const timer = setTimeout(() => resolve(true), ANSWER_MS);
  const opened = await promise.finally(() => clearTimeout(timer));
  opener.unref();
  return opened;
}
