"""The queries of the audit: each gives the ID of what is wrong, what should be, and what is.

In plain SQL that both databases run, as such a thing is read more often than it is changed.
"""

from __future__ import annotations

from jobengine.domain.audit import Invariant

CONTRADICTIONS: tuple[tuple[Invariant, str], ...] = (
    (
        Invariant.ATTEMPTS,
        """
        SELECT id, 'one accepted attempt', CAST(accepted AS TEXT) FROM (
            SELECT id, (SELECT count(*) FROM attempts WHERE task_id = tasks.id AND accepted) AS accepted
            FROM tasks WHERE state IN ('succeeded', 'failed')
        ) AS ended WHERE accepted <> 1
        """,
    ),
    (
        Invariant.ATTEMPTS,
        """
        SELECT tasks.id,
               state || ' in attempt ' || CAST(attempt AS TEXT),
               'accepted as ' || outcome || ' in attempt ' || CAST(number AS TEXT)
        FROM attempts JOIN tasks ON tasks.id = attempts.task_id
        WHERE accepted AND NOT (number = attempt AND (
            (state = 'succeeded' AND outcome IN ('succeeded', 'reused')) OR (state = 'failed' AND outcome = 'failed')))
        """,
    ),
    (
        Invariant.RESULTS,
        """
        SELECT id, 'one result', CAST(made AS TEXT) FROM (
            SELECT id, (SELECT count(*) FROM results WHERE task_id = tasks.id) AS made
            FROM tasks WHERE state = 'succeeded'
        ) AS ended WHERE made <> 1
        """,
    ),
    (
        Invariant.RESULTS,
        """
        SELECT results.id, 'a task that succeeded', 'the task ' || tasks.id || ' is ' || state
        FROM results JOIN tasks ON tasks.id = results.task_id WHERE state <> 'succeeded'
        """,
    ),
    (
        Invariant.RESULTS,
        """
        SELECT results.id,
               'job ' || tasks.job_id || ', owner ' || tasks.owner_id || ', step ' || tasks.step
                   || ', file ' || coalesce(tasks.file_id, 'none'),
               'job ' || results.job_id || ', owner ' || results.owner_id || ', step ' || results.step
                   || ', file ' || coalesce(results.file_id, 'none')
        FROM results JOIN tasks ON tasks.id = results.task_id
        WHERE tasks.job_id <> results.job_id OR tasks.owner_id <> results.owner_id OR tasks.step <> results.step
              OR coalesce(tasks.file_id, '') <> coalesce(results.file_id, '')
        """,
    ),
    (
        Invariant.RESULTS,
        """
        SELECT artifacts.id,
               'task ' || results.task_id || ' of job ' || results.job_id,
               'task ' || artifacts.task_id || ' of job ' || artifacts.job_id
        FROM artifacts JOIN results ON results.id = artifacts.result_id
        WHERE artifacts.task_id <> results.task_id OR artifacts.job_id <> results.job_id
        """,
    ),
    (
        Invariant.LEASES,
        """
        SELECT id, 'a lease that is renewed', CASE WHEN lease_expires_at IS NULL THEN 'none' ELSE 'a lapsed one' END
        FROM tasks WHERE state IN ('enqueued', 'running') AND executor = 'worker'
              AND (lease_expires_at < :lease_floor OR (state = 'running' AND lease_expires_at IS NULL))
        """,
    ),
    (
        Invariant.LEASES,
        """
        SELECT id, 'no lease', 'a lease, and it is ' || state FROM tasks
        WHERE state NOT IN ('enqueued', 'running') AND lease_expires_at IS NOT NULL
        """,
    ),
    (
        Invariant.STATISTICS,
        """
        SELECT owner_id || ' ' || pipeline_name || ' ' || state,
               CAST(sum(there) AS TEXT) || ' jobs', CAST(sum(kept) AS TEXT) || ' jobs'
        FROM (
            SELECT owner_id, pipeline_name, state, jobs AS kept, 0 AS there FROM job_counts
            UNION ALL
            SELECT owner_id, pipeline_name, state, 0 AS kept, count(*) AS there FROM jobs
            GROUP BY owner_id, pipeline_name, state
        ) AS counted GROUP BY owner_id, pipeline_name, state HAVING sum(kept) <> sum(there)
        """,
    ),
    (
        Invariant.ORPHANS,
        """
        SELECT tasks.id, 'a job of the same owner', 'the job ' || job_id || CASE WHEN jobs.id IS NULL
            THEN ' is gone' ELSE ' is of another owner' END
        FROM tasks LEFT JOIN jobs ON jobs.id = tasks.job_id WHERE jobs.id IS NULL OR jobs.owner_id <> tasks.owner_id
        """,
    ),
    (
        Invariant.ORPHANS,
        """
        SELECT results.id, 'a task', 'the task ' || task_id || ' is gone'
        FROM results LEFT JOIN tasks ON tasks.id = results.task_id WHERE tasks.id IS NULL
        """,
    ),
    (
        Invariant.ORPHANS,
        """
        SELECT artifacts.id, 'a result', 'the result ' || result_id || ' is gone'
        FROM artifacts LEFT JOIN results ON results.id = artifacts.result_id WHERE results.id IS NULL
        """,
    ),
    (
        Invariant.ORPHANS,
        """
        SELECT attempts.task_id, 'a task in the same job', 'an attempt in the job ' || attempts.job_id
        FROM attempts LEFT JOIN tasks ON tasks.id = attempts.task_id
        WHERE tasks.id IS NULL OR tasks.job_id <> attempts.job_id
        """,
    ),
    (
        Invariant.ORPHANS,
        """
        SELECT DISTINCT task_logs.task_id, 'a task', 'a log and no task'
        FROM task_logs LEFT JOIN tasks ON tasks.id = task_logs.task_id WHERE tasks.id IS NULL
        """,
    ),
    (
        Invariant.ORPHANS,
        """
        SELECT DISTINCT job_files.job_id, 'a job', 'files of a job that is gone'
        FROM job_files LEFT JOIN jobs ON jobs.id = job_files.job_id WHERE jobs.id IS NULL
        """,
    ),
    (
        Invariant.ORPHANS,
        """
        SELECT DISTINCT job_labels.job_id, 'a job', 'labels of a job that is gone'
        FROM job_labels LEFT JOIN jobs ON jobs.id = job_labels.job_id WHERE jobs.id IS NULL
        """,
    ),
    (
        Invariant.ORPHANS,
        """
        SELECT jobs.id, 'its files, as it has not ended', 'the file ' || file_id || ' is gone'
        FROM jobs JOIN job_files ON job_files.job_id = jobs.id LEFT JOIN files ON files.id = job_files.file_id
        WHERE jobs.state IN ('pending', 'running') AND files.id IS NULL
        """,
    ),
    (
        Invariant.ORPHANS,
        """
        SELECT jobs.id, 'a pipeline', 'the pipeline ' || pipeline_id || ' is gone'
        FROM jobs LEFT JOIN pipelines ON pipelines.id = jobs.pipeline_id WHERE pipelines.id IS NULL
        """,
    ),
    (
        Invariant.ORPHANS,
        """
        SELECT things.id, 'an owner', what || ' of the owner ' || owner_id || ', who is gone'
        FROM (
            SELECT id, owner_id, 'a job' AS what FROM jobs
            UNION ALL SELECT id, owner_id, 'a file' AS what FROM files
            UNION ALL SELECT id, owner_id, 'a key' AS what FROM keys
            UNION ALL SELECT id, owner_id, 'a batch' AS what FROM batches
        ) AS things LEFT JOIN owners ON owners.id = things.owner_id WHERE owners.id IS NULL
        """,
    ),
)
