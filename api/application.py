"""Making the Flask application from the parts of the engine."""

from __future__ import annotations

from flask import Flask

from api import answers, errors, health, identifiers, metrics, requestlog, uploads
from api.dialects import BLUEPRINTS as DIALECT_BLUEPRINTS
from api.dialects import DIALECTS
from api.limits import RequestLimits
from api.native import BLUEPRINTS, openapi
from api.pages.docs import blueprint as docs
from api.strict import StrictJson
from jobengine import __version__
from jobengine.build import Parts


def create_app(parts: Parts) -> Flask:
    """The application; it holds the parts and nothing else between requests."""
    # Pages carry all that they show; a folder of files would be a route that nobody looks after.
    app = Flask(__name__, static_folder=None)
    app.config.update(
        API_TITLE="Jobengine",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
    )
    # Some of the clients that we serve end their paths with a slash.
    app.url_map.strict_slashes = False
    app.json = StrictJson(app)
    give_parts(app, parts)
    requestlog.install(app)
    answers.install(app)
    uploads.install(app)
    identifiers.install(app)
    api = openapi.make_api(app)
    identifiers.install_description(api)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    openapi.install(app, api)
    app.register_blueprint(docs)
    for dialect_blueprint in DIALECT_BLUEPRINTS:
        app.register_blueprint(dialect_blueprint)
    errors.install(app, DIALECTS)
    health.install(app)
    metrics.install(app)
    return app


def give_parts(app: Flask, parts: Parts) -> None:
    """Let an application work on these parts from its next request on."""
    # Of bodies that are one file; JSON has a smaller limit, and forms have one for each of their files.
    app.config["MAX_CONTENT_LENGTH"] = parts.outside.settings.upload_limit_bytes + 1024 * 1024
    app.extensions["jobengine"] = parts
    app.extensions["jobengine-limits"] = RequestLimits(
        lambda owner_id: parts.queries.owners.get(owner_id).limits.requests_per_second
    )
