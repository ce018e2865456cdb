"""What moderation tells everybody: figures, and no picture."""
