"""Files that clients upload directly to the storage, by a form, and that features claim."""
