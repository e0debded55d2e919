"""Tables in files: CSV and XLSX, read with suspicion, written so that they open well. Knows no model."""
