import type { Io, Output } from '../io.ts';
import type { Screen } from './draw.ts';
import { keysIn } from './state.ts';

/** The other screen, without a cursor; what is too wide is cut off in place of going on in the next line. */
const TAKE = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const GIVE_BACK = '\u001b[?7h\u001b[?25h\u001b[?1049l';

const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function screenOf({ columns = 80, rows = 24 }: Output): Screen {
  return { columns, rows };
}

/** What a user does at a terminal. */
export interface TerminalEvents {
  key(key: string): void;
  resized(): void;
  /** Somebody ends the process. */
  ended(): void;
}

/** Takes the whole terminal until `giveBack`, after which it is as it was. */
export function takeTerminal(
  { stdin, stdout, signals }: Io,
  events: TerminalEvents,
): { show(lines: readonly string[]): void; giveBack(): void } {
  const onData = (data: string | Buffer) => {
    for (const key of keysIn(data.toString())) events.key(key);
  };
  const onGone = () => events.ended();
  for (const signal of ENDINGS) signals.on(signal, onGone);
  stdout.on('resize', events.resized);
  stdout.on('error', onGone);
  const hasKeys = stdin.isTTY === true;
  if (hasKeys) {
    stdin.setRawMode?.(true);
    stdin.on('data', onData);
    stdin.on('end', onGone);
    stdin.resume();
  }
  stdout.write(TAKE);
  return {
    show: (lines) => {
      stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
    },
    giveBack: () => {
      for (const signal of ENDINGS) signals.off(signal, onGone);
      stdout.off('resize', events.resized);
      stdout.off('error', onGone);
      stdout.write(GIVE_BACK);
      if (!hasKeys) return;
      stdin.off('data', onData);
      stdin.off('end', onGone);
      stdin.setRawMode?.(false);
      stdin.pause();
    },
  };
}
