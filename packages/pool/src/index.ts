export { createSerialiser, type Serialiser } from './async/serialiser.ts';
export { singleFlight } from './async/single-flight.ts';
export * from './audit/audit.ts';
export type { AuditFilter } from './audit/filter.ts';
export * from './audit/line.ts';
export { searchAudit, searchAuditAfter } from './audit/search.ts';
export * from './audit/tail.ts';
export * from './audit/verify.ts';
export { verifyAuditAside } from './audit/verify-aside.ts';
export { boundToUs } from './bound.ts';
export { tryFileLock } from './claim/file-lock.ts';
export { describeHolder, identifySelf, isAlive } from './claim/identity.ts';
export * from './claim/pool.ts';
export { cloneInstance } from './clone/clone.ts';
export { asNoSpace, outOf } from './clone/full-disk.ts';
export { probeCloneMethod } from './clone/probe.ts';
export { cleanStaging, removeStaged } from './clone/staging.ts';
export { type CollectOptions, collectInstance, readCollectState } from './collect/collect.ts';
export { type ChildEnd, runChild } from './command/child.ts';
export * from './command/log.ts';
export { endMarked } from './command/marked.ts';
export { lastLines, sayPrinted } from './command/output.ts';
export { type CommandEnd, markOf, runCommand, underGuard } from './command/run.ts';
export { whyNotStartable } from './command/startable.ts';
export { filesystemOf, filesystemTypeOf, type MountedOn, mountedOn } from './filesystem.ts';
export { capInstance, forgetCharge, type PoolCharges } from './image/charge.ts';
export { switchChargesOn } from './image/charges-on.ts';
export { checkImage } from './image/check.ts';
export { growImage } from './image/grow.ts';
export { type ImageHost, readImageHost } from './image/host.ts';
export { initImagePool, isInImage } from './image/init.ts';
export { ensureMounted } from './image/mount.ts';
export { type ImageNote, imageFileOf, readImageNote } from './image/place.ts';
export { imageProblem } from './image/problem.ts';
export { awaitReturned } from './image/returned.ts';
export { type ImageReport, reportImage } from './image/show.ts';
export { unmountImage } from './image/unmount.ts';
export { readUnwritten } from './image/unwritten.ts';
export * from './layout.ts';
export * from './live/lock-file.ts';
export * from './live/processes.ts';
export * from './live/unseen.ts';
export { buildLineage, buildManifest } from './manifest/build.ts';
export * from './manifest/manifest.ts';
export type { Lineage, Manifest } from './manifest/schema.ts';
export { initPool } from './marker/init.ts';
export {
  checkMarker,
  checkName,
  openPool,
  type PoolPlace,
  readMarker,
} from './marker/marker.ts';
export { asMeasurement, readCharges, readChargesNow } from './measure/charged.ts';
export * from './measure/measure.ts';
export { isThere } from './missing.ts';
export * from './modes.ts';
export { shareArena } from './native/arena.ts';
export { sendDatagram } from './native/datagram.ts';
export * from './records.ts';
export { isSubvolume } from './remove/subvolume.ts';
export * from './scan.ts';
export * from './space.ts';
export { doubtSpace } from './space-check.ts';
export { syncFilesystem } from './sync.ts';
export type { Prepared } from './template/prepared.ts';
export { readPreparedBytes } from './template/prepared-bytes.ts';
export { checkTemplate, reportTemplate, type TemplateReport } from './template/report.ts';
export { createTemplates, type Templates } from './template/templates.ts';
export type { TemplateWarning } from './template/warning.ts';
export * from './trash/entry.ts';
export * from './trash/mounts.ts';
export * from './trash/put-and-empty.ts';
export { type SnapshotKey, sweepBaselines } from './unsaved/baseline.ts';
export { findUnsavedWork } from './unsaved/find.ts';
export {
  dropInstanceBaseline,
  inheritInstanceBaseline,
  keepInstanceBaseline,
} from './unsaved/instance-baseline.ts';
export { whyUnwritable } from './write-check.ts';
