import type { Level, PoolView } from '../../api/views.ts';
import { bytes, count } from '../../parts/format.ts';
import { Sentence as Text } from '../../parts/sentence.tsx';
import { Shape } from '../../parts/shape.tsx';
import { Time } from '../../parts/time.tsx';
import { hrefTo } from '../../router/router.ts';
import { splitAtTime } from './split-at-time.ts';

const WORDS: Readonly<Record<Level, string>> = {
  safe: 'Safe',
  watch: 'Watch',
  short: 'Short',
  critical: 'Critical',
  unknown: 'Not known',
};

/** Whether the disk is safe, in words, with a shape and a colour; below it the figures that this follows from. */
export function Verdict({ pool }: { readonly pool: PoolView }) {
  const { verdict, disk } = pool;
  return (
    <section class={`verdict ${verdict.level}`} aria-labelledby="verdict">
      <div class="sentence">
        <Shape level={verdict.level} label={WORDS[verdict.level]} />
        <h1 id="verdict" aria-live="polite">
          <Sentence verdict={verdict} />
        </h1>
      </div>
      <Notices pool={pool} />
      <dl class="figures">
        <Figure name="Free" value={bytes(disk?.availableBytes)} />
        <Figure name="Floor" value={bytes(disk?.floorBytes)} />
        <Figure name="Above the floor" value={bytes(disk && disk.availableBytes - disk.floorBytes)} />
        <Figure name="Reserved" value={bytes(pool.reserved.bytes)} />
        <Figure name="Growth to come" value={bytes(pool.growth.bytes)} />
        <Figure
          name="Instances"
          value={`${count(pool.instances)}${pool.maxInstances === null ? '' : ` of ${count(pool.maxInstances)}`}`}
        />
        <Figure name="Waiting" value={count(pool.heldCount)} href={hrefTo('/requests')} />
      </dl>
    </section>
  );
}

/** The sentence, with the time that it names in the viewer's zone. */
function Sentence({ verdict: { sentence, until } }: Pick<PoolView, 'verdict'>) {
  const [before, after] = splitAtTime(sentence);
  if (until === null || after === null) return <>{sentence}</>;
  return (
    <>
      {before}
      <Time at={until} />
      {after}
    </>
  );
}

function Figure({
  name,
  value,
  href,
}: {
  readonly name: string;
  readonly value: string;
  readonly href?: string;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="num">{href === undefined ? value : <a href={href}>{value}</a>}</dd>
    </div>
  );
}

/** What an operator has to know beside the verdict. */
function Notices({
  pool: { served, clockSuspended, deletionsHeldUntil, pressure, audit, blind, pool },
}: {
  readonly pool: PoolView;
}) {
  const notices = [
    served === false && `No worker serves ${pool}: requests wait until \`spica up\` runs.`,
    clockSuspended !== null && `Rules of age are suspended: ${clockSuspended}`,
    deletionsHeldUntil !== null &&
      `Nothing is deleted before ${deletionsHeldUntil}: Redis was lost, and perhaps leases with it. \`spica reconcile --end-grace\` ends that.`,
    blind !== null &&
      `The worker cannot see who uses an instance: ${blind.why}. What was leased is kept for longer (blind_keep).`,
    audit?.state === 'broken' && `The audit log's chain is broken: ${audit.sentence}`,
    pressure?.level === 'unwritable' && (pressure.reason ?? 'The disk takes no writes.'),
  ].filter((each) => each !== false);
  if (notices.length === 0) return null;
  return (
    <ul class="notices">
      {notices.map((text) => (
        <li key={text}>
          <Text text={text} />
        </li>
      ))}
    </ul>
  );
}
