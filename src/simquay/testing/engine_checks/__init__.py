"""The checks of the kit for engines.

Takes an engine. Gives nothing if the engine passes, and raises
:class:`~simquay.testing.CheckFailed` if not. Read ``gates.py`` first, then ``amplitudes.py``.
"""
