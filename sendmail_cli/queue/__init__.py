"""What waits: the spool, its schedule, who runs it, and what becomes of mail that is given up."""
