"""Pages that the server writes: one picture, in words, for people, previews and browsers without JavaScript."""
