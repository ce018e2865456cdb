"""At the door: authenticate, verify, look again, commit, and only then give a receipt."""
