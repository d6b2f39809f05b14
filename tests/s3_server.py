"""An S3 server on loopback, in a process of its own: moto's, without any of its authorisation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

PROGRAM = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True, kw_only=True)
class S3Server:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a user would export."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "something",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def client(self) -> Any:
        """boto3's, for what a test does behind the store's back."""
        import boto3

        keys = {"aws_access_key_id": "someone", "aws_secret_access_key": "something", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.url, **keys)


@contextmanager
def serving(bucket: str = "bucket") -> Iterator[S3Server]:
    """A server with one empty bucket, which ends with the block or with this process; s3fs forgets the one before."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()  # it keeps connections by its arguments, whatever AWS_ENDPOINT_URL says since
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        server = S3Server(port=int(process.stdout.readline()))
        server.client().create_bucket(Bucket=bucket)
        yield server
        s3fs.S3FileSystem.clear_instance_cache()
        process.communicate("")
