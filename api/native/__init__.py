"""The native API, ``/api/v1``: one file per resource; a new resource is a file and a line here."""

from api.native import (
    batches,
    catalog,
    check,
    drafts,
    explain,
    external,
    files,
    jobs,
    many_jobs,
    owners,
    results,
    tasks,
)

BLUEPRINTS = (
    files.blueprint,
    catalog.blueprint,
    drafts.blueprint,
    jobs.blueprint,
    many_jobs.blueprint,
    explain.blueprint,
    batches.blueprint,
    tasks.blueprint,
    external.blueprint,
    results.blueprint,
    owners.blueprint,
    check.blueprint,
)
