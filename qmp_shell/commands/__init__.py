"""The dot commands."""
