"""Rules, cases, decisions, and what follows from them. Knows nothing of orders and pipeline, which call it.

`text_normalization` and `rule_matching` find the rules that a prompt breaks, `image_hash` finds similar pictures,
`screening` applies both to an order. `cases` and `decisions` are the moderators' part, `bulk` decides many cases.
`quarantine` moves the objects of a removed video, `retention` deletes old evidence, `policy_audit` checks the result.
"""
