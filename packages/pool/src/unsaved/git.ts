import { execa } from 'execa';
import { boundToUs } from '../bound.ts';
import { markOwn } from '../live/own-programs.ts';

/** More than this of a list is more than anybody reads: it counts as not known. */
const MOST_BYTES = 256 * 1024 * 1024;
/** Of what git complains of, so much is quoted. */
const MOST_TEXT = 200;
/** How long git has to end once it was told to. */
const KILL_AFTER_MS = 2_000;

/**
 * Runs git on a repository and resolves with what it prints, one character for each byte. Throws an error with what git
 * says, also where it only warns: what it passed over is not known then.
 */
export type Git = (args: readonly string[], input?: string) => Promise<string>;

export interface GitOptions {
  /** Stands for the repository (`withRepository`). */
  readonly view: string;
  /** The working tree. */
  readonly top: string;
  readonly signal: AbortSignal;
}

/** The environment has all that git is told; what the host, the user or a caller configures does not count. */
export function createGit({ view, top, signal }: GitOptions): Git {
  const env = {
    PATH: process.env['PATH'] ?? '',
    LC_ALL: 'C',
    HOME: view,
    XDG_CONFIG_HOME: view,
    GIT_DIR: view,
    GIT_WORK_TREE: top,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: `${view}/none`,
  };
  return async (args, input = '') => {
    signal.throwIfAborted();
    const program = execa(...boundToUs('git', args), {
      cwd: view,
      env,
      extendEnv: false,
      input: Buffer.from(input, 'latin1'),
      encoding: 'buffer',
      maxBuffer: MOST_BYTES,
      cancelSignal: signal,
      forceKillAfterDelay: KILL_AFTER_MS,
      reject: false,
    });
    const { failed, stdout, stderr, originalMessage, isMaxBuffer } = await markOwn(program);
    signal.throwIfAborted();
    if (isMaxBuffer) throw new Error('there is more than can be listed');
    const [said = ''] = Buffer.from(stderr ?? [])
      .toString()
      .split('\n', 1);
    if (failed || said !== '') throw new Error((said || originalMessage || 'git failed').slice(0, MOST_TEXT));
    return Buffer.from(stdout).toString('latin1');
  };
}
