"""OGC API - Features, parts 1.0 core and GeoJSON (OGC 17-069r4), below `/ogc`: for QGIS, GDAL and whoever reads tables.

Every collection is a description in `store.feature_tables`; nothing here knows which there are.
"""
