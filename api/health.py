"""Is it alive, is it ready, which version is it; for probes and people, without a key."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, jsonify

from api.parts import parts
from jobengine import __version__

log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Add the routes."""
    app.add_url_rule("/health/live", "live", _live)
    app.add_url_rule("/health/ready", "ready", _ready)
    app.add_url_rule("/version", "version", _version)


def _live() -> Response:
    return jsonify({"status": "ok"})


def _ready() -> tuple[Response, int]:
    """Ready means that submissions are accepted: the ledger answers. Redis may be away for a while."""
    health = parts().queries.system.health()
    for problem in health.values():
        if problem != "ok":
            # It names hosts, and whoever asks here may be anybody.
            log.warning("request %s: %s", g.request_id, problem)
    states = {name: "ok" if problem == "ok" else "unavailable" for name, problem in health.items()}
    is_ready = states["ledger"] == "ok"
    return jsonify({"status": states["ledger"], "dependencies": states}), 200 if is_ready else 503


def _version() -> Response:
    return jsonify({"version": __version__})
