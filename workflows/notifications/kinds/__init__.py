"""The kinds of notifications; importing a module registers its own."""
