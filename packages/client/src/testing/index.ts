import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveConfig, retentionPolicyOf } from '@spica/core';
import { Spica } from '../spica.ts';
import { MemoryPool } from './pool.ts';
import { overMemory } from './transport.ts';

export interface TestServerOptions {
  /** @default 'main' */
  readonly pool?: string;
  /** As many instances as there may be at a time; further requests are held. @default 10 */
  readonly maxInstances?: number;
  /** How long a request is held that does not say, milliseconds. @default 600_000 */
  readonly maxWaitMs?: number;
  /** Directories by the names of the templates. By default `default` is an empty one. */
  readonly templates?: Readonly<Record<string, string>>;
}

/**
 * A server in memory, for tests of a runner: the same client, the same rules of the gate, of leases and of retention, and
 * real directories, without Redis, workers or a server. The same test gives the same ids each time.
 */
export class TestServer implements AsyncDisposable {
  /** Where the instances lie, until it is closed. */
  readonly root: string;
  readonly #pool: MemoryPool;

  private constructor(root: string, pool: MemoryPool) {
    this.root = root;
    this.#pool = pool;
  }

  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    const { pool: name = 'main', maxInstances, maxWaitMs, templates } = options;
    const root = await mkdtemp(join(tmpdir(), 'spica-test-'));
    const flags = {
      [`pools.${name}.root`]: root,
      [`pools.${name}.retention.max_instances`]: maxInstances,
    };
    const { config } = resolveConfig({ file: null, env: {}, flags, cwd: root, home: root });
    const policy = config.pools[name];
    if (!policy) throw new TypeError(`no pool ${name} in its own config`);
    const known: [string, string | null][] = templates ? Object.entries(templates) : [['default', null]];
    const memory = new MemoryPool({
      name,
      root,
      policy: retentionPolicyOf(policy.retention),
      templates: new Map(known),
      maxWaitMs: maxWaitMs ?? config.gate.maxWaitMs,
    });
    return new TestServer(root, memory);
  }

  /** A client of it. There may be several. */
  connect(): Spica {
    return Spica.over(overMemory(this.#pool));
  }

  /** Ends what is held, and removes the instances. */
  async close(): Promise<void> {
    await this.#pool.close();
    await rm(this.root, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
