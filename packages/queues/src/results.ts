import type { Decision, Help, PlanItem, RuleTally } from '@spica/core';

/*
 * What the pool's worker answers, as plain types: what runners import names them, and no package of others.
 */

/** What one prune run did. */
export interface PruneResult {
  readonly pruned: readonly { readonly id: string; readonly reason: string; readonly bytes: number | null }[];
  readonly kept: number;
  /** To be deleted by the plan, but protected or gone when its turn came. */
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
  /** Some of the failed are planned again at once; the others plans leave out for a while. */
  readonly failsAgain: boolean;
  /** Directories under the pool's root that are not Spica's, or not yet in the catalog: left alone. */
  readonly unknownDirectories: readonly { readonly name: string; readonly reason: string }[];
  /** Processes that could not be looked into, which may use what goes; null where there are none, or nobody looked. */
  readonly unseen: { readonly processes: number; readonly sentence: string } | null;
  /** Bytes that are free again. */
  readonly reclaimedBytes: number;
  /** Bytes that wait in the trash, and can be brought back. */
  readonly trashedBytes: number;
  readonly sentence: string;
}

export interface GrowResult {
  readonly id: string;
  /** Its cap from now on: as before where there was no room for more. */
  readonly capBytes: number;
  readonly granted: boolean;
  /** More room than there can ever be: to wait for it would be in vain. */
  readonly isImpossible: boolean;
  /** The sum that it was decided by. */
  readonly sentence: string;
}

/** What is to be deleted, and why; of the trash, why it was put there. */
export interface Going {
  readonly id: string;
  readonly reason: string;
  readonly bytes: number | null;
}

/** What the gate would do with a request as things stand. */
export interface Preview extends Decision {
  /** Whether the template's snapshot is up to date. */
  readonly prepared: boolean;
  /** What is wrong with the disk: nothing is decided as long as it is; null for nothing. */
  readonly trouble: { readonly code: string; readonly reason: string } | null;
  /** What the request would wait for besides room, were it submitted now: a barrier, the breaker, a rate; else null. */
  readonly waitsFor: string | null;
  /** What the gate would have pruned, to admit it then; null where it is not short, or that would not do. */
  readonly afterPruning: { readonly instances: readonly Going[]; readonly trash: readonly Going[] } | null;
  /** What would help where it is short and no room can be made for it; else null. */
  readonly help: Help | null;
}

/** What a prune did, or (dry run) would do. */
export interface PruneReport extends PruneResult {
  readonly pool: string;
  readonly dryRun: boolean;
  /** Without Redis. */
  readonly offline: boolean;
  /** How long what was pruned can be brought back. */
  readonly trashTtlMs?: number;
  /** Of a dry run: every instance, kept or not, with the rule that decided. */
  readonly items?: readonly PlannedItem[];
  /** Of a dry run: why instances stay, and why they go, by rule, the most frequent first. */
  readonly keptBy?: readonly RuleTally[];
  readonly deletedBy?: readonly RuleTally[];
  /** Of a dry run: the limits that it was made under, as a sentence. */
  readonly policy?: string;
  /** Of a dry run: the name of the sealed plan, for an hour; null without Redis, which keeps them. */
  readonly digest?: string | null;
}

export type PlannedItem = Omit<PlanItem, 'candidate'>;

/** What a prune would do now. Its digest names exactly this plan for an hour, so that it can be carried out. */
export interface PrunePlan extends PruneReport {
  readonly items: readonly PlannedItem[];
  readonly digest: string;
  readonly keptBy: readonly RuleTally[];
  readonly deletedBy: readonly RuleTally[];
  readonly policy: string;
}

/** Other limits than the pool's; null for those that it has. */
export interface WhatIfLimits {
  readonly maxInstances: number | null;
  readonly maxAgeMs: number | null;
  readonly keepBest: number | null;
  /** Free space that is to be there: more goes where there is less. */
  readonly minFreeBytes: number | null;
}

/** What a prune would do under other limits. Nothing is sealed: it cannot be carried out. */
export interface WhatIfPlan extends PruneReport {
  readonly digest: null;
  /** All that would be deleted, and the first of what stays: `keptBy` counts all of that. */
  readonly items: readonly PlannedItem[];
  readonly keptBy: readonly RuleTally[];
  readonly deletedBy: readonly RuleTally[];
  readonly policy: string;
  /** Whether what may go makes up for the free space that was asked for; if not, nothing goes for it. */
  readonly sufficient: boolean;
  /** What would be free then. */
  readonly availableBytes: number;
  /** The floor that was asked for, or the pool's. */
  readonly floorBytes: number;
}

/** Whether an instance's lineage is what its manifest says. */
export interface LineageVerdict {
  readonly id: string;
  readonly ok: boolean;
  /** Where it differs; null where it does not. */
  readonly reason: string | null;
  /** SHA-256, hex, of lineage.json as it is; null where it cannot be read. */
  readonly sha: string | null;
}

/** A part of the audit log, oldest first. */
export interface AuditPage {
  readonly items: readonly AuditRecord[];
  /** The `before` of the part before it; null where there is nothing before, or the part goes forward. */
  readonly next: string | null;
}

/** An entry of the audit log (docs/audit.md); further facts of an action stand beside these. */
export interface AuditRecord {
  /** Counts from 1, through all rotations. */
  readonly seq: number;
  readonly prev: string;
  /** ISO-8601 UTC. */
  readonly timestamp: string;
  readonly action: string;
  readonly pool: string | null;
  readonly request: string | null;
  readonly instance: string | null;
  readonly reason: string | null;
  readonly bytes: number | null;
  readonly dry_run: boolean;
  readonly outcome: string;
  readonly [fact: string]: unknown;
}
