"""Keeping a studio clean: `normalizing` and `judging` say what a prompt breaks, `looks` which pictures are alike;
`deciding` carries out what moderators decide, `quarantining` moves what was taken down out of reach.
"""
