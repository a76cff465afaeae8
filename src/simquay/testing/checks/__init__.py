"""The checks of the conformance kit, one module a subject.

Takes a :class:`~simquay.testing.harness.context.CheckContext`. Gives nothing if the backend passes,
and raises :class:`~simquay.testing.CheckFailed` if not. Read ``check.py`` first, then
``identity.py``; ``../runner.py`` lists all checks.
"""
