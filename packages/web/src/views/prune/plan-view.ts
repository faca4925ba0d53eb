import type { PrunePlan } from '@spica/client';

export type PlannedItem = PrunePlan['items'][number];

/** How many instances one rule keeps or deletes, what they take by themselves, and that in words. */
export interface Tally {
  readonly rule: string;
  readonly count: number;
  readonly bytes: number;
  readonly sentence: string;
}

/** A plan as the API gives it. */
export interface PlanView extends Omit<PrunePlan, 'digest'> {
  readonly digest: string | null;
  readonly keptBy: readonly Tally[];
  readonly deletedBy: readonly Tally[];
  readonly policy: string;
}

/** A plan under other limits: it cannot be carried out. */
export interface WhatIfView extends PlanView {
  /** Whether what may go makes up for the free space that was asked for. */
  readonly sufficient: boolean;
  /** What would be free then, and the floor that was asked for. */
  readonly availableBytes: number;
  readonly floorBytes: number;
}

export function deletedBy(plan: Pick<PlanView, 'items'>): readonly PlannedItem[] {
  return plan.items.filter(({ action }) => action === 'delete');
}

/** What its deletions free: own bytes, as far as they were measured. */
export function freedBytes(plan: Pick<PlanView, 'items'>): number {
  return deletedBy(plan).reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}

/** What another plan deletes that one does not, and what it spares. */
export function compare(
  now: Pick<PlanView, 'items'>,
  then: Pick<PlanView, 'items'>,
): { readonly more: readonly PlannedItem[]; readonly spared: readonly PlannedItem[] } {
  const [before, after] = [deletedBy(now), deletedBy(then)];
  const [idsBefore, idsAfter] = [before, after].map((items) => new Set(items.map(({ id }) => id)));
  return {
    more: after.filter(({ id }) => !idsBefore?.has(id)),
    spared: before.filter(({ id }) => !idsAfter?.has(id)),
  };
}
