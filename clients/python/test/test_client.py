import json
import os
import secrets
import unittest

import spica
from support import STATE_DIR, TOKEN, URL, PoolTest, eventually


class SpawnTest(PoolTest):
    def test_holds_instances_until_the_end_of_the_block_and_deletes_none(self):
        request = self.client.spawn(count=2, params={"LR": 0.1}, experiment="sweep", labels={"arm": "a"}, lease="1h")
        with request.wait() as batch:
            self.assertEqual(len(batch), 2)
            for instance in batch:
                with open(os.path.join(instance.path, "manifest.json"), encoding="utf-8") as file:
                    self.assertEqual(json.load(file)["params"], {"LR": 0.1})
                self.assertTrue(self.client.get(instance.id)["lease"]["inForce"])
                instance.score(0.5)
        for instance in batch:
            view = self.client.get(instance.id)
            self.assertEqual((view["lease"], view["score"], view["path"]), (None, 0.5, instance.path))
        self.assertEqual({each["id"] for each in self.client.list(labels={"arm": "a"})}, {each.id for each in batch})
        self.assertEqual(list(self.client.list(experiment="another")), [])

    def test_works_with_a_url_and_a_token_as_with_the_socket(self):
        runner = spica.Client(url=URL, token=TOKEN)
        with runner.spawn(lease="1h").wait() as batch:
            self.assertEqual(runner.get(batch[0].id)["by"], "pytest")
            self.assertEqual(runner.get(batch[0].id)["path"], batch[0].path)
        (other,) = self.client.spawn().wait()
        self.assertIsNone(runner.get(other.id)["path"])
        with self.assertRaises(spica.CheckError) as refused:
            runner.score(other.id, 1)
        self.assertEqual(refused.exception.code, "FORBIDDEN")
        with self.assertRaises(spica.CheckError) as unknown:
            list(spica.Client(url=URL, token="spica_nobody_" + "0" * 64).list())
        self.assertEqual(unknown.exception.code, "UNAUTHENTICATED")

    def test_submits_once_under_a_key_and_holds_the_same_leases_again(self):
        key = secrets.token_hex(4)  # of this run: a key names its request for a day
        first = self.client.spawn(key=key, lease="1h")
        (mine,) = first.wait()
        again = spica.Client().spawn(key=key, lease="1h")
        self.assertEqual(again.id, first.id)
        (same,) = again.wait()
        self.assertEqual((same.id, same.lease.token), (mine.id, mine.lease.token))
        with self.assertRaises(spica.UsageError) as reused:
            self.client.spawn(key=key, count=2)
        self.assertEqual(reused.exception.code, "KEY_REUSED")

    def test_gives_each_instance_parameters_of_its_own(self):
        batch = self.client.spawn(count=2, params={"A": 1}, params_each=[{"B": 1}, {"B": 2}]).wait()
        found = []
        for instance in batch:
            with open(os.path.join(instance.path, "manifest.json"), encoding="utf-8") as file:
                found.append(json.load(file)["params"])
        self.assertEqual(found, [{"A": 1, "B": 1}, {"A": 1, "B": 2}])


class EndTest(PoolTest):
    def test_says_why_the_gate_refuses_with_its_sum(self):
        with self.assertRaises(RuntimeError) as refused:
            self.client.spawn(count=1_000).wait()
        self.assertIsInstance(refused.exception, spica.RefusedError)
        self.assertEqual(refused.exception.code, "NEVER_FITS")
        self.assertIn("max_instances", str(refused.exception))
        self.assertTrue(refused.exception.details)

    def test_names_the_field_that_is_wrong(self):
        for wrong, field in [({"count": 0}, "count"), ({"params": {"A": "x\ny"}}, None), ({"lease": "soon"}, "lease")]:
            with self.subTest(wrong), self.assertRaises(ValueError) as bad:
                self.client.spawn(**wrong)
            self.assertIsInstance(bad.exception, spica.UsageError)
            if field:
                self.assertEqual(bad.exception.details["field"], field)

    def test_stops_waiting_in_time_and_takes_back_what_is_held(self):
        with self.client.spawn(count=10, lease="1h").wait():
            held = self.client.spawn(max_wait="1h")
            with self.assertRaises(TimeoutError) as late:
                held.wait(timeout=0.2)
            self.assertEqual(late.exception.code, "WAIT_TIMED_OUT")
            eventually(lambda: (held.status()["progress"] or {}).get("phase") == "held")
            self.assertIn(held.id, [each["id"] for each in self.client.requests(state="held")])
            self.assertEqual(held.cancel(), "cancelled")
            with self.assertRaises(spica.RefusedError) as cancelled:
                held.wait()
            self.assertEqual(cancelled.exception.code, "REQUEST_CANCELLED")

    def test_says_that_an_instance_is_not_there_or_who_deleted_it(self):
        with self.assertRaises(FileNotFoundError) as unknown:
            self.client.get("spica-000000000000")
        self.assertEqual(unknown.exception.code, "INSTANCE_UNKNOWN")
        (instance,) = self.client.spawn().wait()
        self.client.execute(self.client.plan(max_instances=0)["digest"])
        with self.assertRaises(spica.InstanceGoneError) as gone:
            self.client.score(instance.id, 1)
        self.assertEqual(gone.exception.code, "INSTANCE_GONE")
        self.assertIn("reason", gone.exception.details["audit"])

    def test_says_at_once_that_there_is_no_server(self):
        with self.assertRaises(ConnectionError) as away:
            list(spica.Client(socket=os.path.join(STATE_DIR, "none.sock"), patience="1h").list())
        self.assertEqual(away.exception.code, "SERVER_UNREACHABLE")
        self.assertNotIn("Errno", str(away.exception))


class LeaseTest(PoolTest):
    def setUp(self):
        super().setUp()
        (self.instance,) = self.client.spawn().wait()

    def test_renews_itself_until_it_is_released(self):
        with self.client.lease(self.instance.id, "12s") as lease:
            first = lease.expires_at
            eventually(lambda: lease.expires_at > first)
            lease.check()
            with self.assertRaises(spica.CheckError) as leased:
                spica.Client().lease(self.instance.id, "1h")
            self.assertEqual(leased.exception.code, "INSTANCE_LEASED")
        self.assertIsNone(self.client.get(self.instance.id)["lease"])

    def test_is_never_lost_silently(self):
        with self.assertRaises(spica.LeaseLostError) as lost:
            with self.client.lease(self.instance.id, "12s") as lease:
                taken = {"lease": "1h", "force": True}
                self.client._call("PUT", f"/v1/instances/{self.instance.id}/lease", body=taken)
                eventually(lambda: lease.lost)
                with self.assertRaises(spica.LeaseLostError):
                    lease.check()
        self.assertEqual((lost.exception.code, lost.exception.instance), ("LEASE_TAKEN", self.instance.id))
        self.assertTrue(self.client.get(self.instance.id)["lease"]["inForce"])  # the other's

    def test_leaves_an_error_of_the_block_as_it_is(self):
        with self.assertRaises(KeyError):
            with self.client.lease(self.instance.id, "1h"):
                raise KeyError("work")
        self.assertIsNone(self.client.get(self.instance.id)["lease"])


class PoolCallsTest(PoolTest):
    def test_pins_scores_measures_and_verifies(self):
        (instance,) = self.client.spawn().wait()
        self.client.pin(instance.id, "a champion")
        self.assertEqual(self.client.get(instance.id)["pin"]["why"], "a champion")
        self.assertEqual(self.client.plan(max_instances=0)["pruned"], [])
        self.client.unpin(instance.id)
        instance.score(1.5)
        instance.score(None)
        self.assertIsNone(self.client.get(instance.id)["score"])
        self.assertEqual(len(self.client.sample(instance.id)["measured"]), 1)
        self.assertTrue(self.client.verify(instance.id)["ok"])
        self.assertIn("sentence", self.client.preflight(count=2))

    def test_collects_what_matters_to_where_the_pool_says(self):
        (instance,) = self.client.spawn(experiment="sweep", collect=["results/**"]).wait()
        os.makedirs(os.path.join(instance.path, "results"))
        with open(os.path.join(instance.path, "results", "loss.txt"), "w", encoding="utf-8") as file:
            file.write("0.5")
        collected = instance.collect()
        self.assertEqual((collected["files"], collected["skipped"]), (1, 0))
        with open(os.path.join(collected["to"], "results", "loss.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "0.5")
        (plain,) = self.client.spawn().wait()
        with self.assertRaises(spica.CheckError) as nothing:
            plain.collect()
        self.assertEqual(nothing.exception.code, "COLLECT_FAILED")
        self.assertIsNone(plain.collect([]))
        with self.assertRaises(spica.UsageError):
            plain.collect(["../**"])

    def test_lists_all_parts_of_a_list(self):
        batch = self.client.spawn(count=3).wait()
        parts = self.client._pages("/v1/instances", {"limit": 1, "sort": "spawned"})
        self.assertEqual({each["id"] for each in parts}, {each.id for each in batch})


if __name__ == "__main__":
    unittest.main()
