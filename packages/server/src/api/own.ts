import { type InstanceView, MOST_NAMED, type RequestView } from '@spica/client/wire';
import { CheckError } from '@spica/core';
import { withoutOutput } from './hide.ts';
import type { Call } from './route.ts';

/** A request or an instance is its submitter's own; an operator's is everything. */
export function isOwn({ caller }: Pick<Call, 'caller'>, by: string | null | undefined): boolean {
  return caller.role === 'operator' || (caller.role === 'runner' && by === caller.name);
}

/** Throws CheckError FORBIDDEN unless an instance is the caller's own, by default that which a call is about; InstanceGoneError. */
export async function requireOwnInstance(call: Call, id: string = call.id): Promise<void> {
  const { by } = await call.pool.instance(id);
  if (!isOwn(call, by)) throw notYours(`instance ${id}`, call);
}

/**
 * Throws CheckError FORBIDDEN unless all of these instances are the caller's own. What is not there (any more) is left to
 * whoever is asked for it.
 */
export async function requireOwnInstances(call: Call, ids: readonly string[]): Promise<void> {
  if (call.caller.role === 'operator') return;
  for (let start = 0; start < ids.length; start += MOST_NAMED) {
    const named = ids.slice(start, start + MOST_NAMED);
    const { items } = await call.pool.instances({ ids: named, limit: named.length });
    const others = items.find(({ by }) => !isOwn(call, by));
    if (others) throw notYours(`instance ${others.id}`, call);
  }
}

/** Throws CheckError FORBIDDEN unless the request that a call is about is the caller's own; REQUEST_UNKNOWN. */
export async function requireOwnRequest(call: Call): Promise<void> {
  const { request } = await call.pool.request(call.id);
  if (!isOwn(call, request?.by)) throw notYours(`request ${call.id}`, call);
}

export function forbidden(message: string): CheckError {
  return new CheckError('FORBIDDEN', message);
}

function notYours(what: string, { caller }: Call): CheckError {
  return forbidden(`${what} is not ${caller.name}'s: a runner's token is for what was submitted with it`);
}

/** What is seen of a request: by others than its submitter and operators without parameters, notes, paths and what a set-up printed. */
export function showRequest(call: Call, view: RequestView): unknown {
  if (isOwn(call, view.request?.by)) return view;
  const { request, instances, ...rest } = view;
  const shown = {
    ...rest,
    request: request && withoutSecrets(request),
    instances: instances.map(({ id }) => ({ id })),
  };
  return withoutOutput(call.hide(shown));
}

/** What is seen of an instance: by others than its submitter and operators without paths. */
export function showInstance(call: Call, view: InstanceView): unknown {
  if (isOwn(call, view.by)) return view;
  const { collected, ...rest } = view;
  return call.hide({ ...rest, path: null, collected: collected && { ...collected, to: undefined } });
}

function withoutSecrets<T extends { params: unknown; paramsEach: unknown; notes: unknown }>(request: T) {
  const { params: _, paramsEach: __, notes: ___, ...shown } = request;
  return shown;
}
