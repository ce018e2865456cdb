"""Everything readable: pictures, tiles, live events, the map's own files."""
