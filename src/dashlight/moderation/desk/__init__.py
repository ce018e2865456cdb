"""Where the operator sits: what all routes of the page share."""
