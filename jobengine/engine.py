"""The write verbs of the engine: all that a client, a loop or an administrator can make it do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from jobengine.domain.audit import Difference
from jobengine.domain.filters import JobFilter
from jobengine.domain.pace import Pace
from jobengine.domain.records import Batch, File, Job, Key, Limits, Owner, Pipeline, Role, Task
from jobengine.verbs import external, pipelines
from jobengine.verbs.auditing import audit_system
from jobengine.verbs.batches import delete_batches
from jobengine.verbs.cancellation import cancel_jobs, cancel_jobs_where
from jobengine.verbs.children import submit_child
from jobengine.verbs.deletion import delete_jobs, delete_jobs_where
from jobengine.verbs.dispatch import dispatch_tasks
from jobengine.verbs.files import add_files, delete_file
from jobengine.verbs.outside import Outside
from jobengine.verbs.owners import authenticate, create_key, create_owner, revoke_key, set_limits
from jobengine.verbs.pipelines import PipelineDraft
from jobengine.verbs.plans import Plans
from jobengine.verbs.prune import Pruner
from jobengine.verbs.record import Recorder
from jobengine.verbs.requests import JobRequest, NewTask, Submission, TaskReport, Upload
from jobengine.verbs.rescue import Rescuer
from jobengine.verbs.retrying import retry_job
from jobengine.verbs.submission import Render, submit_jobs


class Engine:
    """A thin front: each method is one verb in ``jobengine.verbs``.

    ``owner_id`` None means that whoever asks may touch everything. Methods may be called from several threads; each
    loop's verb (``dispatch``, ``record``, ``rescue``, ``prune``) from one at a time.
    """

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self._plans = Plans(outside.clock)
        self._pace = Pace()
        self._recorder = Recorder(outside, self._plans, self._pace)
        self._rescuer = Rescuer(outside, self._plans)
        self._pruner = Pruner(outside, self._plans)

    def submit(self, request: JobRequest) -> Job:
        """Accept one job; raises EngineError and stores nothing when the request cannot be met."""
        return submit_jobs(self.outside, self._plans, [request]).jobs[0]

    def submit_many(
        self,
        requests: Sequence[JobRequest],
        *,
        batch: Batch | None = None,
        idempotency_key: str | None = None,
        body_digest: str | None = None,
        render: Render | None = None,
    ) -> Submission:
        """Accept jobs in one transaction, all or none; those of a ``batch`` run one pipeline, which it gets to name.

        With an idempotency key, the same ``body_digest`` of the same owner gives the answer of the first time again,
        as ``render`` worded it then; another digest raises EngineError(CONFLICT).
        """
        return submit_jobs(
            self.outside,
            self._plans,
            requests,
            batch=batch,
            idempotency_key=idempotency_key,
            body_digest=body_digest,
            render=render,
        )

    def submit_child(self, request: JobRequest) -> Job:
        """The job by this pipeline that the parent has, where it did not go wrong, else a new one; never two."""
        return submit_child(self.outside, self._plans, request)

    def cancel(self, owner_id: str | None, job_ids: Sequence[str]) -> int:
        """Cancel what is unfinished of these jobs; how many of them were."""
        return cancel_jobs(self.outside, self._plans, owner_id, job_ids)

    def retry(self, owner_id: str | None, job_id: str) -> Job:
        """A new job that does again what did not succeed, and takes over what did."""
        return retry_job(self.outside, self._plans, owner_id, job_id)

    def delete(self, owner_id: str | None, job_ids: Sequence[str]) -> int:
        """Delete these jobs with all that belongs to them; how many there were."""
        return delete_jobs(self.outside, self._plans, owner_id, job_ids)

    def cancel_where(self, where: JobFilter) -> int:
        """Cancel what is unfinished of the jobs that meet the criteria; how many of them were."""
        return cancel_jobs_where(self.outside, self._plans, where)

    def delete_where(self, where: JobFilter) -> int:
        """Delete the jobs that meet the criteria; how many there were."""
        return delete_jobs_where(self.outside, self._plans, where)

    def delete_batches(self, owner_id: str | None, batch_ids: Sequence[str]) -> int:
        """Delete these batches with their jobs; how many there were."""
        return delete_batches(self.outside, self._plans, owner_id, batch_ids)

    def add_task(self, owner_id: str | None, job_id: str, new: NewTask) -> Task:
        """Add a task to a job that somebody outside drives."""
        return external.add_task(self.outside, self._plans, owner_id, job_id, new)

    def move_task(self, owner_id: str | None, task_id: str, report: TaskReport) -> Task:
        """Move an external task as somebody outside says; raises EngineError(CONFLICT) for a refused move."""
        return external.move_task(self.outside, self._plans, owner_id, task_id, report)

    def dispatch(self) -> int:
        """Send ready tasks to the workers, as far as there is room; how many."""
        return dispatch_tasks(self.outside, self._plans, self._pace)

    def record(self, wait_seconds: float = 0.0) -> int:
        """Take in what workers report, waiting for the first report; how many entries there were."""
        return self._recorder.record(wait_seconds)

    def rescue(self) -> int:
        """Make tasks ready again whose worker or message is gone; how many."""
        return self._rescuer.rescue()

    def add_file(self, owner_id: str, name: str, source: BinaryIO, media_type: str = "", folder: str = "") -> File:
        """Store an uploaded file."""
        return self.add_files(owner_id, [Upload(name, source, media_type, folder)])[0]

    def add_files(self, owner_id: str, uploads: Sequence[Upload]) -> list[File]:
        """Store uploaded files, all or none."""
        return add_files(self.outside, owner_id, uploads)

    def delete_file(self, owner_id: str | None, file_id: str) -> None:
        """Delete a file that no unfinished job needs."""
        delete_file(self.outside, owner_id, file_id)

    def create_key(self, owner_name: str, role: Role, name: str = "", expires_at: float | None = None) -> str:
        """A new key for an owner; the whole key, which nobody can read again."""
        return create_key(self.outside, owner_name, role, name, expires_at)

    def create_owner(self, name: str, limits: Limits) -> Owner:
        """A new owner without keys."""
        return create_owner(self.outside, name, limits)

    def revoke_key(self, key_id: str) -> None:
        """End a key at once."""
        revoke_key(self.outside, key_id)

    def set_limits(self, owner_id: str, limits: Limits) -> Owner:
        """Set all limits of an owner."""
        return set_limits(self.outside, owner_id, limits)

    def create_pipeline(self, owner_id: str, draft: PipelineDraft) -> Pipeline:
        """A new draft."""
        return pipelines.create_pipeline(self.outside, self._plans, owner_id, draft)

    def check_pipeline(self, draft: PipelineDraft) -> None:
        """Refuse what could not be published."""
        with self.outside.store.read() as ledger:
            pipelines.check_draft(ledger, self._plans, draft)

    def change_pipeline(self, owner_id: str | None, pipeline_id: str, draft: PipelineDraft) -> Pipeline:
        """Change a draft."""
        return pipelines.change_pipeline(self.outside, self._plans, owner_id, pipeline_id, draft)

    def publish_pipeline(self, owner_id: str | None, pipeline_id: str) -> Pipeline:
        """Publish a draft."""
        return pipelines.publish_pipeline(self.outside, self._plans, owner_id, pipeline_id)

    def retire_pipeline(self, owner_id: str | None, pipeline_id: str) -> Pipeline:
        """Take no more jobs for a pipeline."""
        return pipelines.retire_pipeline(self.outside, self._plans, owner_id, pipeline_id)

    def authenticate(self, text: str) -> Key:
        """The key that the text is; raises EngineError(UNAUTHENTICATED)."""
        return authenticate(self.outside, text)

    def audit(self, *, with_hashes: bool = False) -> list[Difference]:
        """Every place where states, counters, bytes or Redis do not agree with the rows; it only reads.

        ``with_hashes`` reads all bytes, and not only their sizes.
        """
        return audit_system(self.outside, with_hashes=with_hashes)

    def prune(self) -> int:
        """Delete what has outlived its retention; how many jobs and artifacts."""
        return self._pruner.prune()
