//! Passwords and keys of a local stage: generated once, stored in `secrets.toml`, never printed.

use std::{collections::BTreeMap, fmt::Write, fs};

use anyhow::{Context, Result};

use super::home::{Home, write_private};
use crate::random::{key, password};

pub struct Secrets {
    /// Password of `root`, for tests and for the creation of the database.
    pub root: String,
    /// Passwords of the functions' database users.
    pub admin: String,
    pub reader: String,
    pub order_reader: String,
    pub bounce_writer: String,
    pub account: String,
    pub staff: String,
    pub writer: String,
    /// 32 bytes in base64.
    pub submission_key: String,
    /// The key that signs sessions: 32 bytes in base64.
    pub session_key: String,
}

impl Secrets {
    /// Reads the file and generates missing values.
    pub fn of(home: &Home) -> Result<Self> {
        let path = home.folder("")?.join("secrets.toml");
        let mut kept: BTreeMap<String, String> = match fs::read_to_string(&path) {
            Ok(content) => toml::from_str(&content).with_context(|| {
                format!(
                    "{} is not valid TOML: repair it, or run `cargo bookstore down` and delete it; new passwords and a new \
                     submission key are then generated (the addresses of earlier submissions answer 404)",
                    path.display()
                )
            })?,
            Err(_) => BTreeMap::new(),
        };
        let mut secret = |name: &str, make: fn() -> String| kept.entry(name.to_owned()).or_insert_with(make).clone();
        let secrets = Self {
            root: secret("root", password),
            admin: secret("admin", password),
            reader: secret("reader", password),
            order_reader: secret("order_reader", password),
            bounce_writer: secret("bounce_writer", password),
            account: secret("account", password),
            staff: secret("staff", password),
            writer: secret("writer", password),
            submission_key: secret("submission_key", key),
            session_key: secret("session_key", key),
        };
        let content = kept.iter().fold(String::new(), |mut content, (name, value)| {
            let _ = writeln!(content, "{name} = \"{value}\"");
            content
        });
        write_private(&path, &content)?;
        Ok(secrets)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;
    use crate::local::scratch::Scratch;

    #[test]
    fn an_unreadable_file_is_reported_and_replaced_after_its_deletion() {
        let scratch = Scratch::new();
        let first = Secrets::of(&scratch.home).unwrap();
        let path = scratch.home.root().join("secrets.toml");
        fs::write(&path, "root = ").unwrap();
        let error = format!("{:#}", Secrets::of(&scratch.home).err().unwrap());
        assert!(error.starts_with(&format!("{} is not valid TOML", path.display())), "{error}");

        fs::remove_file(&path).unwrap();
        let second = Secrets::of(&scratch.home).unwrap();
        assert!(second.root != first.root && second.submission_key != first.submission_key);
    }

    #[test]
    fn secrets_are_made_once_and_a_missing_one_is_added() {
        let scratch = Scratch::new();
        let first = Secrets::of(&scratch.home).unwrap();
        assert_eq!(first.reader.len(), 32);
        assert_eq!(BASE64_STANDARD.decode(&first.submission_key).unwrap().len(), 32);

        let path = scratch.home.root().join("secrets.toml");
        let content = fs::read_to_string(&path).unwrap();
        let without_writer: String = content
            .lines()
            .filter(|line| !line.starts_with("writer"))
            .fold(String::new(), |content, line| content + line + "\n");
        fs::write(&path, without_writer).unwrap();

        let second = Secrets::of(&scratch.home).unwrap();
        assert_eq!(second.root, first.root);
        assert_eq!(second.submission_key, first.submission_key);
        assert_ne!(second.writer, first.writer);
    }
}
