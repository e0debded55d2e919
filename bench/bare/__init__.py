"""What the webhook is held against: Django with one view that inserts one row, and nothing else."""
