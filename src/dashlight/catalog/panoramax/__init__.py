"""The reading half of the Panoramax API, so that programs which know it can read dashlight: iD, JOSM, MapComplete, ...

It shares `/api` with STAC: what it adds to STAC's documents is laid on them in `items` and `landing`; `lines` and
`tiles` draw the vector tiles that its clients know. There are no accounts: the instance is the one that they see.
"""
