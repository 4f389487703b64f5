"""What makes this program the mail of a machine: names that others call, and a service; and what undoes it."""
