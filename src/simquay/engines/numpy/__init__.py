"""The engine ``numpy``: dense plans on the CPU, as matrix products on tiles that stay in cache.

Takes dense plans (:mod:`simquay.planning.dense`). Gives what every engine gives
(:mod:`simquay.engines.base`), on complex NumPy arrays. Read ``engine.py`` first, then ``tiles.py``,
which takes most of a run's time.
"""
