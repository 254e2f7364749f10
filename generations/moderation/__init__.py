"""Keeping a studio clean.

`text_normalization` and `rule_matching` say what a prompt breaks, `image_hash` which pictures are alike; `decisions`
carries out what moderators decide, `quarantine` moves what was taken down out of reach.
"""
