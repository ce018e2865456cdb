"""With the contributor: read, locate, select, redact, spool, upload."""
