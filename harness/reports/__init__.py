"""What people read of a run: tables, their export formats, and text for the terminal."""
