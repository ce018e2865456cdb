"""STAC API 1.0.0 over the store: landing page, collections, items, search (https://github.com/radiantearth/stac-api-spec).

Below `/api`, which is a Panoramax API too. `routes` alone knows HTTP; the documents are made by pure functions in
`landing`, `collections` and `items`, the questions are read in `asked` and `cql2`.
"""
