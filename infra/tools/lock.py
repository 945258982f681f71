"""Locks each tool of `tools.in` by content, with all that it needs, in a file of its own: `python3 lock.py`.

Needs uv, and Python 3.11 or newer. The tools of one environment are resolved together first and each then within that
outcome, so that none changes what another installed. Only wheels are locked, for nothing here pins what would build
them from source, and only those that CPython can use on the systems that we support.
"""

import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
ABI = re.compile(r"none|abi3|cp\d+")
PLATFORM = re.compile(r"any|(many)?linux.*_(x86_64|aarch64)|macosx_.*")


def compile(pins, *options):
    command = ["uv", "pip", "compile", "-", "--quiet", "--no-config", "--universal", "--python-version", "3.11"]
    command += ["--only-binary", ":all:", "--no-header", "--no-annotate", *options]
    return subprocess.run(command, input="\n".join(pins), stdout=subprocess.PIPE, text=True, check=True).stdout


def fits(wheel):
    file = wheel.get("name") or wheel["url"].rpartition("/")[2]
    abis, platforms = file.removesuffix(".whl").split("-")[-2:]
    return any(map(ABI.fullmatch, abis.split("."))) and any(map(PLATFORM.fullmatch, platforms.split(".")))


def hashes_by_package(pylock):
    return {
        f"{package['name']}=={package['version']}": sorted(
            f"--hash=sha256:{wheel['hashes']['sha256']}" for wheel in package.get("wheels", []) if fits(wheel)
        )
        for package in tomllib.loads(pylock)["packages"]
    }


def lock(requirements, hashes):
    lines = ["# Made by `python3 lock.py` from `tools.in`."]
    for requirement in requirements.splitlines():
        if not requirement.endswith(" ; sys_platform == 'win32'"):
            package = requirement.partition(" ")[0]
            assert hashes[package], f"{package} has no wheel for us"
            lines.append(" \\\n    ".join([requirement, *hashes[package]]))
    return "\n".join(lines) + "\n"


tools = [line.split() for line in (HERE / "tools.in").read_text().splitlines() if not line.startswith("#")]
for environment in dict.fromkeys(environment for environment, *_ in tools):
    pins = {name: its_pins for its, name, *its_pins in tools if its == environment}
    every_pin = [pin for its_pins in pins.values() for pin in its_pins]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as together:
        together.write(compile(every_pin))
        together.flush()
        within = ["--constraints", together.name]
        hashes = hashes_by_package(compile(every_pin, *within, "--format", "pylock.toml"))
        for name, its_pins in pins.items():
            (HERE / f"{name}.txt").write_text(lock(compile(its_pins, *within), hashes))
