"""The older `spica_spawn` module, on top of Spica: the same functions, defaults, results and command line.

An evaluator written against the older module runs with this one in its place, or beside it under another import path. It
reaches the pool as `spica.Client` does (SPICA_URL and SPICA_TOKEN, else this machine's unix socket), and reads manifests
from the pool's directory, so it runs where that is. docs/python.md says what each result holds.

    python3 spica_spawn.py spawn --mutations '{"LR": 0.1}' --notes "warm start"
    python3 spica_spawn.py list
    python3 spica_spawn.py verify spica-3aec1c97b1e4
    python3 spica_spawn.py prune --max-instances 10 --dry-run
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import spica
from spica import CheckError, InstanceGoneError, RefusedError, SpicaError, TimedOutError, UnreachableError, UsageError

__all__ = [
    "CheckError",
    "InstanceGoneError",
    "LineageChangedError",
    "RefusedError",
    "SpicaError",
    "Tournament",
    "UsageError",
    "list_instances",
    "plan_replicas",
    "prune_instances",
    "replica_plan_hash",
    "spawn_instance",
    "submit_tournament",
    "verify_lineage_integrity",
]

_client: Optional[spica.Client] = None


def _spica() -> spica.Client:
    """Made at the first call, so that the module can be imported where no Spica runs."""
    global _client
    if _client is None:
        _client = spica.Client()
    return _client


# Instances ------------------------------------------------------------------------------------------------------------

_BUDGET = {"cpu": "cpu", "ram_gb": "ramGb", "vram_gb": "vramGb"}


def spawn_instance(
    mutations: Optional[Mapping[str, Any]] = None,
    parent_id: Optional[str] = None,
    budget: Optional[Mapping[str, int]] = None,
    notes: str = "",
    auto_prune: bool = True,
) -> Dict[str, Any]:
    """Spawns one instance and returns its manifest, with its directory as ``path``.

    ``mutations`` are appended to `.env.spica` and kept as ``params``. ``budget`` (``cpu``, ``ram_gb``, ``vram_gb``): what is
    left out is SPICA_BUDGET_*'s of this process, else the pool's. It waits while the gate holds it. ``auto_prune=False``:
    nothing is deleted to make room for it.

    Throws UsageError (a ValueError) for what cannot be a mutation or a budget; InstanceGoneError (a FileNotFoundError) for a
    parent that is not there; RefusedError (a RuntimeError) where there is no room, with the sum in ``details``.
    """
    client = _spica()
    if parent_id is not None:
        client.get(parent_id)  # one that is not there is told of here, by its own error
    if not auto_prune:
        _require_room(client)
    asked = _budget(budget)
    request = client.spawn(params=dict(mutations or {}), parent=parent_id, budget=asked, notes=notes)
    (instance,) = request.wait()
    view = client.get(instance.id)
    unread = {"params": dict(mutations or {}), "notes": notes}
    return {**(_manifest(view) or {**_bare_manifest(view), **unread}), "path": instance.path}


def list_instances() -> List[Dict[str, Any]]:
    """The instances that are there, oldest first: the manifest of each, with ``path``, ``parent_id``, ``generation``,
    ``score``, ``size_bytes`` (None before it was measured), ``kept_by`` (one sentence; None where nothing keeps it)."""
    ready = _spica().list(state="ready", sort="spawned")
    return [
        {
            **(_manifest(view) or _bare_manifest(view)),
            "path": view["path"],
            "parent_id": view["parent"],
            "generation": view["generation"],
            "score": view["score"],
            "size_bytes": view["ownBytes"],
            "kept_by": view["keptBy"],
        }
        for view in ready
    ]


def verify_lineage_integrity(id: str) -> bool:
    """Whether an instance's lineage.json is what its manifest was written with. Throws InstanceGoneError."""
    return bool(_spica().verify(id)["ok"])


def prune_instances(
    max_instances: Optional[int] = None,
    max_age_days: Optional[float] = None,
    dry_run: bool = False,
) -> Dict[str, Any]:
    """Deletes what is beyond the limits: SPICA_RETENTION_* of this process by default, else the pool's.

    Returns ``{"pruned": [id, …], "kept": n, "dry_run": bool, "reclaimed_bytes": n, "reasons": {id: why}, "skipped": {id: why},
    "failed": {id: why}}``. What is leased, pinned or in use is never deleted. A dry run changes nothing, and says the same.
    """
    client = _spica()
    count = _whole("max_instances", _default(max_instances, "SPICA_RETENTION_MAX_INSTANCES"))
    days = _number("max_age_days", _default(max_age_days, "SPICA_RETENTION_MAX_AGE_DAYS"))
    plan = client.plan(max_instances=count, max_age=None if days is None else datetime.timedelta(days=days))
    report = plan if dry_run else client.execute(plan["digest"])
    return {
        "pruned": [each["id"] for each in report["pruned"]],
        "kept": report["kept"],
        "dry_run": dry_run,
        "reclaimed_bytes": report["reclaimedBytes"],
        "reasons": _reasons(report["pruned"]),
        "skipped": _reasons(report["skipped"]),
        "failed": _reasons(report["failed"]),
    }


def _reasons(items: Sequence[Mapping[str, Any]]) -> Dict[str, str]:
    return {each["id"]: each["reason"] for each in items}


def _require_room(client: spica.Client) -> None:
    """The gate makes room by itself; whoever wants none to be made asks it before."""
    preview = client.preflight()
    if preview["afterPruning"] is None:
        return
    going = len(preview["afterPruning"]["instances"])
    why = f"it fits only after {going} instances are pruned, and auto_prune is off: {preview.get('sentence', '')}"
    raise RefusedError(f"spawn_instance: {why}", "PRUNE_NEEDED", preview)


def _budget(budget: Optional[Mapping[str, int]]) -> Optional[Dict[str, int]]:
    unknown = sorted(set(budget or {}) - set(_BUDGET))
    if unknown:
        message = f"budget: expected cpu, ram_gb, vram_gb, got {unknown[0]!r}"
        raise UsageError(message, "PAYLOAD_INVALID", {"field": f"budget.{unknown[0]}"})
    asked = {}
    for name, ours in _BUDGET.items():
        value = _whole(f"budget.{name}", _default((budget or {}).get(name), f"SPICA_BUDGET_{name.upper()}"))
        if value is not None:
            asked[ours] = value
    return asked or None


def _default(given: Any, variable: str) -> Any:
    return given if given is not None else os.environ.get(variable) or None


def _whole(field: str, value: Any) -> Optional[int]:
    number = _number(field, value)
    if number is not None and number != int(number):
        raise UsageError(f"{field}: expected a whole number, got {value!r}", "PAYLOAD_INVALID", {"field": field})
    return None if number is None else int(number)


def _number(field: str, value: Any) -> Optional[float]:
    if value is None:
        return None
    try:
        number = -1.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < float("inf"):
        raise UsageError(f"{field}: expected a number of at least 0, got {value!r}", "PAYLOAD_INVALID", {"field": field})
    return number


def _manifest(view: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
    """An instance's manifest.json; None where its directory, or the file, cannot be read from here."""
    try:
        with open(os.path.join(view["path"] or "", "manifest.json"), encoding="utf-8") as file:
            manifest = json.load(file)
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and manifest.get("spica_id") == view["id"] else None


def _bare_manifest(view: Mapping[str, Any]) -> Dict[str, Any]:
    """What the API knows of a manifest that cannot be read: the rest is None, or empty."""
    return {
        "schema": "spica.manifest/v1",
        "spica_id": view["id"],
        "template_ref": None,
        "template_version": view["templateVersion"],
        "lineage_sha": None,
        "seed": None,
        "params": {},
        "budget": None,
        "spawned_at": view["spawnedAt"],
        "notes": "",
    }


# Tournaments ----------------------------------------------------------------------------------------------------------


class LineageChangedError(CheckError):
    """An instance's lineage is not what it has to be; what was measured in it counts for nothing."""

    def __init__(self, instance: str, why: str):
        super().__init__(f"instance {instance}: {why}", "LINEAGE_CHANGED", {"instance": instance})
        self.instance = instance


def plan_replicas(instances: Sequence[str], qtime: Mapping[str, int]) -> Dict[str, Any]:
    """What a tournament runs, in this order: epoch by epoch, slice by slice, replica by replica, each in every instance
    before the next one begins. The same instances in the same order have the same plan."""
    replicas = [
        {
            "replica_id": f"{instance}.e{epoch}.s{slice_}.r{replica}",
            "instance_id": instance,
            "epoch": epoch,
            "slice": slice_,
            "replica": replica,
        }
        for epoch in range(qtime["epochs"])
        for slice_ in range(qtime["slices_per_epoch"])
        for replica in range(qtime["replicas_per_slice"])
        for instance in instances
    ]
    return {"total_replicas": len(replicas), "replicas": replicas}


def replica_plan_hash(plan: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


class Tournament:
    """A tournament that has begun: its candidates are there, all or none, each leased, their lineage verified. Run the
    replicas of ``plan``, then ``finish``; a ``with`` block that ends without that abandons it.

    Throws as `spica.Request.wait` does, and LineageChangedError; then nothing of it is held.
    """

    def __init__(
        self,
        suite_id: str,
        candidates: Sequence[Mapping[str, Any]],
        qtime: Optional[Mapping[str, int]] = None,
        *,
        parent_id: Optional[str] = None,
        budget: Optional[Mapping[str, int]] = None,
        notes: str = "",
        isolation: Optional[Mapping[str, bool]] = None,
        template: str = "default",
        lease: spica.Span = "10m",
        client: Optional[spica.Client] = None,
    ):
        self.suite_id = suite_id
        self.qtime = _qtime(qtime)
        self._isolation = {"cpu_affinity": False, "network_egress": True, **(isolation or {})}
        self._client = client or _spica()
        self._began = _now()
        epochs, slices, replicas = self.qtime.values()
        request = self._client.spawn(
            count=len(candidates),
            template=template,
            params_each=[dict(each) for each in candidates],
            budget=_budget(budget),
            parent=parent_id,
            experiment=suite_id,
            notes=notes,
            lease=lease,
            replicas={"epochs": epochs, "slicesPerEpoch": slices, "replicasPerSlice": replicas},
        )
        self.id = request.id
        self.record: Optional[Dict[str, Any]] = None
        self.instances = request.wait()
        try:
            self._lineages = self._verify("before")
        except BaseException:
            self.instances.release(discard=True)
            raise
        self.plan = plan_replicas([each.id for each in self.instances], self.qtime)

    def finish(
        self,
        scores: Mapping[str, float],
        results: Sequence[Mapping[str, Any]] = (),
        *,
        champion: Optional[str] = None,
        pin: bool = True,
        aggregated: Optional[Mapping[str, Any]] = None,
    ) -> Dict[str, Any]:
        """Verifies the lineage again, stores the scores, pins the champion (by default the one with the highest score),
        keeps the record and releases all. Returns the record. Throws LineageChangedError, and LeaseLostError of a candidate
        that was not held all the time: then nothing was stored."""
        if self.record is not None:
            return self.record
        self.instances.check()
        for id, lineage in self._verify("after").items():
            if lineage != self._lineages[id]:
                raise LineageChangedError(id, "its lineage.json has changed during the tournament, and its manifest with it")
        for id, score in scores.items():
            self._client.score(id, score)
        winner = champion or max(scores, key=lambda id: scores[id], default=None)
        if winner is not None and pin:
            self._client.pin(winner, f"champion of tournament {self.suite_id} ({self.id})")
        return self._end("finished", None, winner, scores, results, aggregated or {})

    def abandon(self, reason: str = "its runner gave it up") -> Dict[str, Any]:
        """Ends it without a champion: the record says why, all candidates are released."""
        return self.record or self._end("abandoned", reason, None, {}, (), {})

    def __enter__(self) -> "Tournament":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self.record is None:
            self.abandon("its runner gave it up" if error is None else f"{kind.__name__}: {error}"[:500])

    def _verify(self, when: str) -> Dict[str, str]:
        lineages = {}
        for instance in self.instances:
            verdict = self._client.verify(instance.id)
            if not verdict["ok"]:
                raise LineageChangedError(instance.id, f"{when} the tournament: {verdict['reason']}")
            lineages[instance.id] = verdict["sha"]
        return lineages

    def _end(
        self,
        outcome: str,
        reason: Optional[str],
        champion: Optional[str],
        scores: Mapping[str, float],
        results: Sequence[Mapping[str, Any]],
        aggregated: Mapping[str, Any],
    ) -> Dict[str, Any]:
        passed = sum(1 for each in results if each["status"] == "pass")
        record = {
            "schema": "phase.tournament/v1",
            "id": self.id,
            "pool": self._client.pool_name(),
            "suite_id": self.suite_id,
            "qtime": self.qtime,
            "replica_plan_hash": replica_plan_hash(self.plan),
            "instances": [each.id for each in self.instances],
            "total_replicas": self.plan["total_replicas"],
            "isolation": {**self._isolation, "lineage_immutable": outcome == "finished"},
            "results": {
                "suite_id": self.suite_id,
                "total_replicas": len(results),
                "passed": passed,
                "failed": len(results) - passed,
                "results": list(results),
                "aggregated_by_instance": dict(aggregated),
            },
            "outcome": outcome,
            "reason": reason,
            "champion": champion,
            "scores": dict(scores),
            "began_at": self._began,
            "completed_at": _now(),
        }
        self._client.save_tournament(record)
        self.record = record
        for instance in self.instances:
            instance.release(discard=instance.id != champion)
        return record


Evaluate = Callable[[Mapping[str, Any], str], Mapping[str, Any]]


def submit_tournament(
    suite_id: str,
    candidates: Sequence[Mapping[str, Any]],
    qtime: Optional[Mapping[str, int]] = None,
    evaluate: Optional[Evaluate] = None,
    *,
    max_workers: int = 1,
    **options: Any,
) -> Dict[str, Any]:
    """Runs a whole tournament and returns its record (``phase.tournament/v1``).

    ``candidates``: the mutations of each, an instance for each, all or none. ``qtime``: ``epochs``, ``slices_per_epoch``,
    ``replicas_per_slice``, 1 each by default. ``evaluate(replica, path)`` runs one replica of the plan in an instance's
    directory and returns ``{"status": "pass" or what kept it from that, "metrics": {…}}``; what it throws is a replica with the
    status ``error``. At most ``max_workers`` run at once, in threads. A candidate's score is the mean of ``metrics["score"]``
    where there are such, else the part of its replicas that passed. ``options`` are those of `Tournament`.
    """
    if evaluate is None:
        message = "evaluate: expected a function of a replica and a directory; to run replicas yourself, use Tournament"
        raise UsageError(message, "PAYLOAD_INVALID", {"field": "evaluate"})
    run = evaluate
    with Tournament(suite_id, candidates, qtime, **options) as tournament:
        candidate = {each.id: each for each in tournament.instances}

        def run_one(replica: Mapping[str, Any]) -> Dict[str, Any]:
            instance = candidate[replica["instance_id"]]
            instance.check()
            return _result_of(replica, run, instance.path)

        with ThreadPoolExecutor(max_workers) as pool:
            runs = [pool.submit(run_one, replica) for replica in tournament.plan["replicas"]]
            try:
                results = [each.result() for each in runs]
            except BaseException:
                for each in runs:
                    each.cancel()
                raise
        scores = _scores(results)
        return tournament.finish(scores, results, aggregated={id: {"score": score} for id, score in scores.items()})


def _result_of(replica: Mapping[str, Any], evaluate: Evaluate, path: str) -> Dict[str, Any]:
    of = {"replica_id": replica["replica_id"], "instance_id": replica["instance_id"]}
    try:
        result = evaluate(replica, path)
    except Exception as error:  # one replica that fails is no reason to lose the others: the record says why
        return {**of, "status": "error", "metrics": {}, "error": f"{error.__class__.__name__}: {error}"[:2_000]}
    return {**of, "status": result["status"], "metrics": dict(result.get("metrics") or {}), "error": result.get("error")}


def _scores(results: Sequence[Mapping[str, Any]]) -> Dict[str, float]:
    by_instance: Dict[str, List[Mapping[str, Any]]] = {}
    for each in results:
        by_instance.setdefault(each["instance_id"], []).append(each)
    return {id: _score(mine) for id, mine in by_instance.items()}


def _score(results: Sequence[Mapping[str, Any]]) -> float:
    given = [each["metrics"]["score"] for each in results if "score" in each["metrics"]]
    values = given or [1.0 if each["status"] == "pass" else 0.0 for each in results]
    return sum(values) / len(values)


def _qtime(qtime: Optional[Mapping[str, int]]) -> Dict[str, int]:
    names = ("epochs", "slices_per_epoch", "replicas_per_slice")
    unknown = sorted(set(qtime or {}) - set(names))
    if unknown:
        raise UsageError(f"qtime: expected {', '.join(names)}, got {unknown[0]!r}", "TOURNAMENT_INVALID", {"field": "qtime"})
    given = {name: _whole(f"qtime.{name}", (qtime or {}).get(name, 1)) or 0 for name in names}
    for name, value in given.items():
        if value < 1:
            message = f"qtime.{name}: expected a whole number of at least 1, got {value}"
            raise UsageError(message, "TOURNAMENT_INVALID", {"field": f"qtime.{name}"})
    return given


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# The command line -----------------------------------------------------------------------------------------------------


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Prints JSON. 0 done, 1 a check failed, 2 bad usage, 3 refused, 4 out of reach, 5 timed out."""
    asked = _parser().parse_args(arguments)
    try:
        answer, code = asked.run(asked)
    except SpicaError as error:
        print(f"spica_spawn: {error} ({error.code})", file=sys.stderr)
        exits = {UsageError: 2, RefusedError: 3, UnreachableError: 4, TimedOutError: 5}
        return next((code for kind, code in exits.items() if isinstance(error, kind)), 1)
    print(json.dumps(answer, indent=2))
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spica_spawn", description="Spawn, list, verify and prune Spica instances.")
    commands = parser.add_subparsers(dest="command", required=True)

    spawn = commands.add_parser("spawn", help="spawn one instance; prints its manifest")
    spawn.add_argument("--mutations", type=_json_object, default={}, metavar="JSON", help="an object of NAME: value")
    spawn.add_argument("--parent", "--parent-id", dest="parent", metavar="ID")
    spawn.add_argument("--budget", type=_json_object, metavar="JSON", help='such as {"cpu": 2, "ram_gb": 4}')
    spawn.add_argument("--notes", default="")
    spawn.add_argument("--no-prune", action="store_true", help="delete nothing to make room for it")
    spawn.set_defaults(run=_run_spawn)

    listed = commands.add_parser("list", help="the instances that are there")
    listed.set_defaults(run=lambda asked: (list_instances(), 0))

    verify = commands.add_parser("verify", help="check an instance's lineage; exit 1 where it was changed")
    verify.add_argument("id")
    verify.set_defaults(run=_run_verify)

    prune = commands.add_parser("prune", help="delete what is beyond the limits")
    prune.add_argument("--max-instances", type=int, metavar="N")
    prune.add_argument("--max-age-days", type=float, metavar="DAYS")
    prune.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    prune.set_defaults(run=_run_prune)
    return parser


def _run_spawn(asked: argparse.Namespace) -> Any:
    return spawn_instance(asked.mutations, asked.parent, asked.budget, asked.notes, not asked.no_prune), 0


def _run_verify(asked: argparse.Namespace) -> Any:
    ok = verify_lineage_integrity(asked.id)
    return {"spica_id": asked.id, "ok": ok}, 0 if ok else 1


def _run_prune(asked: argparse.Namespace) -> Any:
    report = prune_instances(asked.max_instances, asked.max_age_days, asked.dry_run)
    return report, 1 if report["failed"] else 0


def _json_object(text: str) -> Dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a JSON object, got {text!r} ({error})") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"expected a JSON object, got {text!r}")
    return value


if __name__ == "__main__":
    sys.exit(main())
