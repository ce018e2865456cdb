"""Who comes in: passkeys are enrolled and sign in."""
