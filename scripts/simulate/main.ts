import { readFlags } from '../flags.ts';
import { describeOutcome } from './report.ts';
import { simulate } from './run.ts';

/** `npm run simulate -- --seed S [--days N] [--load X]`: runs a pool through a month, draws it, and exits with 1 where a rule failed. */
const values = readFlags('simulate', {
  options: {
    seed: { type: 'string', default: '1' },
    days: { type: 'string', default: '30' },
    load: { type: 'string', default: '1' },
  },
});
const [seed, days, load] = [Number(values.seed), Number(values.days), Number(values.load)];
const valid =
  Number.isSafeInteger(seed) &&
  seed >= 0 &&
  Number.isSafeInteger(days) &&
  days >= 1 &&
  days <= 3_650 &&
  load > 0 &&
  load <= 10;
if (valid) {
  const troubles = { others: true, crashes: true, clockChanges: true, wrongProfiles: true };
  const options = { seed, days, load, troubles };
  const outcome = simulate(options);
  console.log(describeOutcome(options, outcome));
  process.exitCode = outcome.violations.length === 0 ? 0 : 1;
} else {
  console.error(
    'simulate: expected --seed as a whole number, --days from 1 to 3650 and --load up to 10, got ' +
      `${values.seed}, ${values.days} and ${values.load}`,
  );
  process.exitCode = 2;
}
