"""The schedule of a tiled plan: the pass, the round and the stage of each block.

Takes blocks on wires. Gives them grouped into passes, rounds and stages. Read ``schedule.py``
first, then ``graph.py``, the search behind it.
"""
