import { styleText } from 'node:util';
import type { Io, Output } from '../io.ts';

type Style = 'bold' | 'dim' | 'green' | 'inverse' | 'red' | 'yellow';

/** Writes a text in a style, or as it is where there are to be no colours. */
export type Paint = (style: Style, text: string) => string;

/** Colours are for a terminal that can show them, and whose user has not set NO_COLOR (to whatever). */
export function paintFor(output: Output, { env }: Pick<Io, 'env'>): Paint {
  const isWanted = output.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  // What decides is the command's own environment and stream, not those of the process.
  return isWanted
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text;
}
