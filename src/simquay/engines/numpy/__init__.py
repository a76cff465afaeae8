"""The engine ``numpy``: dense plans on the CPU, as matrix products on tiles that stay in cache.

Takes dense plans and complex NumPy arrays. Gives what every engine gives (:mod:`..base`). Read
``engine.py`` first, then ``tiles.py``, where the time goes.
"""
