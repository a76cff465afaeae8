"""Simquay's tests: ``unit`` mirrors ``src``, file by file; the other folders cut across it."""
