import type { Param } from './record.ts';

/** What a command that runs in an instance is told of it. */
export interface InstanceEnvironment {
  readonly id: string;
  readonly path: string;
  readonly request: string;
  readonly experiment: string | null;
  /** Counts from 0: the instance in its request, or the run in its experiment. */
  readonly index: number;
  readonly params: Readonly<Record<string, Param>>;
}

/** The environment of a command in an instance: the parameters under their names, and who it is under `SPICA_…`. */
export function environmentOf({
  id,
  path,
  request,
  experiment,
  index,
  params,
}: InstanceEnvironment): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)])),
    SPICA_ID: id,
    SPICA_PATH: path,
    SPICA_REQUEST: request,
    SPICA_EXPERIMENT: experiment ?? '',
    SPICA_INDEX: String(index),
  };
}
