import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeServed } from './served.ts';

/** Writes instances as the older module did: format, names of eight digits, a lock of a tournament that runs. */
const MAKE = `
import datetime, hashlib, json, os, sys
now = datetime.datetime.now(datetime.timezone.utc)
def make(id, parent, generation, days):
    path = os.path.join(sys.argv[1], id)
    os.makedirs(path)
    at = (now - datetime.timedelta(days=days)).isoformat()
    lineage = {"spica_id": id, "parent_id": parent, "origin_commit": "unknown", "generation": generation, "spawned_at": at}
    text = json.dumps(lineage, indent=2) + "\\n"
    manifest = {
        "schema": "spica.manifest/v1", "spica_id": id, "template_ref": "git:unknown", "template_version": "0.9",
        "lineage_sha": hashlib.sha256(text.encode()).hexdigest(), "seed": 42, "params": {"LR": 0.1},
        "budget": {"cpu": 4, "ram_gb": 8, "vram_gb": 8}, "spawned_at": at, "notes": "older",
    }
    for file, body in [("lineage.json", text), ("manifest.json", json.dumps(manifest, indent=2) + "\\n")]:
        with open(os.path.join(path, file), "w") as out:
            out.write(body)
make("spica-0a1b2c3d", None, 0, 5)
make("spica-4e5f6a7b", "spica-0a1b2c3d", 1, 4)
make("spica-8c9d0e1f", None, 0, 0.1)
with open(os.path.join(sys.argv[1], "spica-0a1b2c3d", ".tournament_lock"), "w") as out:
    json.dump({"started_at": now.timestamp()}, out)
os.makedirs(os.path.join(sys.argv[1], "notes"))
`;

describeServed(
  "a directory of the older module's",
  (served) => {
    it('is taken in, shown by the drop-in as it was, and nothing of it is deleted within the first hour', async () => {
      const { site, python } = served();
      const list = await python(['-m', 'spica_spawn', 'list']);
      const listed = JSON.parse(list.stdout) as { spica_id: string; path: string; generation: number }[];
      expect(listed.map(({ spica_id, generation }) => [spica_id, generation])).toEqual([
        ['spica-0a1b2c3d', 0],
        ['spica-4e5f6a7b', 1],
        ['spica-8c9d0e1f', 0],
      ]);
      for (const each of listed) {
        expect(each).toMatchObject(JSON.parse(await readFile(join(each.path, 'manifest.json'), 'utf8')));
        expect(await python(['-m', 'spica_spawn', 'verify', each.spica_id])).toMatchObject({ exitCode: 0 });
      }
      expect((await stat(join(site.pool.paths.root, 'notes'))).isDirectory()).toBe(true);
      const prune = await python(['-m', 'spica_spawn', 'prune']);
      expect(JSON.parse(prune.stdout)).toMatchObject({ pruned: [], kept: 3 });
    });

    it('is then under the limits, its locks and lineages in force', async () => {
      const { site, python } = served();
      await site.spica('reconcile', '--end-grace');
      const child = await python(['-m', 'spica_spawn', 'spawn', '--parent', 'spica-8c9d0e1f', '--no-prune']);
      expect(child.exitCode, child.stderr).toBe(0);
      const planned = await python(['-m', 'spica_spawn', 'prune', '--dry-run']);
      expect(JSON.parse(planned.stdout)).toMatchObject({
        pruned: ['spica-4e5f6a7b'],
        kept: 3,
        dry_run: true,
      });
      const pruned = await python(['-m', 'spica_spawn', 'prune']);
      expect(JSON.parse(pruned.stdout)).toMatchObject({
        pruned: ['spica-4e5f6a7b'],
        kept: 3,
        dry_run: false,
      });
    });
  },
  { before: async ({ pool, python }) => python(['-c', MAKE, pool.paths.root]) },
);
