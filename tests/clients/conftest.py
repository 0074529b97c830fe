"""Fixtures: one Belfry on the test clock for all tests, and a tenant of its own for each test."""

import itertools
import os
import sys

import boto3
import pytest
from botocore.config import Config

sys.path.insert(0, os.path.dirname(__file__))

from belfry_process import Belfry  # noqa: E402

START = "2026-03-01T00:00:00Z"
REGION = "eu-west-1"
accounts = itertools.count(700000000000)


@pytest.fixture(scope="session")
def server():
    server = Belfry(test_clock=START).start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture(scope="session")
def signed_server():
    """Signatures are checked, the clock is real."""
    server = Belfry(auth="sigv4").start()
    yield server
    assert server.stop() == 0, server.log()


class Tenant:
    def __init__(self, endpoint, key, secret, region=REGION):
        self.endpoint, self.account, self.region = endpoint, key, region
        self.key, self.secret = key, secret

    def client(self, service, **config):
        config.setdefault("retries", {"max_attempts": 1, "mode": "standard"})
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            config=Config(**config),
        )

    def arn(self, service, resource):
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def environment(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return {
            **clean,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_PAGER": "",
        }


@pytest.fixture
def tenant(server):
    return Tenant(server.endpoint, str(next(accounts)), "unused")


@pytest.fixture
def root(signed_server):
    return Tenant(signed_server.endpoint, *signed_server.credentials())


@pytest.fixture
def cloudwatch(tenant):
    return tenant.client("cloudwatch")


@pytest.fixture
def logs(tenant):
    return tenant.client("logs")


@pytest.fixture
def sns(tenant):
    return tenant.client("sns")
