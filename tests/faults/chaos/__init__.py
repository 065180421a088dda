"""Chaos on real processes: a seeded killer, a client that writes down what was accepted, and a checker."""
