"""What replies, status codes and exit codes mean, in plain words, and what to do next; `lookup` finds what fits.

Nothing here decides anything: delivery and exit codes go by the codes themselves. The tables are loaded only when an
explanation is shown, and no text of a server ever gets into one.
"""
