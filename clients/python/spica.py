"""Spica's client for Python: spawn instances, keep them while you use them, say how good they are, let them go.

One file that needs nothing but Python 3.9 or newer: install it (``pip install ./clients/python``), or copy it beside your
script. It speaks to the HTTP API: at ``SPICA_URL`` with ``SPICA_TOKEN``, else at this machine's unix socket, which needs no
token.

    import spica

    client = spica.Client()
    with client.spawn(count=8, params={"LR": 0.1}, experiment="sweep", lease="1h").wait() as batch:
        for instance in batch:                 # leases renew themselves, and are released at the end of the block
            instance.score(work_in(instance.path))

Spans of time are seconds, a ``datetime.timedelta``, or a text like ``30s``, ``10m``, ``1h30m``.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import http.client
import json
import os
import random
import re
import secrets
import socket
import ssl
import threading
import time
import urllib.parse
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Union

__version__ = "0.2.0"

Span = Union[int, float, str, datetime.timedelta]

# Errors ---------------------------------------------------------------------------------------------------------------


class SpicaError(Exception):
    """The root of all errors here. ``code`` is stable, the message is for people; ``details`` has more where there is more."""

    def __init__(self, message: str, code: str, details: Optional[Mapping[str, Any]] = None):
        super().__init__(message)
        self.code = code
        self.details: Dict[str, Any] = dict(details or {})


class UsageError(SpicaError, ValueError):
    """The call is not as it must be; the message names the field, the value and what was expected."""


class RefusedError(SpicaError, RuntimeError):
    """The gate said no; ``details`` has the sum of its decision."""


class CheckError(SpicaError, RuntimeError):
    """Something is not as it must be, or a piece of work failed."""


class InstanceGoneError(CheckError, FileNotFoundError):
    """No such instance, any more or at all; ``details["audit"]`` says who deleted it, when and by which rule, where known."""


class LeaseLostError(CheckError):
    """A lease is over though its holder did not release it. Whatever works in the instance has to stop."""

    @property
    def instance(self) -> str:
        return self.details.get("instance", "")


class UnreachableError(SpicaError, ConnectionError):
    """The server, its Redis or the pool's worker is out of reach for now."""


class TimedOutError(SpicaError, TimeoutError):
    """It took longer than was to be waited for, and goes on."""


_CLASSES = {
    "usage": UsageError,
    "refused": RefusedError,
    "check": CheckError,
    "instance-gone": InstanceGoneError,
    "lease-lost": LeaseLostError,
    "unreachable": UnreachableError,
    "timeout": TimedOutError,
}


def _error_of(status: int, body: Any) -> SpicaError:
    """The error that an answer is; of one that no Spica gave (a proxy's, say) an UnreachableError or a CheckError."""
    if isinstance(body, dict) and "code" in body:
        name = str(body.get("type", "")).rpartition(":")[2]
        kind = _CLASSES.get(name) or _CLASSES.get(str(body.get("kind")), CheckError)
        return kind(str(body.get("detail", "")), str(body["code"]), body.get("details"))
    kind = UnreachableError if status in (502, 503, 504) else CheckError
    return kind(f"expected an answer of Spica's, got status {status}", "ANSWER_INVALID")


# Spans of time --------------------------------------------------------------------------------------------------------

_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_SPAN = re.compile("(?=.)" + "".join(rf"(?:(\d+(?:\.\d+)?){unit})?" for unit in _UNITS))


def _seconds(span: Span, field: str) -> float:
    """Throws UsageError PAYLOAD_INVALID that names the field."""
    if isinstance(span, datetime.timedelta):
        span = span.total_seconds()
    if isinstance(span, str):
        parts = _SPAN.fullmatch(span)
        if parts:
            return sum(float(part) * unit for part, unit in zip(parts.groups(), _UNITS.values()) if part)
    elif isinstance(span, (int, float)) and not isinstance(span, bool) and 0 <= span < float("inf"):
        return float(span)
    expected = "seconds, or a duration like 30s, 10m, 1h30m or 2d"
    raise UsageError(f"{field}: expected {expected}, got {span!r}", "PAYLOAD_INVALID", {"field": field})


def _ms(span: Optional[Span], field: str) -> Optional[int]:
    return None if span is None else round(_seconds(span, field) * 1_000)


# The way to the server ------------------------------------------------------------------------------------------------

_LONGEST_SOCKET = 107


def default_socket(environment: Mapping[str, str] = os.environ) -> str:
    """Where `spica up` of this user serves its unix socket."""
    home = environment.get("HOME") or os.path.expanduser("~")
    xdg = environment.get("XDG_STATE_HOME", "")
    given = environment.get("SPICA_STATE_DIR")
    if given:
        at_home = given == "~" or given.startswith("~/")
        state = os.path.abspath(home + given[1:] if at_home else given)
    else:
        state = os.path.join(xdg if os.path.isabs(xdg) else os.path.join(home, ".local", "state"), "spica")
    path = os.path.join(state, "api.sock")
    if len(os.fsencode(path)) <= _LONGEST_SOCKET:
        return path
    temporary = next((environment[name] for name in ("TMPDIR", "TMP", "TEMP") if environment.get(name)), "/tmp")
    digest = hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    return os.path.join(temporary.rstrip("/") or "/", f"spica-{digest}-api.sock")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Answer:
    def __init__(self, status: int, retry_after: Optional[str], body: Any):
        self.status = status
        self.retry_after = float(retry_after) if retry_after and retry_after.isdigit() else None
        self.body = body


class _Server:
    """Where the API is. One connection for each call: calls come from several threads, and are few."""

    def __init__(self, url: Optional[str], path: Optional[str], token: Optional[str]):
        self._token = token
        self._url = urllib.parse.urlsplit(url) if url else None
        self._socket = path or ""
        self.name = url or f"the unix socket {path}"
        if self._url and (self._url.scheme not in ("http", "https") or not self._url.hostname):
            raise UsageError(f"url: expected http://… or https://…, got {url!r}", "PAYLOAD_INVALID", {"field": "url"})

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if self._url is None:
            return _UnixConnection(self._socket, timeout)
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port, timeout=timeout)

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: Any, timeout: float) -> _Answer:
        """Throws UnreachableError SERVER_UNREACHABLE."""
        all_headers = {"Accept": "application/json", **headers}
        if self._token and self._url is not None:
            all_headers["Authorization"] = f"Bearer {self._token}"
        data = None
        if body is not None:
            try:
                data = json.dumps(body, allow_nan=False).encode()
            except (TypeError, ValueError) as error:
                raise UsageError(f"body: expected what JSON can say: {error}", "PAYLOAD_INVALID", {"field": "body"})
            all_headers["Content-Type"] = "application/json"
        prefix = self._url.path.rstrip("/") if self._url else ""
        connection = self._connect(timeout)
        try:
            connection.request(method, prefix + path, body=data, headers=all_headers)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or str(error) or error.__class__.__name__
            message = f"Spica at {self.name} cannot be reached ({why}): start `spica up`, or set SPICA_URL"
            raise UnreachableError(message, "SERVER_UNREACHABLE") from error
        finally:
            connection.close()
        try:
            parsed = json.loads(text) if text else None
        except ValueError:
            parsed = None
        return _Answer(response.status, response.getheader("Retry-After"), parsed)


# Leases ---------------------------------------------------------------------------------------------------------------


class Lease:
    """An instance that is held: its lease renews itself in a thread until it is released, at the end of a ``with`` block.

    One that is lost (it could not be renewed in time, somebody took it by force, the instance is gone) is in ``lost``,
    ``check()`` throws it, and so does the end of the block. A process that dies lets its leases end by themselves.
    """

    def __init__(self, client: "Client", instance: str, token: str, ms: int, expires_at: float):
        self.instance = instance
        self.token = token
        self.lost: Optional[LeaseLostError] = None
        self._client = client
        self._ms = ms
        self._done = False
        self._busy = threading.Lock()
        self._failure: Optional[SpicaError] = None
        self._expires_at = expires_at
        self._renew_at = self._next(expires_at - ms / 1_000)
        client._renewer.add(self)

    @property
    def expires_at(self) -> datetime.datetime:
        """When it ends if it is not renewed any more."""
        return datetime.datetime.fromtimestamp(self._expires_at, datetime.timezone.utc)

    def check(self) -> None:
        """Throws LeaseLostError once it is lost."""
        if self.lost is not None:
            raise self.lost

    def release(self, discard: bool = False) -> None:
        """Ends it. ``discard``: nobody needs the instance any more, it is the first to go. One that is lost is left alone."""
        with self._busy:  # a renewal under way would bring it back
            if self._done or self.lost is not None:
                return
            self._done = True
        self._client._renewer.remove(self)
        try:
            self._client.release(self.instance, token=self.token, discard=discard)
        except CheckError as error:
            if not _is_over(error):
                raise

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.release()
        if error is None:
            self.check()

    def _next(self, since: float) -> float:
        """A third of its time, a tenth of that sooner or later: those of a batch do not come all at once."""
        return since + self._ms / 3_000 * random.uniform(0.9, 1.1)

    def _tick(self) -> None:
        with self._busy:
            if self._done or self.lost is not None:
                return
            now = time.time()  # the wall clock: a machine that slept finds out when it wakes
            if now >= self._expires_at:
                self._lose("LEASE_EXPIRED", "it has ended, and was not renewed in time")
            elif now >= self._renew_at:
                self._renew(now)

    def _renew(self, now: float) -> None:
        try:
            self._client._lease(self.instance, self.token, self._ms, timeout=max(1.0, self._ms / 3_000))
        except SpicaError as error:
            if _is_over(error):
                self._lose("LEASE_TAKEN" if error.code == "INSTANCE_LEASED" else error.code, str(error))
            else:  # out of reach: it is tried again until the lease has ended
                self._failure = error
                self._renew_at = now + min(1.0, self._ms / 10_000)
            return
        self._failure = None
        self._expires_at = now + self._ms / 1_000
        self._renew_at = self._next(now)

    def _lose(self, code: str, why: str) -> None:
        error = LeaseLostError(f"lease on {self.instance}: {why}", code, {"instance": self.instance})
        error.__cause__ = self._failure
        self.lost = error


def _is_over(error: SpicaError) -> bool:
    """Whether an answer says that the lease is not its holder's any more."""
    return isinstance(error, (InstanceGoneError, LeaseLostError)) or error.code == "INSTANCE_LEASED"


class _Renewer:
    """One thread that renews all leases of a client; it lives while there are some, and keeps no process alive."""

    def __init__(self) -> None:
        self._leases: List[Lease] = []
        self._changed = threading.Condition()
        self._thread: Optional[threading.Thread] = None

    def add(self, lease: Lease) -> None:
        with self._changed:
            self._leases.append(lease)
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="spica-leases", daemon=True)
                self._thread.start()

    def remove(self, lease: Lease) -> None:
        with self._changed:
            if lease in self._leases:
                self._leases.remove(lease)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._leases = [lease for lease in self._leases if lease.lost is None]
                if not self._leases:
                    self._thread = None
                    return
                leases = list(self._leases)
                self._changed.wait(min(1.0, min(lease._ms for lease in leases) / 10_000))
            for lease in leases:
                lease._tick()


# Requests and instances -----------------------------------------------------------------------------------------------


class Instance:
    """A directory of your own. ``path`` is on the host that serves the pool."""

    def __init__(self, client: "Client", id: str, path: str, lease: Optional[Lease]):
        self.id = id
        self.path = path
        self.lease = lease
        self._client = client

    def check(self) -> None:
        """Throws LeaseLostError once its lease is lost."""
        if self.lease:
            self.lease.check()

    def score(self, value: Optional[float]) -> None:
        self._client.score(self.id, value)

    def collect(self, patterns: Optional[Sequence[str]] = None) -> Optional[Dict[str, Any]]:
        return self._client.collect(self.id, patterns)

    def release(self, discard: bool = False) -> None:
        if self.lease:
            self.lease.release(discard=discard)
        else:
            self._client.release(self.id, discard=discard)

    def __repr__(self) -> str:
        return f"<spica.Instance {self.id} {self.path}>"


class Batch(List[Instance]):
    """The instances of a request. At the end of a ``with`` block their leases are released; they are not deleted: retention
    does that. Throws LeaseLostError there, of the first that was lost."""

    def check(self) -> None:
        for instance in self:
            instance.check()

    def release(self, discard: bool = False) -> None:
        for instance in self:
            if instance.lease:
                instance.lease.release(discard=discard)

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.release()
        if error is None:
            self.check()


class Request:
    """What was submitted: wait for its instances, or take it back."""

    def __init__(self, client: "Client", id: str, token: Optional[str], lease_ms: int):
        self.id = id
        self._client = client
        self._token = token
        self._lease_ms = lease_ms

    def wait(self, timeout: Optional[Span] = None) -> Batch:
        """Its instances, once all of them are there. Throws RefusedError (REQUEST_CANCELLED where it was taken back,
        else with the sum of the decision in ``details``), CheckError where it failed, TimedOutError WAIT_TIMED_OUT: then it goes on. What lies between, a
        restart of the server or of its Redis, is waited out."""
        found = self._client._result(self.id, timeout)
        return Batch(Instance(self._client, each["id"], each["path"], self._hold(each["id"])) for each in found)

    def _hold(self, instance: str) -> Optional[Lease]:
        if self._token is None:
            return None
        expires_at = self._client._lease(instance, self._token, self._lease_ms)
        return Lease(self._client, instance, self._token, self._lease_ms, expires_at)

    def status(self) -> Dict[str, Any]:
        """Where it stands: ``state``, ``progress`` with the reason why it is held, ``instances``."""
        return self._client.request(self.id)

    def cancel(self) -> str:
        return self._client.cancel(self.id)


# The client -----------------------------------------------------------------------------------------------------------

_LONGEST_WAIT_S = 50
_RETRY_S = 1.0
_WORK_S = 600
"""How long a call may take that has the pool's worker measure, copy or delete."""


class Client:
    """Reaches one pool. It may be used from several threads.

    :param url: of the server; by default ``SPICA_URL``, else this machine's unix socket.
    :param token: by default ``SPICA_TOKEN``; the socket needs none.
    :param socket: the path of a unix socket, in place of a URL.
    :param pool: its name; by default the only one that is served there, else ``main``.
    :param timeout: how long one call may take.
    :param patience: for how long calls are tried again while the server, its Redis or the worker is away. All may be: a
        request is submitted once, however often it is sent. A server that never answered before is told of at once.
    """

    def __init__(
        self,
        url: Optional[str] = None,
        token: Optional[str] = None,
        socket: Optional[str] = None,
        pool: Optional[str] = None,
        timeout: Span = 60,
        patience: Span = 60,
    ):
        url = url or (None if socket else os.environ.get("SPICA_URL"))
        token = token or os.environ.get("SPICA_TOKEN")
        self._server = _Server(url, None if url else socket or default_socket(), token)
        self._timeout = _seconds(timeout, "timeout")
        self._patience = _seconds(patience, "patience")
        self._reached = False
        self._renewer = _Renewer()
        self.pool = pool

    def spawn(
        self,
        count: int = 1,
        *,
        template: str = "default",
        params: Optional[Mapping[str, Any]] = None,
        params_each: Optional[Sequence[Mapping[str, Any]]] = None,
        budget: Optional[Mapping[str, int]] = None,
        parent: Optional[str] = None,
        from_instance: Optional[str] = None,
        experiment: Optional[str] = None,
        labels: Optional[Mapping[str, str]] = None,
        notes: str = "",
        lease: Optional[Span] = None,
        lease_token: Optional[str] = None,
        ttl: Optional[Span] = None,
        max_wait: Optional[Span] = None,
        replicas: Optional[Mapping[str, int]] = None,
        collect: Optional[Sequence[str]] = None,
        key: Optional[str] = None,
    ) -> Request:
        """Submits a request for ``count`` instances, all or none.

        ``params``: template parameters; ``params_each``: what each has beside them, by its index. ``parent``: the instance
        that they descend from; ``from_instance``: the live one that they are clones of. ``lease``: how long each is held from
        its spawn, and at each renewal; without, retention may delete an instance as soon as the request has ended.
        ``max_wait``: how long the gate may hold the request. ``key``: the same key and request are submitted once a day, and
        have the same instances and leases on this machine. ``replicas``: ``{"epochs", "slicesPerEpoch", "replicasPerSlice"}``
        of artifacts that each is going to make. ``budget``: ``{"cpu", "ramGb", "vramGb"}`` for the manifests. ``collect``: patterns
        of what is collected of each when its lease ends, and before it is deleted; by default the template's.
        """
        body: Dict[str, Any] = {
            "count": count,
            "template": template,
            "params": dict(params or {}),
            "paramsEach": params_each and [dict(each) for each in params_each],
            "budget": budget and dict(budget),
            "parent": parent,
            "from": from_instance,
            "experiment": experiment,
            "labels": dict(labels or {}),
            "notes": notes,
            "ttl": _ms(ttl, "ttl"),
            "maxWait": _ms(max_wait, "max_wait"),
            "replicas": replicas and dict(replicas),
            "collect": None if collect is None else list(collect),
        }
        lease_ms = _ms(lease, "lease")
        token = None
        if lease_ms is not None:
            token = lease_token or (secrets.token_hex(16) if key is None else self._token_of(key))
            body["lease"] = lease_ms
            body["leaseTokenHash"] = hashlib.sha256(token.encode()).hexdigest()
        # Without a key of its own it gets one: it may have to be sent again.
        headers = {"Idempotency-Key": key or f"python/{secrets.token_hex(16)}"}
        view = self._call("POST", "/v1/requests", body=body, headers=headers)
        return Request(self, view["id"], token, lease_ms or 0)

    def wait(self, request: Union[Request, str], timeout: Optional[Span] = None) -> Batch:
        """As `Request.wait`; of a request that is given by its id the leases are not renewed."""
        return (request if isinstance(request, Request) else Request(self, request, None, 0)).wait(timeout)

    def cancel(self, request: str) -> str:
        """Takes a request back: ``cancelled``, or ``completed`` where it comes too late and changes nothing."""
        return self._call("DELETE", f"/v1/requests/{_part(request)}")["outcome"]

    def request(self, id: str) -> Dict[str, Any]:
        return self._call("GET", f"/v1/requests/{_part(id)}")

    def requests(self, state: Optional[str] = None) -> Iterator[Dict[str, Any]]:
        """Newest first. ``state``: waiting, held, spawning, completed, failed."""
        return self._pages("/v1/requests", {"state": state})

    def list(
        self,
        *,
        experiment: Optional[str] = None,
        template: Optional[str] = None,
        state: Optional[str] = None,
        labels: Optional[Mapping[str, str]] = None,
        sort: Optional[str] = None,
    ) -> Iterator[Dict[str, Any]]:
        """What is known of instances. ``state``: in-flight, ready, deleting; ``sort``: spawned, score, size."""
        label = [f"{name}={value}" for name, value in (labels or {}).items()]
        query = {"experiment": experiment, "template": template, "state": state, "sort": sort, "label": label}
        return self._pages("/v1/instances", query)

    def get(self, instance: str) -> Dict[str, Any]:
        return self._call("GET", f"/v1/instances/{_part(instance)}")

    def lease(self, instance: str, lease: Span, token: Optional[str] = None) -> Lease:
        """Holds an instance, for as long as its ``with`` block lasts. ``token``: of a lease that is in force already. Throws
        CheckError INSTANCE_LEASED where somebody else has it."""
        ms = _ms(lease, "lease") or 0
        held = token or secrets.token_hex(16)
        return Lease(self, instance, held, ms, self._lease(instance, held, ms))

    def release(self, instance: str, token: Optional[str] = None, discard: bool = False) -> str:
        """Ends a lease: ``released``, ``discarded``, or ``none`` where none was in force."""
        headers = {} if token is None else {"Spica-Lease-Token": token}
        query = {"discard": "true" if discard else None}
        return self._call("DELETE", f"/v1/instances/{_part(instance)}/lease", query=query, headers=headers)["outcome"]

    def score(self, instance: str, value: Optional[float]) -> None:
        """Says how good an instance is; None takes that back."""
        self._call("PUT", f"/v1/instances/{_part(instance)}/score", body={"score": value})

    def pin(self, instance: str, why: str) -> None:
        """Keeps an instance until it is unpinned."""
        self._call("PUT", f"/v1/instances/{_part(instance)}/pin", body={"why": why})

    def unpin(self, instance: str) -> None:
        self._call("DELETE", f"/v1/instances/{_part(instance)}/pin")

    def collect(self, instance: str, patterns: Optional[Sequence[str]] = None) -> Optional[Dict[str, Any]]:
        """Has an instance's results copied now to the pool's ``collect_to``: what matches the patterns that it has, or these
        from now on. Returns where ``to``, ``files``, ``bytes``, ``skipped``; None for no patterns, which is for nothing
        any more. Throws CheckError COLLECT_FAILED."""
        body = {"patterns": None if patterns is None else list(patterns)}
        path = f"/v1/instances/{_part(instance)}/collect"
        answer = self._call("POST", path, body=body, timeout=_WORK_S)
        for failed in answer["failed"]:
            raise CheckError(f"instance {instance}: {failed['reason']}", "COLLECT_FAILED", {"instance": instance})
        return answer["collected"][0] if answer["collected"] else None

    def verify(self, instance: str) -> Dict[str, Any]:
        """``{"id", "ok", "reason", "sha"}``: whether its lineage is what its manifest says."""
        return self._call("POST", f"/v1/instances/{_part(instance)}/verify", body={})

    def sample(self, instance: str) -> Dict[str, Any]:
        """Measures it now."""
        return self._call("POST", f"/v1/instances/{_part(instance)}/sample", body={}, timeout=_WORK_S)

    def preflight(self, count: int = 1, *, template: str = "default", experiment: Optional[str] = None) -> Dict[str, Any]:
        """What the gate would do with such a request as things stand: its decision, with its sum and sentence."""
        return self._call("POST", "/v1/preflight", body={"count": count, "template": template, "experiment": experiment})

    def plan(self, max_instances: Optional[int] = None, max_age: Optional[Span] = None) -> Dict[str, Any]:
        """What a prune would delete now, and why the rest stays; ``digest`` is its name for an hour. Deletes nothing."""
        return self._call("POST", "/v1/plans", body={"maxInstances": max_instances, "maxAge": _ms(max_age, "max_age")})

    def execute(self, digest: str) -> Dict[str, Any]:
        """Carries out exactly that plan; each item is checked again."""
        return self._call("POST", f"/v1/plans/{_part(digest)}/execution", body={}, timeout=_WORK_S)

    def tournaments(self) -> Iterator[Dict[str, Any]]:
        """The records of tournaments that are over, newest first, without what came of each replica."""
        return self._pages("/v1/tournaments", {})

    def tournament(self, id: str) -> Dict[str, Any]:
        return self._call("GET", f"/v1/tournaments/{_part(id)}")

    def save_tournament(self, record: Mapping[str, Any]) -> None:
        self._call("PUT", f"/v1/tournaments/{_part(record['id'])}", body=dict(record))

    def pool_name(self) -> str:
        """That of the pool that calls go to."""
        if self.pool is None:
            names = [each["pool"] for each in self._call("GET", "/v1/pools", of_pool=False)["items"]]
            self.pool = names[0] if len(names) == 1 else "main"
        return self.pool

    def _lease(self, instance: str, token: str, ms: int, timeout: Optional[float] = None) -> float:
        """Takes or renews a lease. The time, by the clock of here, until when it is in force at least."""
        asked = time.time()
        body = {"lease": ms, "token": token}
        patience = None if timeout is None else 0.0
        path = f"/v1/instances/{_part(instance)}/lease"
        self._call("PUT", path, body=body, timeout=timeout, patience=patience)
        return asked + ms / 1_000

    def _result(self, request: str, timeout: Optional[Span]) -> List[Dict[str, str]]:
        until = None if timeout is None else time.monotonic() + _seconds(timeout, "timeout")
        path = f"/v1/requests/{_part(request)}/result"
        while True:
            left = _LONGEST_WAIT_S if until is None else until - time.monotonic()
            wait = max(0, min(_LONGEST_WAIT_S, round(left)))
            try:
                return self._call("GET", path, headers={"Prefer": f"wait={wait}"}, timeout=wait + self._timeout)["instances"]
            except TimedOutError:
                if until is not None and time.monotonic() >= until:
                    raise

    def _token_of(self, key: str) -> str:
        """The token of the leases under a key: the same whenever this user submits it again on this machine."""
        xdg = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
        secret = _read_secret(os.path.join(xdg, "spica"))
        return hmac.new(secret, f"{self.pool_name()}\0{key}".encode(), hashlib.sha256).hexdigest()[:32]

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
        cursor = None
        while True:
            page = self._call("GET", path, query={**query, "cursor": cursor})
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        body: Any = None,
        timeout: Optional[float] = None,
        patience: Optional[float] = None,
        of_pool: bool = True,
    ) -> Any:
        """One call of the API, again and again while it is only out of reach. All calls may be repeated."""
        asked = {"pool": self.pool if of_pool else None, **(query or {})}
        given = {name: value for name, value in asked.items() if value is not None}
        target = f"{path}?{urllib.parse.urlencode(given, doseq=True)}" if given else path
        limit = timeout or self._timeout
        until = time.monotonic() + (self._patience if patience is None else patience)
        while True:
            pause: Optional[float] = _RETRY_S
            try:
                answer = self._server.ask(method, target, headers or {}, body, limit)
                self._reached = True
                if answer.status < 300:
                    return answer.body
                error: SpicaError = _error_of(answer.status, answer.body)
                if answer.status == 429 or isinstance(error, UnreachableError):
                    pause = answer.retry_after or _RETRY_S
                else:
                    pause = None
            except UnreachableError as unreachable:
                error = unreachable
            if pause is None or not self._reached or time.monotonic() + pause > until:
                raise error
            time.sleep(pause)


def _part(text: str) -> str:
    """Part of a path: whatever stands in it, it stays one part."""
    return urllib.parse.quote(str(text), safe="")


def _read_secret(directory: str) -> bytes:
    """Made once, for this user alone. Of two that make it at once, the first wins."""
    path = os.path.join(directory, "client-secret")
    if not os.path.exists(path):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        draft = f"{path}.{secrets.token_hex(4)}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(draft, path)  # whole at once, and never in the place of another
        except FileExistsError:
            pass
        finally:
            os.remove(draft)
    with open(path, "rb") as file:
        return file.read()
