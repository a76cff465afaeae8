"""Trajectories: the errors of noisy circuits, drawn before states are evolved.

Takes gates and channels, and the draws of shots. Gives the errors of each shot, and a prediction of
the work. Read ``segments.py`` first, then ``drawing.py``; ``misreading.py`` is for recorded bits.
"""
