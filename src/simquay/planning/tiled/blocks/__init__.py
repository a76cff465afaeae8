"""Blocks: gates on wires, merged where that saves work.

Takes gate operations. Gives the blocks that the tiled planner schedules. Read ``blocks.py`` first.
"""
