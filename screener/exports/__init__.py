"""The languages: what was said, written for other systems and other readers."""
