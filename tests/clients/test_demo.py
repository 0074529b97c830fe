"""The demonstration is a test too: it ends with an error if one of its steps does not hold."""

import os
import subprocess
import sys

import pytest


def test_demo():
    pytest.importorskip("aiosmtpd")
    here = os.path.dirname(os.path.abspath(__file__))
    environment = {**os.environ, "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]}
    done = subprocess.run([sys.executable, os.path.join(here, "demo.py")], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
