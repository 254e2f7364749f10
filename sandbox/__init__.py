"""A local stand-in for fal: a program of its own that speaks fal's queue protocol and renders real videos.

Run it with `python -m sandbox`. Nobody imports it; of this project it imports `generations.fal.arguments`
only, and no Django.
"""
