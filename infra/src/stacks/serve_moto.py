"""moto, an AWS emulator that knows NAT gateways, on a free port of this machine.

It prints the port and ends with its standard input, and so with whoever started it.
"""

import sys

from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
