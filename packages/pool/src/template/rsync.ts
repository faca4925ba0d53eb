import { type ExecaError, execa } from 'execa';
import { boundToUs } from '../bound.ts';
import type { Source } from './source.ts';

/** Exit codes of rsync(1): some source files vanished before they could be transferred. */
const VANISHED = 24;

/** rsync failed because what it read was changing. */
export class ChangingError extends Error {}

/**
 * The keys (see walk.ts) of what rsync copies of a template, the template itself included: what `.templateignore` means
 * is for rsync to say. Throws ChangingError, or what execa throws.
 */
export async function listIncluded(source: Source, signal?: AbortSignal): Promise<Set<string>> {
  // Names as they are but for line breaks and other control characters, which come as `\#012`.
  const options = ['-an', '-8', '--out-format=%n', '--exclude-from=-'];
  const { stdout } = await rsync([...options, '--', `${source.dir}/`, '/nowhere/'], source, signal);
  const listed = Buffer.from(stdout).toString('latin1').split('\n');
  return new Set(listed.filter((line) => line !== '').map(decodeName));
}

/** Copies a template into an empty directory, faithfully. Throws ChangingError, or what execa throws. */
export async function copyIncluded(source: Source, to: string, signal?: AbortSignal): Promise<void> {
  // Without a window of -1 two times of the same second are equal, and a directory or link keeps the time of its copying.
  const options = ['-aHAXS', '--numeric-ids', '--modify-window=-1', '--exclude-from=-'];
  await rsync([...options, '--', `${source.dir}/`, `${to}/`], source, signal);
}

async function rsync(args: readonly string[], { ignore }: Source, signal?: AbortSignal) {
  try {
    return await execa(...boundToUs('rsync', args), {
      env: { LC_ALL: 'C' },
      input: ignore,
      encoding: 'buffer',
      ...(signal ? { cancelSignal: signal } : {}),
    });
  } catch (error) {
    signal?.throwIfAborted();
    if ((error as ExecaError).exitCode !== VANISHED) throw error;
    throw new ChangingError('files vanished while they were copied', { cause: error });
  }
}

function decodeName(line: string): string {
  return line.replaceAll(/\\#([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
