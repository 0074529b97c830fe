"""Runs a command with BELFRY_ENDPOINT naming a fresh server on the test clock."""

import os
import subprocess
import sys

from belfry_process import Belfry

server = Belfry(test_clock="2026-03-01T00:00:00Z").start()
try:
    done = subprocess.run(sys.argv[1:], env={**os.environ, "BELFRY_ENDPOINT": server.endpoint}, timeout=600)
finally:
    server.stop()
sys.exit(done.returncode)
