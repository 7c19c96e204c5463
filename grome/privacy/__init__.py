"""Export and deletion of everything that Grome knows about a person."""
