"""Send mail from the command line, or from Python.

The layers, each importing only what stands below it:

    __main__
    cli
    relay
    intake
    service
    handover | installing | queueing | series | way_out
    request
    people
    tending
    queue
    config | delivery | early | inspection | sandbox | system_log
    jobs
    listener | opening | report | steps
    session | serving
    runs | submission | trace | server
    message | smtp | net
    addressees | xtext
    addresses
    errors
    status
    secret | environment | printable | octets | threads
    typing
"""

__version__ = "0.1.0"
