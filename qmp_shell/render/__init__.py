"""Replies, events and errors to text. What is printed comes through here."""
