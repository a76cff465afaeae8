"""The checks of the conformance kit, one file a subject.

Each takes a backend under test, and raises where the backend breaks the point. Read ``check.py``
first, then ``identity.py``; ``catalogue.py`` lists all.
"""
