"""Programs that are run for somebody who wants a mail about it."""
