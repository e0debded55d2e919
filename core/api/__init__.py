"""What every app's API has in common: parameters, pages, errors."""
