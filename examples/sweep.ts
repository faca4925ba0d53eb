// A sweep by ask and tell: a sampler is asked for parameters, an instance tries them, the sampler is told how good they
// were. The sampler here halves its range around the best so far; one of a library (Optuna's, over its storage) has the
// same two calls. Run it where the pool is: `node sweep.ts 8`.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Spica } from '@spica/client';

const run = promisify(execFile);
const trials = Number(process.argv[2] ?? 8);
const AT_ONCE = 2;

interface Trial {
  readonly x: number;
  readonly score: number;
}

function createSampler(low: number, high: number) {
  let best: Trial | null = null;
  let width = high - low;
  let asked = 0;
  return {
    ask(): number {
      const center = best?.x ?? (low + high) / 2;
      const side = asked % 2 === 0 ? -1 : 1;
      asked += 1;
      return Math.min(high, Math.max(low, center + (side * width) / 4));
    },
    tell(trial: Trial): void {
      if (best === null || trial.score > best.score) best = trial;
      else width /= 2;
    },
    best: () => best,
  };
}

await using spica = await Spica.connect();
const sampler = createSampler(-10, 10);

/** Tries one value in an instance of its own. */
async function attempt(): Promise<void> {
  const x = sampler.ask();
  const request = await spica.spawn({ count: 1, params: { X: x }, experiment: 'sweep', lease: '10m' });
  await using batch = await request.ready();
  const [instance] = batch.instances;
  if (!instance) return;
  const program = 'awk -v x="$X" "BEGIN { print -(x - 3) ^ 2 }" | tee score'; // what is tried
  const env = { ...process.env, X: String(x) };
  const { stdout } = await run('sh', ['-c', program], { cwd: instance.path, env, signal: instance.signal });
  const score = Number(stdout);
  await instance.score(score);
  sampler.tell({ x, score });
}

async function work(share: number): Promise<void> {
  for (let done = 0; done < share; done += 1) await attempt();
}

await Promise.all(Array.from({ length: AT_ONCE }, () => work(Math.ceil(trials / AT_ONCE))));
console.log(JSON.stringify(sampler.best()));
