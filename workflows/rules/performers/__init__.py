"""What each action does, by what it changes; importing a module registers its actions."""
