"""Tables in files: reading untrusted CSV and XLSX, and writing both. Knows no model."""
