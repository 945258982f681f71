//! The command as an operator types it, where it needs no stage.

use std::{
    env,
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

/// Without a terminal, and without credentials or settings of this machine.
fn bookstore(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bookstore"));
    command.args(arguments).stdin(Stdio::null()).env_remove("NO_COLOR");
    for name in ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    command
}

fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = bookstore(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn an_error_of_an_argument_names_the_argument_the_value_and_the_expected_form() {
    let cases: [(&[&str], &[&str]); 50] = [
        (&["reviews", "hide", "abc"], &["'abc'", "'<ID>'", "expected a whole number from 1, such as 12"]),
        (&["reviews", "hide", "-1"], &["'-1'", "'<ID>'", "a whole number from 1"]),
        (&["reviews", "hide", "0"], &["'0'", "'<ID>'", "a whole number from 1"]),
        (&["reviews", "unhide", "-7"], &["'-7'", "'<ID>'", "a whole number from 1"]),
        (&["messages", "answered", "-1"], &["'-1'", "'<ID>'", "a whole number from 1"]),
        (&["reviews", "list", "--limit", "0"], &["'0'", "--limit", "a whole number from 1"]),
        (&["reviews", "list", "--limit", "-5"], &["'-5'", "--limit", "a whole number from 1"]),
        (&["searches", "--limit", "0"], &["'0'", "--limit", "a whole number from 1"]),
        (&["reviews", "list", "--book", "-3"], &["'-3'", "--book", "a book's id"]),
        (&["reviews", "hide-all", "--visitor", "xyz"], &["'xyz'", "--visitor", "a visitor's id", "3d0a4fb2-"]),
        (&["reviews", "hide-all", "--since", "monday"], &["'monday'", "--since", "2026-01-02T03:00:00Z"]),
        (&["cost", "--stage", "dev", "--requests-per-month", "-5"], &["'-5'", "--requests-per-month", "from 0 to"]),
        (&["scale", "--stage", "dev", "--requests-per-month", "-5"], &["'-5'", "--requests-per-month", "from 0 to"]),
        (&["scale", "--stage", "dev", "--books", "many"], &["'many'", "--books", "1e6 or 1M"]),
        (&["rollback", "show-book", "--to", "-2"], &["'-2'", "--to", "a whole number from 1"]),
        (&["up", "--port", "-80"], &["'-80'", "--port", "from 1 to 65535"]),
        (&["logs", "--since", "-10m"], &["'-10m'", "--since", "90s, 10m, 2h or 3d"]),
        (&["reviews", "unhide", "-"], &["'-'", "'<ID>'", "a whole number"]),
        (&["reviews", "list", "--book", "Rayuela"], &["'Rayuela'", "--book", "a book's id"]),
        (&["messages", "reopen", "x"], &["'x'", "'<ID>'", "a whole number"]),
        (&["messages", "answered", "1.5"], &["'1.5'", "'<ID>'", "a whole number"]),
        (&["visitors", "erase", "abc"], &["'abc'", "'<ID>'", "a visitor's id", "3d0a4fb2-"]),
        (&["cost", "--stage", "dev", "--requests-per-month", "many"], &["'many'", "--requests-per-month", "1e6 or 1M"]),
        (&["rollback", "show-book", "--to", "x"], &["'x'", "--to", "a whole number"]),
        (&["up", "--port", "70000"], &["'70000'", "--port", "from 1 to 65535"]),
        (&["up", "--port", "0"], &["'0'", "--port", "from 1 to 65535"]),
        (&["logs", "--since", "10"], &["'10'", "--since", "90s, 10m, 2h or 3d"]),
        (&["logs", "show-bok"], &["there is no function `show-bok`; did you mean `show-book`?"]),
        (&["rollback", "show_book"], &["there is no function `show_book`; did you mean `show-book`?"]),
        (&["status", "--stage", "prd"], &["there is no stage `prd`; did you mean `prod`?"]),
        (&["deploy", "--stage", "qa"], &["there is no stage `qa`; the stages are local, dev, prod"]),
        (&["bench", "--books", "many"], &["'many'", "--books", "from 10001 to 100000000"]),
        (&["bench", "--books", "10"], &["'10'", "--books", "from 10001 to 100000000"]),
        (&["drill", "orders", "--orders", "9"], &["9", "--orders", "200..=100000"]),
        (&["drill", "orders", "--buyers", "0"], &["0", "--buyers", "1..=500"]),
        (&["drill", "orders", "--processors", "17"], &["17", "--processors", "2..=16"]),
        (&["drill", "orders", "--groups", "1"], &["1", "--groups", "2..=100"]),
        (&["drill", "orders", "--seed", "x"], &["'x'", "--seed", "from 0 to 4294967295"]),
        (&["orders", "--limit", "-1"], &["'-1'", "--limit", "a whole number from 1"]),
        (&["orders", "show", "-1"], &["'-1'", "'<ID>'", "the number of an order, such as 100042"]),
        (&["orders", "erase", "ana@example.org"], &["'ana@example.org'", "'<ID>'", "the number of an order"]),
        (&["orders", "erase", "-", "--yes"], &["'-'", "'<ID>'", "the number of an order"]),
        (&["orders", "erase"], &["<ID>", "orders erase"]),
        (&["orders", "cancel", "100042", "--book", "-3"], &["'-3'", "--book", "a book's id"]),
        (&["orders", "cancel", "100042", "--copies", "1"], &["--book", "--copies"]),
        (&["orders", "returned", "100042", "--book", "7", "--copies", "-1"], &["'-1'", "--copies", "1 to 20 copies"]),
        (&["orders", "returned", "100042", "--book", "7", "--copies", "21"], &["'21'", "--copies", "1 to 20 copies"]),
        (&["orders", "export", "--csv", "--from", "-7d"], &["'-7d'", "--from", "a day such as 2026-01-31"]),
        (&["stock", "9788437604947", "-0", "--reason", "x"], &["'-0'", "'[CHANGE]'", "+5, -1 or =12"]),
        (&["synth"], &["--stage", "--golden"]),
    ];
    for (arguments, expected) in cases {
        let (code, stdout, stderr) = output(arguments);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        for part in expected {
            assert!(stderr.contains(part), "{arguments:?} must print {part}: {stderr}");
        }
        assert!(!stderr.contains("invalid digit"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn reviews_are_not_hidden_together_without_a_visitor_or_a_whole_period() {
    let narrow = "bookstore: give --visitor, or --since and --until";
    let cases: [(&[&str], &str); 4] = [
        (&[], narrow),
        (&["--since", "2026-01-02T03:00:00Z"], narrow),
        (&["--book", "53"], narrow),
        (
            &["--since", "2026-01-02T04:00:00Z", "--until", "2026-01-02T03:00:00Z"],
            "bookstore: --since must be before --until, or before now: 2026-01-02T04:00:00Z is not before",
        ),
    ];
    for (arguments, expected) in cases {
        let (code, _, stderr) = output(&[&["reviews", "hide-all"], arguments].concat());
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.starts_with(expected), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_version_is_one_line() {
    for argument in ["--version", "-V"] {
        let (code, stdout, _) = output(&[argument]);
        assert_eq!((code, stdout.lines().count()), (Some(0), 1), "{stdout}");
        assert!(stdout.starts_with("bookstore "), "{stdout}");
        // A copy of the sources without git has no commit.
        let is_cloned = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.git").exists();
        assert_eq!(stdout.contains("(commit "), is_cloned, "{stdout}");
    }
}

#[test]
fn every_shell_completes_commands_options_stages_and_functions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, script, stderr) = output(&["completions", shell]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{shell}");
        for word in ["redrive", "answered", "requests-per-month"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
    let (_, bash, _) = output(&["completions", "bash"]);
    assert!(bash.contains("local dev prod") && bash.contains("show-book"), "{bash}");
}

#[test]
fn colours_are_left_out_where_the_environment_says_so() {
    let with = |name: &str| {
        let stderr = bookstore(&["reviews", "hide", "abc"]).env("CLICOLOR_FORCE", "1").env(name, "1").output().unwrap();
        String::from_utf8(stderr.stderr).unwrap()
    };
    assert!(with("ANY").contains('\u{1b}'), "colours can be forced");
    assert!(!with("NO_COLOR").contains('\u{1b}'));
}

#[test]
fn a_failed_command_is_a_json_document_too() {
    let (code, stdout, stderr) = output(&["cost", "--stage", "local", "--json"]);
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &document["command"], &document["result"]), (Some(1), &"cost".into(), &Value::Null));
    assert_eq!(document["error"], "the local stage costs nothing: it runs on this machine");
    assert_eq!(stderr, "bookstore: the local stage costs nothing: it runs on this machine\n");
}

#[test]
fn an_error_never_repeats_characters_that_nobody_sees() {
    let hidden = "a\u{202e}b\u{1b}[2J\u{200b}\r";
    let cases: [&[&str]; 8] = [
        &["logs", hidden],
        &["status", "--stage", hidden],
        &["reviews", "hide", hidden],
        &["visitors", "erase", hidden],
        &["cost", "--stage", "dev", "--requests-per-month", hidden],
        &["synth", "--golden", hidden],
        &[hidden],
        &["diagram", "--stage", "local", hidden],
    ];
    for arguments in cases {
        let (code, _, stderr) = output(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains("\\u{202e}"), "{arguments:?}: {stderr:?}");
        assert!(!stderr.contains(['\u{202e}', '\u{1b}', '\u{200b}', '\r']), "{arguments:?}: {stderr:?}");
    }
}

/// A home whose command has started a program, as `up` starts the emulator.
struct Left {
    home: PathBuf,
    program: Child,
}

impl Left {
    fn running(name: &str) -> Self {
        let home = env::temp_dir().join(format!("anaquel-left-{name}-{}", std::process::id()));
        fs::create_dir_all(home.join("run")).unwrap();
        let record = home.join("run").join(name).with_extension("pid");
        let program = Command::new("/bin/sh")
            .args(["-c", r#"cp "/proc/$$/stat" "$0" && exec sleep 300"#])
            .arg(&record)
            .process_group(0)
            .spawn()
            .unwrap();
        while !fs::read_to_string(&record).is_ok_and(|stat| stat.ends_with('\n')) {
            thread::sleep(Duration::from_millis(20));
        }
        Self { home, program }
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        _ = self.program.kill();
        _ = self.program.wait();
        _ = fs::remove_dir_all(&self.home);
    }
}

#[test]
fn what_a_command_has_started_is_stopped_when_the_command_has_ended_however_it_ended() {
    for name in ["emulator", "mariadb"] {
        let mut left = Left::running(name);
        let lock = File::create(left.home.join("lock")).unwrap();
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        let mut watchdog = bookstore(&["close-abandoned", left.home.to_str().unwrap()]).spawn().unwrap();
        thread::sleep(Duration::from_millis(500));
        assert!(left.program.try_wait().unwrap().is_none(), "{name} was stopped while its command runs");
        // As the kernel does when the command ends, also by SIGKILL.
        drop(lock);
        assert!(watchdog.wait().unwrap().success(), "{name}");
        assert!(left.program.try_wait().unwrap().is_some(), "{name} still runs");
    }
}
