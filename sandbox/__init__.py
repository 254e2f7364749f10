"""A local stand-in for fal: a program of its own that speaks fal's queue protocol and renders real videos.

Run it with `python -m sandbox`. Nothing imports it; of this project it imports only `generations.fal.arguments`, and
no Django.
"""
