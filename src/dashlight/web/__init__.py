"""Assets of the map only: pages, modules, styles, basemap, vendored libraries. No Python logic."""
