import type { Size } from '../admission/space.ts';
import { formatBytes } from '../units/bytes.ts';
import { type Spread, spreadOf } from './percentile.ts';

/** What an instance had become when nothing more was expected of it. */
export interface Finished {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Its own bytes and inodes, without those of its replicas. */
  readonly final: Size;
  /** What its clone allocated. */
  readonly clone: Size;
  /** From its clone to when it last changed, in milliseconds. */
  readonly grewForMs: number;
  /** The size that it was admitted with, safety and replicas left out; null for an adopted instance. */
  readonly predicted: Size | null;
}

/** How well the last predictions held: actual ÷ predicted bytes. */
export interface PredictionRecord {
  readonly n: number;
  readonly ratio: Spread;
  /** In the middle of them; null in what earlier versions wrote. */
  readonly predictedBytes: number | null;
  readonly actualBytes: number | null;
  /** How many became larger than predicted. */
  readonly exceeded: number;
}

/** What the instances of a template, or of an experiment, become. */
export interface Profile {
  readonly n: number;
  readonly bytes: Spread;
  readonly inodes: Spread;
  /** Bytes an hour, of those that grew. Null when none did. */
  readonly bytesPerHour: Spread | null;
  /** Null when none of them was predicted. */
  readonly predictions: PredictionRecord | null;
}

/** Finished instances that a profile is made of: the newest, so that it follows a template that changes. */
export const MOST_FINISHED = 1_000;
/** Predictions that are judged: older ones were made with other profiles. */
const MOST_PREDICTIONS = 20;

const HOUR_MS = 3_600_000;

/** The profile that a history in any order says; null for an empty one. Only the newest MOST_FINISHED count. */
export function profileOf(history: readonly Finished[]): Profile | null {
  const newest = history.toSorted((a, b) => b.at - a.at).slice(0, MOST_FINISHED);
  const bytes = spreadOf(newest.map(({ final }) => final.bytes));
  const inodes = spreadOf(newest.map(({ final }) => final.inodes));
  if (bytes === null || inodes === null) return null;
  const speeds = newest
    .filter(({ final, clone, grewForMs }) => grewForMs > 0 && final.bytes > clone.bytes)
    .map(({ final, clone, grewForMs }) => ((final.bytes - clone.bytes) / grewForMs) * HOUR_MS);
  return {
    n: newest.length,
    bytes,
    inodes,
    bytesPerHour: spreadOf(speeds),
    predictions: judgePredictions(newest),
  };
}

function judgePredictions(newest: readonly Finished[]): PredictionRecord | null {
  const judged = newest
    .flatMap(({ final, predicted }) =>
      predicted !== null && predicted.bytes > 0
        ? [{ actual: final.bytes, predicted: predicted.bytes, ratio: final.bytes / predicted.bytes }]
        : [],
    )
    .slice(0, MOST_PREDICTIONS);
  const ratio = spreadOf(judged.map((each) => each.ratio));
  return (
    ratio && {
      n: judged.length,
      ratio,
      predictedBytes: spreadOf(judged.map(({ predicted }) => predicted))?.p50 ?? null,
      actualBytes: spreadOf(judged.map(({ actual }) => actual))?.p50 ?? null,
      exceeded: judged.filter((each) => each.ratio > 1).length,
    }
  );
}

/** A profile for people, with how its predictions held. */
export function describeProfile({ n, bytes, inodes, bytesPerHour, predictions }: Profile): string {
  const parts = [
    `${n} finished: ${formatBytes(bytes.p50)} (p50), ${formatBytes(bytes.p95)} (p95), ${formatBytes(bytes.max)} (most)`,
    `${inodes.p50}, ${inodes.p95}, ${inodes.max} inodes`,
  ];
  if (bytesPerHour !== null) parts.push(`grows by ${formatBytes(bytesPerHour.p50)} an hour (p50)`);
  if (predictions !== null) {
    const { ratio, exceeded } = predictions;
    parts.push(
      `of the last ${predictions.n} predictions ${exceeded} were exceeded: actual ÷ predicted is ` +
        `${ratio.p50.toFixed(2)} (p50), ${ratio.max.toFixed(2)} (most)`,
    );
  }
  return parts.join('; ');
}
