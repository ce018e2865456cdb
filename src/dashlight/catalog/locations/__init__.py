"""Where readers find pictures in the bucket itself."""
