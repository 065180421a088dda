"""The worker: ``celery -A workers.app worker``; Flower opens the same application."""

from jobengine.build import build_worker
from jobengine.config import read_settings

app = build_worker(read_settings())
