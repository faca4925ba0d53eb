"""What the tests of the Python client share. They run against a pool that is really served: test/python starts one."""

import os
import time
import unittest

import spica

STATE_DIR = os.environ["SPICA_STATE_DIR"]
URL = os.environ["SPICA_TEST_URL"]
TOKEN = os.environ["SPICA_TEST_TOKEN"]


def eventually(look, timeout=30):
    """What `look` returns, once that is true."""
    until = time.monotonic() + timeout
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"not within {timeout} s")
        time.sleep(0.05)


class PoolTest(unittest.TestCase):
    """Leaves the pool empty."""

    def setUp(self):
        self.client = spica.Client()
        self.addCleanup(self.empty)

    def empty(self):
        for instance in self.client.list():
            path = f"/v1/instances/{instance['id']}"
            if instance["pin"]:
                self.client.unpin(instance["id"])
            self.client._call("DELETE", f"{path}/lease", query={"force": "true", "discard": "true"})
        plan = self.client.plan(max_instances=0)
        report = self.client.execute(plan["digest"])
        self.assertEqual((report["kept"], report["failed"]), (0, []), report)
