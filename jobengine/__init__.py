"""Jobengine: an analysis job engine whose ledger is the only truth."""

__version__ = "0.1.0"
