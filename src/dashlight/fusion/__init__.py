"""Many sightings of one thing become one road feature with position, confidence and history. Not built yet."""
