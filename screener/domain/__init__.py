"""The rules: standard library only, no web, no database."""
