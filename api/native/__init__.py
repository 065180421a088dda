"""The native API, ``/api/v1``: one file per resource; a new resource is a file and a line here."""

from api.native import batches, catalog, files, jobs, results, tasks

BLUEPRINTS = (files.blueprint, catalog.blueprint, jobs.blueprint, batches.blueprint, tasks.blueprint, results.blueprint)
