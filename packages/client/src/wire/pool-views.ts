import * as z from 'zod';
import type { DiskHistory, PoolView, ProfileView, SpaceNode } from '../view.ts';

/*
 * What a client is told of a pool as a whole, as schemas: see views.ts.
 */

const text = z.string();
const textOrNull = z.string().nullable();
const number = z.number();
const numberOrNull = z.number().nullable();
const size = z.object({ bytes: number, inodes: number });

export const verdictViewSchema = z.object({
  level: z.enum(['safe', 'watch', 'short', 'critical', 'unknown']),
  sentence: text,
  until: textOrNull,
}) satisfies z.ZodType<PoolView['verdict']>;

export const poolViewSchema = z.object({
  pool: text,
  verdict: verdictViewSchema,
  at: textOrNull,
  served: z.boolean().nullable(),
  instances: number,
  maxInstances: numberOrNull,
  reserved: size.extend({ slots: number }),
  growth: size,
  ownBytes: number,
  disk: z
    .object({
      totalBytes: number,
      availableBytes: number,
      floorBytes: number,
      targetBytes: number,
      freeInodes: numberOrNull,
    })
    .nullable(),
  imageHost: z.object({ availableBytes: number, floorBytes: number, mayGrowBytes: number }).nullable(),
  policy: z
    .object({
      sentence: text,
      maxInstances: number,
      maxAgeMs: number,
      keepBest: number,
      minFreeBytes: number,
      maxInstanceBytes: numberOrNull,
      maxPoolBytes: numberOrNull,
    })
    .nullable(),
  blind: z.object({ why: text, keepMs: number }).nullable(),
  host: textOrNull,
  filesystem: textOrNull,
  clonesBy: z.enum(['snapshot', 'reflink', 'copy']).nullable(),
  audit: z
    .object({
      state: z.enum(['intact', 'broken', 'unchecked']),
      entries: number,
      checkedAt: textOrNull,
      sentence: text,
    })
    .nullable(),
  pressure: z.object({ level: text, since: textOrNull, reason: textOrNull }).nullable(),
  clockSuspended: textOrNull,
  deletionsHeldUntil: textOrNull,
  held: z.array(
    z.object({ request: text, count: number, since: text, reason: text, whatWouldHelp: textOrNull }),
  ),
  heldCount: number,
}) satisfies z.ZodType<PoolView>;

const forecast = z.union([
  z.object({ trend: z.literal('unknown') }),
  z.object({ trend: z.literal('stable') }),
  z.object({
    trend: z.literal('filling'),
    untilFloorMs: number,
    soonestMs: number,
    latestMs: number,
    bytesPerHour: number,
  }),
]);

export const diskHistorySchema = z.object({
  points: z.array(
    z.object({
      at: text,
      availableBytes: number,
      instancesBytes: number,
      trashBytes: number,
      templatesBytes: number,
      othersBytes: number,
      growthBytes: number,
      reservedBytes: number,
      hostAvailableBytes: numberOrNull,
    }),
  ),
  marks: z.array(
    z.object({
      at: text,
      kind: z.enum(['deletion', 'held', 'level', 'cap']),
      count: number,
      text,
      seq: numberOrNull,
    }),
  ),
  forecast: forecast
    .and(
      z.object({
        sentence: text,
        band: z.array(z.object({ at: text, lowBytes: number, highBytes: number })),
      }),
    )
    .nullable(),
  floorBytes: numberOrNull,
  targetBytes: numberOrNull,
}) satisfies z.ZodType<DiskHistory>;

export const profileViewSchema = z.object({
  kind: z.enum(['template', 'experiment']),
  name: text,
  count: number,
  p50Bytes: number,
  p95Bytes: number,
  expectedBytes: number,
  predictedBytes: numberOrNull,
  actualBytes: numberOrNull,
}) satisfies z.ZodType<ProfileView>;

export const spaceNodeSchema = z.object({
  kind: z.enum(['pool', 'experiment', 'template', 'instance', 'rest']),
  name: text,
  id: textOrNull,
  ownBytes: number,
  expectedBytes: number,
  capBytes: numberOrNull,
  instances: number,
  get children(): z.ZodOptional<z.ZodArray<z.ZodType<SpaceNode>>> {
    return z.array(spaceNodeSchema as z.ZodType<SpaceNode>).optional();
  },
});
