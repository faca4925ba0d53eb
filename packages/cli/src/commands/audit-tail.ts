import { setTimeout } from 'node:timers/promises';
import { auditPathOf, readAuditAfter, seqOf, tailAudit } from '@spica/pool';
import { loadConfig } from '../context/config.ts';
import { parseCount } from '../input/numbers.ts';
import type { Invocation, Io } from '../io.ts';
import { formatAuditLine } from '../output/audit.ts';
import { listenForStop } from '../stack/signals.ts';

export interface AuditTailOptions {
  readonly lines: string;
  readonly follow?: boolean;
}

const LOOK_EVERY_MS = 300;

/**
 * `spica audit tail`: the audit log's last entries, oldest first; with `--follow` those to come too, until Ctrl-C. For
 * people on a terminal; as they lie in the log when piped or with `--json`.
 */
export async function auditTail({ io, options }: Invocation<AuditTailOptions>): Promise<number> {
  const count = parseCount('-n', options.lines, { least: 1 });
  const { config } = await loadConfig(io, options);
  const path = auditPathOf({ path: config.audit.path, stateDir: config.stateDir });
  const forPeople = io.stdout.isTTY === true && options.json !== true;
  const write = (lines: readonly string[]) => {
    for (const line of lines) io.stdout.write(`${forPeople ? formatAuditLine(line) : line}\n`);
  };
  const last = await tailAudit(path, count);
  write(last);
  if (options.follow) await follow(io, { path, seen: newestSeq(last), write });
  else if (forPeople && last.length === 0) io.stderr.write(`nothing in the audit log yet (${path})\n`);
  return 0;
}

interface Following {
  readonly path: string;
  /** Number of the newest entry that was shown. */
  readonly seen: number;
  readonly write: (lines: readonly string[]) => void;
}

/** By the entries' numbers, so that a rotation in between loses nothing. */
async function follow(io: Io, { path, seen, write }: Following): Promise<void> {
  const stop = listenForStop(io, () => undefined);
  const stopped = new AbortController();
  const stopping = stop.first.then(() => stopped.abort());
  try {
    for (let newest = seen; !stopped.signal.aborted; ) {
      const lines = await readAuditAfter(path, newest);
      write(lines);
      newest = Math.max(newest, newestSeq(lines));
      await setTimeout(LOOK_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined); // Ctrl-C
    }
    await stopping;
  } finally {
    stop.dispose();
  }
}

function newestSeq(lines: readonly string[]): number {
  return lines.reduce((newest, line) => Math.max(newest, seqOf(line) ?? 0), 0);
}
