"""Backends that each fail one check of the conformance kit.

Takes the id of a check. Gives the backend ``reference`` with one fault. Read ``backends.py`` first.
"""
