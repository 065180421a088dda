"""The Celery application: how deliveries travel. Each setting has its reason on the line above."""

from __future__ import annotations

from celery import Celery

from jobengine.config import Settings
from jobengine.transport.names import PRIORITIES, Names

_WEEK_SECONDS = 7 * 86_400


def make_app(settings: Settings) -> Celery:
    """A Celery application for this installation; it connects to nothing yet."""
    names = Names(settings.redis_prefix)
    app = Celery("jobengine", broker=settings.redis_url)
    app.conf.update(
        # JSON only on the wire: nothing that arrives can run code by being read.
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        # The ledger holds the results; Celery's backend would be a second, weaker truth.
        result_backend=None,
        task_ignore_result=True,
        # The ticket decides who runs a delivery, so a message may be gone as soon as somebody has it.
        task_acks_late=False,
        # What is lost is found in the ledger. Redelivery would only bring messages whose ticket is long gone.
        broker_transport_options={
            "visibility_timeout": _WEEK_SECONDS,
            "priority_steps": list(PRIORITIES),
            "queue_order_strategy": "priority",
            # A broker that stopped to answer must not hold a process for ever.
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        # A message stays in its queue until a process is free: nothing waits behind a long step in a busy worker.
        worker_disable_prefetch=True,
        worker_prefetch_multiplier=1,
        # Flower lives from the workers' events. That of the sender would cost a message more for each delivery, and
        # says nothing that the worker's own "received" does not.
        worker_send_task_events=True,
        task_send_sent_event=False,
        # Redis may be away when a worker starts or while it runs; it waits for it, as long as it takes.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A worker that loses its broker finishes what it runs: the report stream takes the result when Redis is back.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # The delivery names its queue; this one is for workers that were told none.
        task_default_queue=names.queue("default"),
        task_create_missing_queues=True,
        # Our own format goes to the log as it is; Celery must not take the root logger away from it.
        worker_hijack_root_logger=False,
        # Remote control is for Flower and has no shutdown command of ours behind it; its queues must not pile up.
        control_queue_ttl=300,
        event_queue_ttl=60,
    )
    return app
