"""The small servers of the matrix do what it takes for granted, as seen by clients that are not ours."""

from __future__ import annotations

import os
import shutil
import smtplib
import signal
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.integration.test_servers_stand import processes_of
from tests.support.servers import dovecot_lmtp
from tests.support.servers.kind import Way
