# /// script
# requires-python = ">=3.11"
# dependencies = ["tree-sitter==0.26.1", "tree-sitter-rust==0.24.2"]
# ///
"""Changes the pure code of `shared` in all ways that cargo-mutants lists, and prints the changes that no test notices.

`uv run infra/tools/mutants.py [--one-by-one] [words of the names of changes]`; needs cargo-mutants, and takes some minutes.

cargo-mutants compiles once for each change, which takes hours. Here all changes are compiled into one test program, each
behind a switch that an environment variable turns on. The program has only the modules of `shared` that need no SQL and no
SDK, so it compiles in a minute. What no switch can change, such as a constant, is only changed with `--one-by-one`.
"""

import collections
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree_sitter
import tree_sitter_rust

ROOT = Path(__file__).parents[2]
WORK = ROOT / "target" / "mutants"
MUTATED = ["domain", "http"]
# What these need, and further tests of them.
OTHERS = ["answer_size", "error", "invalid", "session", "uploads", "wishlist"]
TESTS = ["draw", "property_tests"]
# Dependencies of the rest of `shared`.
HEAVY = ("aws", "lambda_runtime", "sqlx", "generated-catalogue", "rustls", "webpki-roots", "tracing-subscriber")
PROFILE = '\n[profile.dev]\ndebug = "line-tables-only"\n[profile.test]\nopt-level = 1\ndebug = false\nincremental = false\n'
LIBRARY = """//! The modules of `shared` without SQL and SDKs.
#![allow(warnings)]

{modules}
pub mod database {{
    #[derive(Debug)]
    pub enum Error {{ Away(anyhow::Error), Busy(anyhow::Error), Unstorable(anyhow::Error), Defect(anyhow::Error) }}
}}

/// The number of the change that is switched on.
pub(crate) fn change() -> u32 {{
    static CHANGE: std::sync::LazyLock<u32> =
        std::sync::LazyLock::new(|| std::env::var("CHANGE").ok().and_then(|number| number.parse().ok()).unwrap_or(0));
    *CHANGE
}}

pub use error::{{ApiError, Result}};
pub use http::{{JsonObject, Reply, Request}};
"""
# Of the processor, and of memory. A change that takes more has made a loop without an end.
SECONDS = 5
BYTES = 4 << 30
CHAIN = ("binary_expression", "unary_expression", "type_cast_expression", "compound_assignment_expr")


def copy_modules(to):
    shutil.rmtree(to / "shared", ignore_errors=True)
    sources = to / "shared" / "src"
    sources.mkdir(parents=True)
    names = MUTATED + OTHERS + TESTS
    for name in names:
        module = ROOT / "shared/src" / name
        if module.is_dir():
            shutil.copytree(module, sources / name)
        if module.with_suffix(".rs").exists():
            shutil.copy(module.with_suffix(".rs"), sources)
    modules = "".join(f"{'#[cfg(test)]' if name in TESTS else 'pub'} mod {name};\n" for name in names)
    (sources / "lib.rs").write_text(LIBRARY.format(modules=modules))
    manifest = (ROOT / "shared/Cargo.toml").read_text().replace("\n[lints]\nworkspace = true\n", "")
    kept = [line for line in manifest.splitlines(keepends=True) if not line.startswith(HEAVY)]
    (to / "shared/Cargo.toml").write_text("".join(kept))
    workspace = (ROOT / "Cargo.toml").read_text().split("\n[workspace.lints")[0]
    workspace = re.sub(r"^members = .*$", 'members = ["shared"]', workspace, flags=re.M)
    (to / "Cargo.toml").write_text(workspace + PROFILE)
    for file in ("Cargo.lock", "rust-toolchain.toml"):
        shutil.copy(ROOT / file, to)


def listed(at):
    files = [option for name in MUTATED for option in ("--file", f"shared/src/{name}/**")]
    command = ["cargo", "mutants", "--dir", str(at), "--list", "--json", *files]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return [{**change, "number": number} for number, change in enumerate(found, 1)]


class File:
    """A source file, into which changes are written."""

    def __init__(self, text, changes):
        self.bytes = text.encode()
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line.encode()))
        self.lines = text.splitlines(keepends=True)
        parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))
        self.tree = parser.parse(self.bytes)
        # Region (start, end) -> [(number, text of the region when the change is on)], and plain insertions.
        self.regions, self.insertions = collections.defaultdict(list), collections.defaultdict(list)
        self.unswitchable, self.unviable = [], []
        for change in changes:
            self.place(change)

    def offset(self, place):
        line = self.lines[place["line"] - 1]
        return self.starts[place["line"] - 1] + len(line[: place["column"] - 1].encode())

    def text(self, start, end):
        return self.bytes[start:end].decode()

    def place(self, change):
        start, end = (self.offset(change["span"][side]) for side in ("start", "end"))
        number, replacement = change["number"], change["replacement"]
        node = self.tree.root_node.descendant_for_byte_range(start, end)
        function = node
        while function and function.type not in ("function_item", "const_item", "static_item"):
            function = function.parent
        head = self.text(function.start_byte, function.child_by_field_name("body").start_byte) if (
            function and function.type == "function_item") else "const"
        is_const = re.search(r"\bconst fn\b", head) or head == "const"
        is_opaque = change["genre"] == "FnValue" and re.search(r"->\s*impl\b", head)
        if is_const or is_opaque:
            self.unswitchable.append(change)
            return
        if change["genre"] == "FnValue":
            body = function.child_by_field_name("body").start_byte + 1
            self.insertions[body].append((number, f" if crate::change() == {number} {{ return {replacement}; }} "))
            return
        if change["genre"] == "MatchArm":
            while node.type != "match_arm":
                node = node.parent
            guard = node.child_by_field_name("pattern").child_by_field_name("condition")
            if guard:
                self.insertions[guard.start_byte].append((number, f"crate::change() != {number} && "))
            else:
                at = node.child_by_field_name("pattern").end_byte
                self.insertions[at].append((number, f" if crate::change() != {number}"))
            return
        if change["genre"] == "StructField":
            end += len(re.match(rb"\s*,?", self.bytes[end:])[0])
            while node.type != "struct_expression":
                node = node.parent
        elif change["genre"] != "MatchArmGuard":
            while node.type not in CHAIN:
                if node.type == "let_chain":
                    # `||` beside `let` is no Rust.
                    self.unviable.append(change)
                    return
                node = node.parent
            while node.parent.type in CHAIN:
                node = node.parent
        if change["genre"] == "MatchArmGuard":
            region = (start, end)
        else:
            region = (node.start_byte, node.end_byte)
        changed = self.text(region[0], start) + " " + replacement + " " + self.text(end, region[1])
        self.regions[region].append((number, changed))

    def switched(self, without):
        """The text with a switch for each change, and the places of these in it: (start, end, number)."""
        places = []
        out = []
        length = 0

        def put(text):
            nonlocal length
            out.append(text)
            length += len(text.encode())

        def put_change(number, text):
            start = length
            put(text)
            places.append((start, length, number))

        def copy(start, end, region):
            insertions = [(at, 0, 0) for at in self.insertions if start + (region is not None) <= at < end]
            inner = [(r[0], 1, -r[1]) for r in self.regions if start <= r[0] and r[1] <= end and r != region]
            at = start
            for begin, is_region, stop in sorted(insertions + inner):
                # What is inside of a region was copied with it.
                if begin < at:
                    continue
                put(self.text(at, begin))
                at = begin
                if not is_region:
                    for number, text in self.insertions[begin]:
                        if number not in without:
                            put_change(number, text)
                    continue
                at = -stop
                kept = [change for change in self.regions[begin, at] if change[0] not in without]
                if kept:
                    put("(match crate::change() { ")
                    for number, text in kept:
                        put_change(number, f"{number} => ({text}), ")
                    put("_ => (")
                copy(begin, at, (begin, at))
                if kept:
                    put(") })")
            put(self.text(at, end))

        copy(0, len(self.bytes), None)
        return "".join(out), places


def compile_tests(at):
    """Messages of the compiler, and the test program if there is one."""
    command = ["cargo", "test", "--manifest-path", str(at / "Cargo.toml"), "--lib", "--no-run", "--message-format=json"]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=at)
    messages = [json.loads(line) for line in run.stdout.splitlines() if line.startswith(b"{")]
    errors = [m["message"] for m in messages if m.get("reason") == "compiler-message" and m["message"]["level"] == "error"]
    programs = [m["executable"] for m in messages if m.get("executable")]
    return errors, programs[-1] if run.returncode == 0 and programs else None


def faulty(errors, places):
    """The changes that do not compile, and those that only do not where a switch is."""
    wrong, unswitchable, unknown = set(), set(), []
    for error in errors:
        spans = [span for span in error["spans"] if span["is_primary"]] or error["spans"]
        # In the definition of a macro, or where it is used.
        spans = [inner for span in spans for inner in (span, *((span.get("expansion") or {}).get("span"),)) if inner]
        hit = {
            number
            for span in spans
            for start, end, number in places.get(span["file_name"], [])
            if start <= span["byte_start"] and span["byte_end"] <= end
        }
        code = (error.get("code") or {}).get("code")
        if not hit and spans:
            unknown.append(error)
        (unswitchable if code == "E0015" else wrong).update(hit)
    return wrong, unswitchable, unknown


def outcome(program, number):
    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))

    environment = {**os.environ, "CHANGE": str(number), "RUST_BACKTRACE": "0", "RUST_TEST_THREADS": "1", "RUSTC_BOOTSTRAP": "1"}
    command = [program, "--quiet", "-Zunstable-options", "--fail-fast"]
    run = subprocess.run(
        command, env=environment, cwd=WORK, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=limited
    )
    if run.returncode == -signal.SIGXCPU:
        return "timeout"
    return "missed" if run.returncode == 0 else "caught"


def one_by_one(changes):
    """Compiles once for each change that has no switch."""
    at = WORK / "single"
    copy_modules(at)
    original = {}
    for change in changes:
        path = at / change["file"]
        file = original.setdefault(path, File(path.read_text(), []))
        start, end = (file.offset(change["span"][side]) for side in ("start", "end"))
        path.write_text(file.text(0, start) + change["replacement"] + file.text(end, len(file.bytes)))
        errors, program = compile_tests(at)
        yield change, outcome(program, 0) if program else "unviable"
        path.write_bytes(file.bytes)


def main():
    at = WORK / "switched"
    copy_modules(at)
    words = [word for word in sys.argv[1:] if word != "--one-by-one"]
    wanted = [change for change in listed(at) if all(word in change["name"] for word in words)]
    by_file = collections.defaultdict(list)
    for change in wanted:
        by_file[change["file"]].append(change)
    files = {name: File((at / name).read_text(), changes) for name, changes in by_file.items()}
    outcomes = {change["number"]: "unviable" for file in files.values() for change in file.unviable}
    single = {change["number"] for file in files.values() for change in file.unswitchable}
    by_number = {change["number"]: change for change in wanted}
    while True:
        places = {}
        for name, file in files.items():
            text, places[name] = file.switched(single | outcomes.keys())
            (at / name).write_text(text)
        errors, program = compile_tests(at)
        if program:
            break
        wrong, unswitchable, unknown = faulty(errors, places)
        print(f"{len(errors)} errors, {len(wrong)} changes do not compile", file=sys.stderr, flush=True)
        if not wrong and not unswitchable:
            sys.exit("\n".join(error["rendered"] for error in unknown))
        single |= unswitchable
        outcomes |= {number: "unviable" for number in wrong - unswitchable}
    assert outcome(program, 0) == "missed", "the tests fail without a change"
    rest = [change for change in wanted if change["number"] not in outcomes and change["number"] not in single]
    print(f"{len(rest)} changes by switch, {len(single)} one by one", file=sys.stderr, flush=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda change: outcome(program, change["number"]), rest)
        for change, result in zip(rest, results):
            outcomes[change["number"]] = result
            if result == "missed":
                print("missed:", change["name"], flush=True)
    singles = [by_number[number] for number in sorted(single)]
    results = one_by_one(singles) if "--one-by-one" in sys.argv else ((change, "not tried") for change in singles)
    for change, result in results:
        outcomes[change["number"]] = result
        if result == "missed":
            print("missed:", change["name"], flush=True)
    (WORK / "outcomes.json").write_text(json.dumps([{**by_number[n], "outcome": o} for n, o in sorted(outcomes.items())]))
    counts = collections.defaultdict(collections.Counter)
    for number, result in outcomes.items():
        counts["/".join(by_number[number]["file"].split("/")[:3])][result] += 1
    print("\n| folder | changes | do not compile | not tried | caught | missed | caught of those tried |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for folder, of in sorted(counts.items()):
        caught = of["caught"] + of["timeout"]
        share = 100 * caught / max(1, caught + of["missed"])
        counted = [of.total(), of["unviable"], of["not tried"], caught, of["missed"]]
        print(f"| `{folder}` | {' | '.join(map(str, counted))} | {share:.1f} % |")


main()
