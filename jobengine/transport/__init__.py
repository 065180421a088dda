"""Deliveries out, reports in: the only room that knows Celery and Redis, and an in-memory twin."""
