"""Tiled plans made into programs of the GPU's tile interpreter.

Takes a plan. Gives programs (words in constant memory) and the arrays they point into. Read
``encode.py`` first, then ``stages.py``; ``opcodes.py`` lists the instructions.
"""
