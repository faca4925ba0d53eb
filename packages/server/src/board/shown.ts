import { type Hide, withoutOutput } from '../api/hide.ts';
import type { Caller } from '../listen/callers.ts';

/** Nobody is told these: whoever has a lease's token may end it. */
const OF_NOBODY = ['tokenHash', 'leaseTokenHash'];
/** What parameters and notes hold may be secret; paths, and where Redis's clients are, are for operators. */
const OF_OPERATORS = [...OF_NOBODY, 'params', 'paramsEach', 'notes', 'path', 'addr', 'stacktrace'];

/** What stands in their place, where the board's page expects something. */
const IN_PLACE: Readonly<Record<string, unknown>> = { stacktrace: [], addr: '' };

/** What of an answer of the board a caller is shown: jobs hold all that a request does. */
export function createShown(
  hideFrom: (caller: Caller) => Hide,
): (caller: Caller, answer: unknown) => unknown {
  return (caller, answer) => {
    if (caller.role === 'operator') return without(answer, OF_NOBODY);
    return withoutOutput(hideFrom(caller)(without(answer, OF_OPERATORS)));
  };
}

function without(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((each) => without(each, names));
  if (typeof value !== 'object' || value === null) return value;
  const plain = 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value;
  if (typeof plain !== 'object' || plain === null) return plain;
  return Object.fromEntries(
    Object.entries(plain).flatMap(([name, each]): [string, unknown][] => {
      if (!names.includes(name)) return [[name, without(each, names)]];
      return name in IN_PLACE ? [[name, IN_PLACE[name]]] : [];
    }),
  );
}
