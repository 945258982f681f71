"""ministack that checks signatures, policies and Cognito's codes (`AUTH=true`), on a free port of this machine.

It prints the port once it answers, and ends with its standard input, and so with whoever started it.
"""

import os
import runpy
import shutil
import socket
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
folder = tempfile.mkdtemp(prefix="anaquel-strict-")
# As `bookstore up` starts it: on loopback only, without further listeners and without Docker.
os.environ.update(
    AUTH="true",
    BIND_HOST="127.0.0.1",
    DOCKER_HOST=f"unix://{folder}/no-docker.sock",
    GATEWAY_PORT=str(port),
    HOME=folder,
    IOT_MTLS_ENABLED="0",
    MINISTACK_HOST="127.0.0.1",
    MINISTACK_REGION="us-east-1",
    S3_DATA_DIR=f"{folder}/s3",
    SFTP_ENABLED="0",
    TMPDIR=folder,
)


def announce():
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=2).close()
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    print(port, file=output, flush=True)
    sys.stdin.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


# The emulator's own lines go to standard error, so that the port is all of the output.
output, sys.stdout = sys.stdout, sys.stderr
threading.Thread(target=announce, daemon=True).start()
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
