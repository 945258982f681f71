//! Refuses a migration that would break the version that still runs while it is applied. Known is what only expands;
//! everything else is refused unless the file says why nothing needs what it takes away.

use anyhow::{Result, ensure};
use shared::MIGRATIONS;

/// Begins the line by which a file takes the check's place: `-- contracts: since 1.4 nothing reads it`.
const CONTRACTS: &str = "-- contracts:";

pub fn check() -> Result<()> {
    let complaints: Vec<String> = MIGRATIONS
        .iter()
        .filter_map(|migration| {
            let file = format!("{:04}_{}.sql", migration.version, migration.description.replace(' ', "_"));
            complaint(migration.sql.as_str()).map(|complaint| format!("{file}: {complaint}"))
        })
        .collect();
    ensure!(
        complaints.is_empty(),
        "the version that still runs would not bear these migrations:\n  {}\nexpand now and contract in a later release, \
         whose file says on a line of its own `{CONTRACTS} since when nothing needs it`",
        complaints.join("\n  ")
    );
    Ok(())
}

/// What is wrong with one file.
fn complaint(sql: &str) -> Option<String> {
    let tokens = match tokens(sql) {
        Ok(tokens) => tokens,
        Err(complaint) => return Some(complaint.to_owned()),
    };
    let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let statements: Vec<&[&str]> = words.split(|word| *word == ";").filter(|words| !words.is_empty()).collect();
    let [statement] = statements[..] else {
        return Some(format!("it holds {} statements, and MariaDB commits each: a file each", statements.len()));
    };
    if says_why_it_contracts(sql) {
        return None;
    }
    match statement {
        ["create", "table", definition @ ..] if !names_its_collation(definition) => {
            Some("its table must end with a character set and a collation: the server's may differ".to_owned())
        }
        ["create", "table" | "index", ..] | ["create", "fulltext", "index", ..] | ["insert" | "update", ..] => None,
        ["alter", "table", _, actions @ ..] => split_list(actions).into_iter().find_map(action_complaint),
        _ => Some(format!("nobody knows that `{}` only expands", shown(statement))),
    }
}

fn names_its_collation(table: &[&str]) -> bool {
    matches!(table, [.., "character", "set", _, "collate", _])
}

fn says_why_it_contracts(sql: &str) -> bool {
    sql.lines().filter_map(|line| line.trim().strip_prefix(CONTRACTS)).any(|why| !why.trim().is_empty())
}

/// What is wrong with one action of an `alter table`.
fn action_complaint(action: &[&str]) -> Option<String> {
    let why = match action {
        ["algorithm" | "lock", "=", _] | ["add", "index" | "key" | "fulltext", ..] => return None,
        ["add", "unique" | "primary" | "constraint" | "foreign" | "check", ..] => {
            "may forbid what the old version writes"
        }
        ["add", "column", definition @ ..] | ["add", definition @ ..] => return column_complaint(action, definition),
        ["drop", ..] => "takes away what the old version may need",
        ["rename", ..] => "takes a name away that the old version may use",
        ["modify" | "change", ..] => "may narrow a column that the old version writes",
        _ => "is not known to expand only",
    };
    Some(format!("`{}` {why}", shown(action)))
}

fn column_complaint(action: &[&str], definition: &[&str]) -> Option<String> {
    let has = |word: &str| definition.contains(&word);
    let why = if has("unique") || has("primary") {
        "may forbid what the old version writes"
    } else if definition.windows(2).any(|pair| pair == ["not", "null"]) && !(has("default") || has("as")) {
        "needs a value that the old version does not give: let it be null, or have a default"
    } else if definition.first() == Some(&"(") {
        "adds several columns in parentheses: write `add column` for each"
    } else {
        return None;
    };
    Some(format!("`{}` {why}", shown(action)))
}

/// The items of a list, at its commas outside of parentheses.
fn split_list<'a>(words: &'a [&'a str]) -> Vec<&'a [&'a str]> {
    let mut depth = 0;
    words
        .split(|word| {
            match *word {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            *word == "," && depth == 0
        })
        .collect()
}

/// As much of it as tells which one it is.
fn shown(words: &[&str]) -> String {
    words[..words.len().min(5)].join(" ")
}

/// The words in lower case, and every other sign by itself. Comments are left out; what is quoted keeps its quotes, so
/// that no name or text is taken for a word.
fn tokens(sql: &str) -> Result<Vec<String>, &'static str> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => comment(&mut rest, "\n"),
            '-' if rest.starts_with("--") => comment(&mut rest, "\n"),
            '/' if rest.starts_with("/*!") || rest.starts_with("/*M!") => {
                return Err("MariaDB runs what is in `/*! … */`");
            }
            '/' if rest.starts_with("/*") => comment(&mut rest, "*/"),
            '\'' | '"' | '`' => quoted(rest, first).ok_or("a quotation does not end")?,
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        if !token.is_empty() {
            tokens.push(if is_word(first) { token.to_lowercase() } else { token.to_owned() });
        }
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || c == '@'
}

/// Moves behind a comment, of which nothing is left.
fn comment(rest: &mut &str, end: &str) -> usize {
    *rest = rest.split_once(end).map_or("", |(_, after)| after);
    0
}

/// The length of a quotation with its quotes. A doubled quote makes two quotations of one, which is the same here.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    let end = text[1..].find(|c| {
        let ends = c == quote && !is_escaped;
        is_escaped = c == '\\' && !is_escaped && quote != '`';
        ends
    })?;
    Some(end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_repository_only_expands() {
        check().unwrap();
    }

    #[test]
    fn what_expands_is_let_through() {
        for sql in [
            "create table orders (id int not null, primary key (id)) default character set utf8mb4 collate utf8mb4_bin;",
            "CREATE INDEX books_year ON books (year_order, id);",
            "alter table books add column series varchar(80) null",
            "alter table books add series varchar(80) not null default 'drop table, not null' after title",
            "alter table books add column is_old boolean as (year < 1900 and not null) stored, add key (is_old, id)",
            "alter table `drop` add column price_net decimal(8, 2), algorithm = instant",
            "update books set stock = 0 where stock is null",
            "-- It's here; drop column would not be.\n/* rename */ alter table books # modify\n add column x int",
        ] {
            assert_eq!(complaint(sql), None, "{sql}");
        }
    }

    #[test]
    fn what_the_running_version_would_miss_or_trip_over_is_refused() {
        for (sql, why) in [
            (
                "create table orders (id int not null, primary key (id))",
                "must end with a character set and a collation",
            ),
            ("drop table authors", "nobody knows that `drop table authors` only expands"),
            ("alter table books drop column byline", "`drop column byline` takes away"),
            ("alter table books add column x int, DROP COLUMN byline", "`drop column byline` takes away"),
            ("alter table books drop key books_isbn", "takes away"),
            ("alter table books rename to tomes", "`rename to tomes` takes a name away"),
            ("alter table books rename column byline to authors", "takes a name away"),
            ("rename table books to tomes", "nobody knows"),
            ("alter table books modify title varchar(100) not null", "may narrow"),
            ("alter table books change title name varchar(500)", "may narrow"),
            ("alter table books alter column stock drop default", "is not known"),
            ("alter table books add column x int not null", "needs a value"),
            ("alter table books add x int NOT NULL comment 'by default'", "needs a value"),
            ("alter table books add column (x int, y int)", "parentheses"),
            ("alter table books add column x int unique", "may forbid"),
            ("alter table books add unique key (title)", "may forbid"),
            ("alter table books add constraint c check (stock > 0)", "may forbid"),
            ("create unique index books_slug on books (title)", "nobody knows"),
            ("create or replace table books (id int)", "nobody knows"),
            ("create trigger t before insert on books for each row set new.stock = 1", "nobody knows"),
            ("truncate ratings", "nobody knows"),
            ("delete from ratings", "nobody knows"),
            ("alter table books add column x int /*! , drop column byline */", "MariaDB runs"),
            ("create table a (id int); drop table books", "it holds 2 statements"),
            ("-- nothing", "it holds 0 statements"),
            ("update books set title = 'x", "does not end"),
        ] {
            let complaint = complaint(sql).unwrap_or_else(|| panic!("let through: {sql}"));
            assert!(complaint.contains(why), "{sql}: {complaint}");
        }
    }

    #[test]
    fn a_later_release_contracts_where_the_file_says_since_when() {
        let drop = "alter table books drop column byline";
        assert_eq!(complaint(&format!("-- contracts: since 1.4 nothing reads it\n{drop}")), None);
        assert!(complaint(&format!("-- contracts:\n{drop}")).is_some(), "it says nothing");
        assert!(complaint(&format!("-- It contracts: yes\n{drop}")).is_some(), "it says so in passing");
        let two = format!("-- contracts: since 1.4 nothing reads it\n{drop}; {drop}");
        assert!(complaint(&two).is_some(), "two statements may stop half-way");
    }
}
