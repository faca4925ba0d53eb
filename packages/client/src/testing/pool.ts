import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { CatalogInstance } from '@spica/catalog';
import {
  CheckError,
  type Decision,
  formatDuration,
  type InstanceRecord,
  instanceIdOf,
  isoTime,
  leaseInForce,
  messageOf,
  type PlanItem,
  RefusedError,
  type RetentionPolicy,
  SpicaError,
  type TournamentRecord,
  UsageError,
  validateParams,
} from '@spica/core';
import { requestIdOf } from '@spica/queues';
import { instanceDeleted, instanceUnknown, requestUnknown } from '../errors.ts';
import { toRequest } from '../spawn-request.ts';
import type { PoolView } from '../view.ts';
import type { RequestBody } from '../wire/bodies.ts';
import { makeInstance, versionIn } from './files.ts';
import { decide } from './gate.ts';
import { recordOf } from './record.ts';
import { MemoryRequest } from './request.ts';

export interface MemoryPoolOptions {
  readonly name: string;
  readonly root: string;
  readonly policy: RetentionPolicy;
  /** Directories of the templates, by name; null for an empty one. */
  readonly templates: ReadonlyMap<string, string | null>;
  readonly maxWaitMs: number;
}

/** What the audit log would say of an instance's end. */
interface Gone {
  readonly timestamp: string;
  readonly action: 'delete_instance';
  readonly pool: string;
  readonly request: string | null;
  readonly instance: string;
  readonly reason: string;
  readonly bytes: null;
  readonly outcome: 'trashed';
}

/** A pool in memory: the instances that there are, and the gate, which looks again whenever something changes. */
export class MemoryPool {
  readonly options: MemoryPoolOptions;
  readonly instances = new Map<string, CatalogInstance>();
  readonly requests = new Map<string, MemoryRequest>();
  readonly tournaments = new Map<string, TournamentRecord>();
  readonly #gone = new Map<string, Gone>();
  #line: MemoryRequest[] = [];
  #leaseTimer: NodeJS.Timeout | undefined;
  /** What works on the disk, one after another. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: MemoryPoolOptions) {
    this.options = options;
  }

  get all(): readonly CatalogInstance[] {
    return [...this.instances.values()];
  }

  /** The requests that are held, the head of the line first. */
  get held(): PoolView['held'] {
    return this.#line.map(({ id: request, asked: { count }, heldAt, reason }) => {
      return { request, count, since: isoTime(heldAt ?? 0), reason, whatWouldHelp: null };
    });
  }

  /** Throws InstanceGoneError. */
  find(id: string): CatalogInstance {
    const found = this.instances.get(id);
    if (found) return found;
    const gone = this.#gone.get(id);
    throw gone ? instanceDeleted(id, gone) : instanceUnknown(id, this.options.name);
  }

  /** Changes what is known of an instance, and lets the gate look again. Throws InstanceGoneError. */
  update(id: string, change: Partial<InstanceRecord>): void {
    const found = this.find(id);
    this.instances.set(id, { ...found, record: { ...found.record, ...change } });
    this.look();
  }

  findTournament(id: string): TournamentRecord {
    const found = this.tournaments.get(id);
    if (found) return found;
    throw new CheckError(
      'TOURNAMENT_UNKNOWN',
      `id: no tournament "${id}" is known in pool ${this.options.name}`,
    );
  }

  findRequest(id: string): MemoryRequest {
    const found = this.requests.get(id);
    if (found) return found;
    throw requestUnknown(id, this.options.name);
  }

  /** Throws UsageError PARAM_INVALID, KEY_REUSED; InstanceGoneError for an instance to clone that is not there. */
  submit(body: RequestBody, key: string | null, by: string | null): { id: string; created: boolean } {
    validateParams(body.params);
    const source = body.from === null ? null : this.find(body.from).record;
    const origin = source && { template: source.template, parent: source.id };
    const { lease, ...rest } = { ...toRequest(this.options.name, body, by), ...origin };
    const asked = { ...rest, lease: lease && { owner: lease.owner, ms: lease.ms } };
    // Counted: the ids of instances follow from it, and are the same in each run of a test.
    const id =
      key === null ? `req-${(this.requests.size + 1).toString(16).padStart(12, '0')}` : requestIdOf(key);
    const there = this.requests.get(id);
    const tokenHash = lease?.tokenHash ?? null;
    if (there) {
      if (isDeepStrictEqual({ ...there.asked, by }, { ...asked, by }) && there.tokenHash === tokenHash)
        return { id, created: false };
      throw new UsageError('KEY_REUSED', `key: "${key}" was used for a different request before (${id})`, {
        key,
      });
    }
    const request = new MemoryRequest(id, asked, tokenHash);
    this.requests.set(id, request);
    this.#line.push(request);
    this.look();
    return { id, created: true };
  }

  /** Takes a request back. */
  cancel(request: MemoryRequest): 'cancelled' | 'completed' {
    if (request.hasEnded) return request.hasFailed ? 'cancelled' : 'completed';
    request.isCancelled = true;
    if (this.#line.includes(request))
      this.#refuse(request, 'REQUEST_CANCELLED', `request ${request.id} was cancelled`);
    return 'cancelled';
  }

  /** Lets the gate go through the line, from its head on, as far as requests can be decided. */
  look(): void {
    for (let head = this.#line[0]; head && this.#decide(head); ) head = this.#line[0];
    for (const [i, request] of this.#line.entries()) this.#tellHeld(request, i + 1);
    this.#lookWhenLeasesEnd();
  }

  /** Ends what is held, and waits for what is being written. */
  async close(): Promise<void> {
    clearTimeout(this.#leaseTimer);
    for (const { timer } of this.#line) clearTimeout(timer);
    await this.#work;
  }

  /** False where it stays in the line. */
  #decide(request: MemoryRequest): boolean {
    const { policy, templates } = this.options;
    if (!templates.has(request.asked.template)) {
      const known = [...templates.keys()].join(', ');
      const why = `template: expected one of: ${known}, got "${request.asked.template}"`;
      this.#refuse(request, 'TEMPLATE_UNKNOWN', why);
      return true;
    }
    const { decision, deletes } = decide(request.asked.count, this.all, { policy, now: Date.now() });
    if (decision.verdict === 'impossible') {
      this.#refuse(request, 'NEVER_FITS', decision.sentence, decision);
      return true;
    }
    if (decision.verdict === 'short' && deletes === null) return false;
    this.#leave(request);
    for (const item of deletes ?? []) this.#delete(item, request.id);
    this.#spawn(request);
    return true;
  }

  #tellHeld(request: MemoryRequest, position: number): void {
    const { policy, maxWaitMs: most } = this.options;
    const { decision } = decide(request.asked.count, this.all, { policy, now: Date.now() });
    const maxWaitMs = request.asked.maxWaitMs ?? most;
    if (request.heldAt === null) {
      request.heldAt = Date.now();
      const why = `held for ${formatDuration(maxWaitMs)} (max_wait) in vain: ${decision.sentence}`;
      const giveUp = () => this.#refuse(request, 'MAX_WAIT_EXCEEDED', why, decision);
      request.timer = setTimeout(giveUp, maxWaitMs).unref();
    }
    const times = { since: isoTime(request.heldAt), until: isoTime(request.heldAt + maxWaitMs) };
    request.tell({ phase: 'held', reason: decision.sentence, ...times, position });
  }

  #refuse(request: MemoryRequest, code: string, why: string, decision?: Decision): void {
    this.#leave(request);
    request.fail(new RefusedError(code, why, { ...decision }));
    this.look();
  }

  #leave(request: MemoryRequest): void {
    this.#line = this.#line.filter((each) => each !== request);
  }

  #delete({ id, reason }: PlanItem, request: string): void {
    const { name: pool, root } = this.options;
    this.instances.delete(id);
    const record = { action: 'delete_instance', pool, request, instance: id, bytes: null } as const;
    this.#gone.set(id, { ...record, timestamp: isoTime(Date.now()), reason, outcome: 'trashed' });
    this.#then(() => rm(join(root, id), { recursive: true, force: true }));
  }

  #spawn(request: MemoryRequest): void {
    const { count } = request.asked;
    const ids = Array.from({ length: count }, (_, i) => instanceIdOf(this.options.name, request.id, i));
    for (const [index, id] of ids.entries()) {
      const record = recordOf(request, { id, index, generation: this.#generationOf(request) });
      this.instances.set(id, {
        record,
        state: 'in-flight',
        request: request.id,
        failure: null,
        unsaved: null,
        collectFailure: null,
        sizes: [],
      });
    }
    request.tell({ phase: 'spawning', reason: `spawning ${count}`, spawned: 0, of: count, oversize: [] });
    this.#then(() => this.#bringUp(request, ids));
  }

  async #bringUp(request: MemoryRequest, ids: readonly string[]): Promise<void> {
    const { root } = this.options;
    try {
      const source = this.#sourceOf(request);
      const version = source === null ? '0' : await versionIn(source);
      for (const [index, id] of ids.entries()) {
        if (request.isCancelled)
          throw new RefusedError('REQUEST_CANCELLED', `request ${request.id} was cancelled`);
        const { generation, spawnedAt } = this.find(id).record;
        const made = {
          id,
          path: join(root, id),
          request: request.id,
          index,
          generation,
          spawnedAt: spawnedAt ?? 0,
        };
        await makeInstance(made, request.asked, source);
        this.update(id, { templateVersion: version });
        request.tell({
          phase: 'spawning',
          reason: `spawning ${ids.length}`,
          spawned: index + 1,
          of: ids.length,
          oversize: [],
        });
      }
      this.#commit(request, ids);
    } catch (error) {
      for (const id of ids) {
        this.instances.delete(id);
        await rm(join(root, id), { recursive: true, force: true });
      }
      request.fail(
        error instanceof SpicaError ? error : new CheckError('SPAWN_FAILED', messageOf(error), {}, error),
      );
    }
    this.look();
  }

  /** From now on its instances are whole, and leased if that was asked for. */
  #commit(request: MemoryRequest, ids: readonly string[]): void {
    const now = Date.now();
    const { lease: asked } = request.asked;
    const lease =
      asked && request.tokenHash !== null
        ? { owner: asked.owner, tokenHash: request.tokenHash, expiresAt: now + asked.ms, since: now }
        : null;
    for (const id of ids) {
      const { record } = this.find(id);
      const leased = lease && { lease, lastLeasedAt: now };
      const whole = { record: { ...record, ...leased }, state: 'ready', request: null } as const;
      this.instances.set(id, { ...whole, failure: null, unsaved: null, collectFailure: null, sizes: [] });
    }
    request.complete(ids.map((id) => ({ id, path: join(this.options.root, id) })));
  }

  #sourceOf({ asked }: MemoryRequest): string | null {
    if (asked.from !== null) return join(this.options.root, this.find(asked.from).record.id);
    return this.options.templates.get(asked.template) ?? null;
  }

  #generationOf({ asked }: MemoryRequest): number {
    const parent = asked.parent === null ? undefined : this.instances.get(asked.parent);
    return parent ? parent.record.generation + 1 : 0;
  }

  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(work);
  }

  /** A lease that ends may be what the head of the line waits for. */
  #lookWhenLeasesEnd(): void {
    clearTimeout(this.#leaseTimer);
    if (this.#line.length === 0) return;
    const now = Date.now();
    const ends = this.all.flatMap(({ record }) => leaseInForce(record, now)?.expiresAt ?? []);
    if (ends.length === 0) return;
    const inMs = Math.min(Math.min(...ends) - now, 2 ** 31 - 1);
    this.#leaseTimer = setTimeout(() => this.look(), inMs).unref();
  }
}
