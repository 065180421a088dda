"""Benchmarks: they print what they compare, and never gate."""
