"""Starts and stops a Belfry process, and moves its test clock."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from datetime import datetime, timezone


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def iso(t):
    return t.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Belfry:
    """One server. `start` may be called again after `kill`: the data directory stays."""

    def __init__(self, binary=None, auth="none", test_clock=None, config=None, account=None):
        self.binary = binary or os.environ["BELFRY_BINARY"]
        self.auth = auth
        self.test_clock = test_clock
        self.account = account
        self.dir = tempfile.mkdtemp(prefix="belfry-")
        self.data_dir = os.path.join(self.dir, "data")
        self.log_path = os.path.join(self.dir, "belfry.log")
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.config = None
        if config is not None:
            self.config = os.path.join(self.dir, "belfry.toml")
            with open(self.config, "w") as f:
                f.write(config)
        self.process = None

    def start(self):
        arguments = [self.binary, "serve", "--data-dir", self.data_dir, "--listen", f"127.0.0.1:{self.port}", "--auth", self.auth]
        if self.account:
            arguments += ["--account", self.account]
        if self.config:
            arguments += ["--config", self.config]
        if self.test_clock:
            arguments += ["--test-clock", self.test_clock]
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(arguments, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"belfry ended with {self.process.returncode}:\n{self.log()}")
            try:
                with urllib.request.urlopen(self.endpoint + "/health", timeout=2) as answer:
                    if answer.status == 200:
                        return self
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("belfry did not become healthy:\n" + self.log())

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def kill(self):
        """SIGKILL: what is lost now was never acknowledged. The clock is remembered."""
        if self.test_clock:
            self.test_clock = self.now()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)
        return self.process.returncode if self.process else None

    def _clock(self, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoint + "/_belfry/clock", data=data, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)["now"]

    def now(self):
        return self._clock()

    def advance(self, seconds):
        return self._clock({"advance_s": seconds})

    def set_clock(self, t):
        return self._clock({"set": t if isinstance(t, str) else iso(t)})

    def clock_time(self):
        return datetime.fromisoformat(self.now().replace("Z", "+00:00"))

    def credentials(self):
        import configparser

        parser = configparser.ConfigParser()
        parser.read(os.path.join(self.data_dir, "credentials"))
        profile = parser["default"]
        return profile["aws_access_key_id"], profile["aws_secret_access_key"]
