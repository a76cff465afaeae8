"""Work and jobs of other providers' backends.

Takes a foreign backend and circuits, or a foreign job. Gives one result or one error, with the
states that the contract asks for. Read ``circuits.py`` first, then ``watch.py`` and ``adapted.py``.
"""
