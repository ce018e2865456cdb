"""Exports: what is on the map as files that other programs read; made by a process of their own, listed when whole."""
