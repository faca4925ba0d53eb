import hashlib
import json
import os
import subprocess
import sys
import unittest

import spica
import spica_spawn
from support import PoolTest


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return json.load(file)


class OlderModuleTest(PoolTest):
    def test_spawns_an_instance_and_returns_its_manifest(self):
        manifest = spica_spawn.spawn_instance({"LR": 0.1, "MODEL": "b"}, budget={"cpu": 2}, notes="warm start")
        path = manifest.pop("path")
        self.assertEqual(manifest, read(path, "manifest.json"))
        self.assertEqual(manifest["schema"], "spica.manifest/v1")
        self.assertEqual((manifest["params"], manifest["notes"]), ({"LR": 0.1, "MODEL": "b"}, "warm start"))
        self.assertEqual(manifest["budget"], {"cpu": 2, "ram_gb": 8, "vram_gb": 8})
        with open(os.path.join(path, ".env.spica"), encoding="utf-8") as file:
            self.assertIn("LR=0.1", file.read())
        child = spica_spawn.spawn_instance(parent_id=manifest["spica_id"])
        lineage = read(child["path"], "lineage.json")
        self.assertEqual((lineage["parent_id"], lineage["generation"]), (manifest["spica_id"], 1))

    def test_takes_the_budget_of_the_environment_for_what_is_left_out(self):
        os.environ["SPICA_BUDGET_RAM_GB"] = "16"
        self.addCleanup(os.environ.pop, "SPICA_BUDGET_RAM_GB")
        manifest = spica_spawn.spawn_instance(budget={"cpu": 1})
        self.assertEqual(manifest["budget"], {"cpu": 1, "ram_gb": 16, "vram_gb": 8})

    def test_throws_what_the_callers_of_the_older_one_catch(self):
        for wrong in [{"1BAD": 1}, {"A": "x\ny"}, {"A": [1]}]:
            with self.subTest(wrong), self.assertRaises(ValueError):
                spica_spawn.spawn_instance(wrong)
        with self.assertRaises(ValueError):
            spica_spawn.spawn_instance(budget={"disk": 1})
        with self.assertRaises(FileNotFoundError):
            spica_spawn.spawn_instance(parent_id="spica-000000000000")
        with self.assertRaises(FileNotFoundError):
            spica_spawn.verify_lineage_integrity("spica-000000000000")
        self.assertEqual(spica_spawn.list_instances(), [])

    def test_lists_what_is_there_oldest_first(self):
        first, second = spica_spawn.spawn_instance(), spica_spawn.spawn_instance()
        listed = spica_spawn.list_instances()
        self.assertEqual([each["spica_id"] for each in listed], [first["spica_id"], second["spica_id"]])
        self.assertEqual({name: listed[0][name] for name in first}, first)
        self.assertEqual((listed[0]["generation"], listed[0]["parent_id"], listed[0]["score"]), (0, None, None))

    def test_sees_that_a_lineage_was_changed(self):
        manifest = spica_spawn.spawn_instance()
        self.assertIs(spica_spawn.verify_lineage_integrity(manifest["spica_id"]), True)
        with open(os.path.join(manifest["path"], "lineage.json"), "a", encoding="utf-8") as file:
            file.write("\n")
        self.assertIs(spica_spawn.verify_lineage_integrity(manifest["spica_id"]), False)

    def test_prunes_the_oldest_and_nothing_in_a_dry_run(self):
        ids = [spica_spawn.spawn_instance()["spica_id"] for _ in range(3)]
        planned = spica_spawn.prune_instances(max_instances=2, dry_run=True)
        self.assertEqual((planned["pruned"], planned["kept"], planned["dry_run"]), ([ids[0]], 2, True))
        self.assertEqual(len(spica_spawn.list_instances()), 3)
        done = spica_spawn.prune_instances(max_instances=2)
        self.assertEqual((done["pruned"], done["kept"], done["dry_run"]), ([ids[0]], 2, False))
        self.assertEqual([each["spica_id"] for each in spica_spawn.list_instances()], ids[1:])
        self.assertEqual(spica_spawn.prune_instances(max_age_days=1.5)["pruned"], [])
        with self.assertRaises(ValueError):
            spica_spawn.prune_instances(max_instances=-1)

    def test_never_prunes_what_a_tournament_lock_protects(self):
        manifest = spica_spawn.spawn_instance()
        lock = os.path.join(manifest["path"], ".tournament_lock")
        with open(lock, "w", encoding="utf-8") as file:
            json.dump({"started_at": os.stat(manifest["path"]).st_mtime}, file)
        self.assertEqual(spica_spawn.prune_instances(max_instances=0)["pruned"], [])
        os.remove(lock)

    def test_deletes_nothing_to_make_room_where_that_is_not_wanted(self):
        for _ in range(10):
            spica_spawn.spawn_instance()
        with self.assertRaises(RuntimeError) as refused:
            spica_spawn.spawn_instance(auto_prune=False)
        self.assertEqual(refused.exception.code, "PRUNE_NEEDED")
        self.assertEqual(len(spica_spawn.list_instances()), 10)
        spica_spawn.spawn_instance()
        self.assertEqual(len(spica_spawn.list_instances()), 10)


class CommandLineTest(PoolTest):
    def run_it(self, *arguments):
        command = [sys.executable, spica_spawn.__file__, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def test_prints_json(self):
        code, manifest, _ = self.run_it("spawn", "--mutations", '{"LR": 0.1}', "--notes", "n")
        self.assertEqual((code, manifest["params"]), (0, {"LR": 0.1}))
        self.assertEqual(self.run_it("list")[1], spica_spawn.list_instances())
        verified = (0, {"spica_id": manifest["spica_id"], "ok": True}, "")
        self.assertEqual(self.run_it("verify", manifest["spica_id"]), verified)
        code, report, _ = self.run_it("prune", "--max-instances", "0", "--dry-run")
        self.assertEqual((code, report["pruned"], report["dry_run"]), (0, [manifest["spica_id"]], True))
        self.assertEqual(self.run_it("prune", "--max-instances", "0")[1]["pruned"], [manifest["spica_id"]])

    def test_says_what_is_wrong_in_one_line(self):
        code, _, said = self.run_it("spawn", "--mutations", '{"1BAD": 1}')
        self.assertEqual((code, said.count("\n")), (2, 1))
        self.assertIn("1BAD", said)
        self.assertEqual(self.run_it("verify", "spica-000000000000")[0], 1)
        self.assertEqual(self.run_it("spawn", "--mutations", "[1]")[0], 2)


class TournamentTest(PoolTest):
    def test_runs_every_replica_keeps_the_champion_and_the_record(self):
        seen = []

        def evaluate(replica, path):
            seen.append((replica["replica_id"], read(path, "manifest.json")["params"]["LR"]))
            return {"status": "pass", "metrics": {"score": seen[-1][1]}}

        candidates = [{"LR": 0.1}, {"LR": 0.3}]
        qtime = {"epochs": 1, "slices_per_epoch": 2, "replicas_per_slice": 2}
        record = spica_spawn.submit_tournament("qa.gold", candidates, qtime, evaluate)
        first, second = record["instances"]
        self.assertEqual([name for name, _ in seen[:3]], [f"{first}.e0.s0.r0", f"{second}.e0.s0.r0", f"{first}.e0.s0.r1"])
        self.assertEqual((record["total_replicas"], record["results"]["passed"]), (8, 8))
        self.assertEqual((record["champion"], record["scores"]), (second, {first: 0.1, second: 0.3}))
        plan = spica_spawn.plan_replicas(record["instances"], qtime)
        text = json.dumps(plan, sort_keys=True).encode()
        self.assertEqual(record["replica_plan_hash"], hashlib.sha256(text).hexdigest())
        self.assertEqual(self.client.tournament(record["id"]), record)
        self.assertEqual(next(self.client.tournaments())["id"], record["id"])
        champion, loser = self.client.get(second), self.client.get(first)
        self.assertIn("qa.gold", champion["pin"]["why"])
        self.assertEqual((loser["pin"], loser["lease"], loser["score"]), (None, None, 0.1))

    def test_records_a_replica_that_throws_as_failed(self):
        def evaluate(replica, path):
            if replica["replica"] == 1:
                raise OSError("out of memory")
            return {"status": "pass"}

        qtime = {"replicas_per_slice": 2}
        record = spica_spawn.submit_tournament("qa.gold", [{}], qtime, evaluate, max_workers=2)
        self.assertEqual((record["results"]["passed"], record["results"]["failed"]), (1, 1))
        self.assertEqual(record["results"]["results"][1]["error"], "OSError: out of memory")
        self.assertEqual(list(record["scores"].values()), [0.5])

    def test_names_the_instance_whose_lineage_was_changed_and_stores_no_score(self):
        def evaluate(_replica, path):
            lineage = read(path, "lineage.json")
            with open(os.path.join(path, "lineage.json"), "w", encoding="utf-8") as file:
                json.dump({**lineage, "generation": 9}, file)
            return {"status": "pass"}

        with self.assertRaises(spica_spawn.LineageChangedError) as changed:
            spica_spawn.submit_tournament("qa.gold", [{}], evaluate=evaluate)
        view = self.client.get(changed.exception.instance)
        self.assertEqual((view["score"], view["lease"]), (None, None))
        head = next(self.client.tournaments())
        self.assertEqual((head["outcome"], head["champion"]), ("abandoned", None))
        self.assertIn("LineageChangedError", head["reason"])

    def test_spawns_none_where_not_all_fit(self):
        with self.assertRaises(spica.RefusedError):
            spica_spawn.Tournament("qa.gold", [{}] * 11)
        self.assertEqual(spica_spawn.list_instances(), [])


if __name__ == "__main__":
    unittest.main()
