"""What receivers punish in a message: one function a rule, one table of them (`rules`)."""
