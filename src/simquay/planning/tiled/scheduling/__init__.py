"""Which block runs in which pass of a tiled plan, and in which order there.

Takes blocks on wires. Gives them grouped into passes, rounds and stages. Read ``schedule.py``
first, then ``graph.py``, the search behind it.
"""
