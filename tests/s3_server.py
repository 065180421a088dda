"""A private S3 server for tests: SeaweedFS on free loopback ports, in a temporary folder, stopped by its ID."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers import free_port, wait_until

KEY, SECRET, BUCKET = "test-key", "test-secret", "artifacts"
_IDENTITIES = {
    "identities": [
        {
            "name": "tests",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}
# What would listen on one port for the whole machine, or call outside.
_OFF = ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server; its bucket is there."""

    port: int
    process: subprocess.Popen[bytes]
    host: str = "127.0.0.1"

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"

    def url(self, prefix: str) -> str:
        """The address of an artifact store in the bucket."""
        return f"s3://{BUCKET}/{prefix}?endpoint={self.endpoint}"


@contextmanager
def running_s3(host: str = "127.0.0.1") -> Iterator[S3Server]:
    """A server of one's own for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="je-s3-"))
    (folder / "identities.json").write_text(json.dumps(_IDENTITIES))
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    command = [_program(), "server", f"-dir={folder}", f"-ip={host}", f"-ip.bind={host}", "-volume.max=20", "-s3"]
    for name, port in ports.items():
        command += [f"-{name}.port={port}", f"-{name}.port.grpc={free_port()}"]
    command += [f"-s3.config={folder / 'identities.json'}", "-master.volumeSizeLimitMB=64", *_OFF]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    server = S3Server(ports["s3"], process, host)
    try:
        wait_until(lambda: process.poll() is not None or _has_bucket(server), 60, "the S3 server")
        assert process.poll() is None, (folder / "log").read_text(errors="replace")[-4000:]
        yield server
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _program() -> str:
    found = Path(sys.executable).with_name("weed")
    program = str(found) if found.exists() else shutil.which("weed")
    assert program, "no S3 server: install the test extra, which brings one"
    return program


def _has_bucket(server: S3Server) -> bool:
    """Make the bucket, and say whether it is there."""
    import obstore
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    try:
        httpx.get(server.endpoint, timeout=2)
        created = subprocess.run(
            [sys.executable, "-c", _CREATE, server.endpoint],
            env={**os.environ, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET},
            capture_output=True,
            timeout=20,
        )
        options = {"allow_http": True}
        store = S3Store(
            BUCKET,
            endpoint=server.endpoint,
            access_key_id=KEY,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options=options,  # type: ignore[arg-type]
            retry_config={"max_retries": 0},  # type: ignore[typeddict-item]
        )
        obstore.put(store, "probe", b"x")
        return created.returncode == 0
    except (BaseError, httpx.HTTPError, subprocess.TimeoutExpired):
        return False


# A bucket is made by a PUT on its name, signed like every request; obstore signs one for any address below a bucket.
_CREATE = f"""
import datetime, hashlib, hmac, os, sys, urllib.request, urllib.parse
endpoint = sys.argv[1]
host = urllib.parse.urlsplit(endpoint).netloc
now = datetime.datetime.now(datetime.timezone.utc)
stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
empty = hashlib.sha256(b"").hexdigest()
names = "host;x-amz-content-sha256;x-amz-date"
sent = f"host:{{host}}\\nx-amz-content-sha256:{{empty}}\\nx-amz-date:{{stamp}}\\n"
asked = f"PUT\\n/{BUCKET}\\n\\n{{sent}}\\n{{names}}\\n{{empty}}"
scope = f"{{day}}/us-east-1/s3/aws4_request"
text = f"AWS4-HMAC-SHA256\\n{{stamp}}\\n{{scope}}\\n{{hashlib.sha256(asked.encode()).hexdigest()}}"
key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
for part in (day, "us-east-1", "s3", "aws4_request", text):
    key = hmac.new(key, part.encode(), hashlib.sha256).digest()
credential = f"{{os.environ['AWS_ACCESS_KEY_ID']}}/{{scope}}"
headers = {{
    "x-amz-date": stamp,
    "x-amz-content-sha256": empty,
    "Authorization": f"AWS4-HMAC-SHA256 Credential={{credential}}, SignedHeaders={{names}}, Signature={{key.hex()}}",
}}
request = urllib.request.Request(f"{{endpoint}}/{BUCKET}", method="PUT", headers=headers)
try:
    urllib.request.urlopen(request)
except urllib.error.HTTPError as error:
    sys.exit(0 if error.code == 409 else 1)
"""
