"""Gates made into blocks on wires, and blocks merged where that saves work.

Takes gate operations. Gives the blocks that the tiled planner schedules. Read ``blocks.py`` first.
"""
