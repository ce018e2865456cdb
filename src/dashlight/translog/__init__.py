"""The append-only public log: leaves, tiles, checkpoints, proofs. Not built yet."""
