import { type ExecaError, execa } from 'execa';
import { boundToUs } from '../bound.ts';
import type { Source } from './source.ts';

/** Exit codes of rsync(1): some source files vanished before they could be transferred. */
const VANISHED = 24;
const LINE_BREAK = 10;

/** rsync failed because what it read was changing. */
export class ChangingError extends Error {}

/**
 * The keys (see walk.ts) of what rsync copies of a template, the template itself included: what `.templateignore` means
 * is for rsync to say. Throws ChangingError, or what execa throws.
 */
export async function listIncluded(source: Source, signal?: AbortSignal): Promise<Set<string>> {
  // Names as they are but for line breaks and other control characters, which come as `\#012`.
  const options = ['-an', '-8', '--out-format=%n', '--exclude-from=-'];
  const included = new Set<string>();
  const split = createSplitter((line) => included.add(decodeName(line)));
  await rsync([...options, '--', `${source.dir}/`, '/nowhere/'], source, signal, split);
  return included;
}

/** Copies a template into an empty directory, faithfully. Throws ChangingError, or what execa throws. */
export async function copyIncluded(source: Source, to: string, signal?: AbortSignal): Promise<void> {
  // Without a window of -1 two times of the same second are equal, and a directory or link keeps the time of its copying.
  const options = ['-aHAXS', '--numeric-ids', '--modify-window=-1', '--exclude-from=-'];
  await rsync([...options, '--', `${source.dir}/`, `${to}/`], source, signal);
}

/** Hands over what rsync prints as it comes: a list of millions of names is more than execa would keep. */
async function rsync(
  args: readonly string[],
  { ignore }: Source,
  signal?: AbortSignal,
  onOutput: (chunk: Buffer) => void = () => undefined,
): Promise<void> {
  try {
    const child = execa(...boundToUs('rsync', args), {
      env: { LC_ALL: 'C' },
      input: ignore,
      buffer: { stdout: false },
      encoding: 'buffer',
      ...(signal ? { cancelSignal: signal } : {}),
    });
    const read = async () => {
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) onOutput(chunk);
    };
    await Promise.all([child, read()]);
  } catch (error) {
    signal?.throwIfAborted();
    if ((error as ExecaError).exitCode !== VANISHED) throw error;
    throw new ChangingError('files vanished while they were copied', { cause: error });
  }
}

/** Splits output into lines; what a chunk ends in the middle of is put in front of the next. */
function createSplitter(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let start = 0;
    for (let end = data.indexOf(LINE_BREAK); end !== -1; end = data.indexOf(LINE_BREAK, start)) {
      onLine(data.toString('latin1', start, end));
      start = end + 1;
    }
    rest = data.subarray(start);
  };
}

function decodeName(line: string): string {
  return line.replaceAll(/\\#([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
