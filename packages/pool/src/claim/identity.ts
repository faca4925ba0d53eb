import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import * as z from 'zod';

/** Who holds a claim, and what for: enough to tell whether that very process still runs. */
export const holderSchema = z.strictObject({
  pid: z.int().min(1),
  /** Clock ticks from boot to the process's start (proc(5), stat field 22); null where there is no /proc. */
  startTicks: z.string().nullable(),
  /** Null where the system does not tell one boot from another. */
  boot: z.string().nullable(),
  host: z.string(),
  purpose: z.string(),
  /** ISO-8601 UTC. */
  since: z.string(),
});
export type Holder = z.infer<typeof holderSchema>;

/** A process, told apart from any other that had its number before or will have it after. */
export type ProcessIdentity = Omit<Holder, 'purpose' | 'since'>;

let self: Promise<ProcessIdentity> | undefined;
let boot: Promise<string | null> | undefined;

/** What this boot of the system is called; null where it does not tell one from another. Source: random(4). */
export function bootId(): Promise<string | null> {
  boot ??= readIfThere('/proc/sys/kernel/random/boot_id').then((text) => text?.trim() ?? null);
  return boot;
}

export function identifySelf(): Promise<ProcessIdentity> {
  self ??= Promise.all([readStat(process.pid), bootId()]).then(([stat, boot]) => ({
    pid: process.pid,
    startTicks: stat?.startTicks ?? null,
    boot,
    host: hostname(),
  }));
  return self;
}

/**
 * Whether a holder ran under another kernel, which may still run, and keeps its locks to itself. Containers of one kernel
 * have host names of their own.
 */
export function isElsewhere(holder: ProcessIdentity, self: ProcessIdentity): boolean {
  return holder.host !== self.host && holder.boot !== self.boot;
}

/**
 * Whether that very process is there. One on another host cannot be looked at, so it counts as alive: unknown means
 * keep.
 */
export async function isAlive({ pid, startTicks, boot, host }: ProcessIdentity): Promise<boolean> {
  const here = await identifySelf();
  if (host !== here.host) return true;
  if (boot !== here.boot) return false;
  return isRunning(pid, startTicks);
}

/** Whether a process of this host and boot is there, and not just its number. One that only waits to be reaped is not. */
async function isRunning(pid: number, startTicks: string | null): Promise<boolean> {
  const stat = await readStat(pid);
  // Without /proc, or where it hides other users' processes (hidepid), only signals tell.
  if (!stat || startTicks === null) return respondsToSignals(pid);
  return stat.startTicks === startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

/** A holder as people know it: `process 4711 (spica up) since …`. */
export function describeHolder({ pid, purpose, since, host }: Holder): string {
  const where = host === hostname() ? '' : ` on host ${host}`;
  return `process ${pid} (${purpose})${where} since ${since}`;
}

function respondsToSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'; // EPERM: it is there, but another user's
  }
}

interface ProcessStat {
  readonly state: string | undefined;
  readonly startTicks: string | undefined;
}

async function readStat(pid: number): Promise<ProcessStat | null> {
  const text = await readIfThere(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name in parentheses may hold spaces and parentheses itself; field 3 comes after the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], startTicks: fields[19] };
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}
