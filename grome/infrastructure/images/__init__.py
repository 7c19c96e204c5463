"""Re-encode images from strangers in short-lived processes, so that no byte of an upload reaches another person."""
