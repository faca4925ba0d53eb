import { readFlags } from '../flags.ts';
import { describeOutcome } from './report.ts';
import { simulate } from './run.ts';
import { EVERYTHING } from './scenario.ts';

/** `npm run simulate -- --seed S [--days N] [--load X] [--pools P]`: runs pools through a month, draws it, and exits with 1 where a rule failed. */
const values = readFlags('simulate', {
  options: {
    seed: { type: 'string', default: '1' },
    days: { type: 'string', default: '30' },
    load: { type: 'string', default: '1' },
    pools: { type: 'string', default: '1' },
  },
});
const [seed, days] = [Number(values.seed), Number(values.days)];
const [load, pools] = [Number(values.load), Number(values.pools)];
const valid =
  Number.isSafeInteger(seed) &&
  seed >= 0 &&
  Number.isSafeInteger(days) &&
  days >= 1 &&
  days <= 3_650 &&
  load > 0 &&
  load <= 10 &&
  Number.isSafeInteger(pools) &&
  pools >= 1 &&
  pools <= 10;
if (valid) {
  const options = { seed, days, load, pools, troubles: EVERYTHING };
  const outcome = simulate(options);
  console.log(describeOutcome(options, outcome));
  process.exitCode = outcome.violations.length === 0 ? 0 : 1;
} else {
  console.error(
    'simulate: expected --seed as a whole number, --days from 1 to 3650, --load up to 10 and --pools ' +
      `from 1 to 10, got ${values.seed}, ${values.days}, ${values.load} and ${values.pools}`,
  );
  process.exitCode = 2;
}
