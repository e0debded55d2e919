"""Stand-ins for what can only be reached over the internet; each is held against the provider's own documents."""
