"""The operator's page: reports and their decisions, refused uploads as counts, and who may sign in to decide."""
