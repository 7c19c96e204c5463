"""The SAQ side: jobs and crons, which run outside requests."""
