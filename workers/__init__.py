"""The SAQ side: what runs outside requests."""
