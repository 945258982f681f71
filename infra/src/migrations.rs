//! Rejects migrations that would break the version that runs while they are applied. Allows only additive (expand)
//! statements; a file with any other statement must state since when nothing needs what it removes.

use anyhow::{Result, ensure};
use shared::MIGRATIONS;

/// Prefix of the comment that allows any statement: `-- contracts: since 1.4 nothing reads it`.
const CONTRACTS: &str = "-- contracts:";

/// Checks the migrations of this build. The error lists every file with a problem.
pub fn check() -> Result<()> {
    let problems: Vec<String> = MIGRATIONS
        .iter()
        .filter_map(|migration| {
            let file = format!("{:04}_{}.sql", migration.version, migration.description.replace(' ', "_"));
            problem(migration.sql.as_str()).map(|problem| format!("{file}: {problem}"))
        })
        .collect();
    ensure!(
        problems.is_empty(),
        "these migrations can break the running version:\n  {}\nexpand now and contract in a later release, whose file \
         states on a separate line `{CONTRACTS} since when nothing needs it`",
        problems.join("\n  ")
    );
    Ok(())
}

/// The problem of one file, if it has one.
fn problem(sql: &str) -> Option<String> {
    let tokens = match tokens(sql) {
        Ok(tokens) => tokens,
        Err(problem) => return Some(problem.to_owned()),
    };
    let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let statements: Vec<&[&str]> = words.split(|word| *word == ";").filter(|words| !words.is_empty()).collect();
    let [statement] = statements[..] else {
        return Some(format!(
            "{} statements; MariaDB commits each DDL statement, so write one statement in each file",
            statements.len()
        ));
    };
    if has_contract_reason(sql) {
        return None;
    }
    match statement {
        ["create", "table", definition @ ..] if !names_its_collation(definition) => {
            Some(
                "no `character set … collate …` at the end of `create table`; name both, because the server's defaults differ"
                    .to_owned(),
            )
        }
        ["create", "table" | "index", ..] | ["create", "fulltext", "index", ..] | ["insert" | "update", ..] => None,
        ["alter", "table", _, actions @ ..] => split_list(actions).into_iter().find_map(action_problem),
        _ => Some(format!("`{}` is not a known expand statement", excerpt(statement))),
    }
}

fn names_its_collation(table: &[&str]) -> bool {
    matches!(table, [.., "character", "set", _, "collate", _])
}

fn has_contract_reason(sql: &str) -> bool {
    sql.lines().filter_map(|line| line.trim().strip_prefix(CONTRACTS)).any(|reason| !reason.trim().is_empty())
}

/// The problem of one action of an `alter table`, if it has one.
fn action_problem(action: &[&str]) -> Option<String> {
    let reason = match action {
        ["algorithm" | "lock", "=", _] | ["add", "index" | "key" | "fulltext", ..] => return None,
        ["add", "unique" | "primary" | "constraint" | "foreign" | "check", ..] => {
            "can reject rows that the old version writes"
        }
        ["add", "column", definition @ ..] | ["add", definition @ ..] => return column_problem(action, definition),
        ["drop", ..] => "removes something that the old version may need",
        ["rename", ..] => "removes a name that the old version may use",
        ["modify" | "change", ..] => "can narrow a column that the old version writes",
        _ => "is not a known expand action",
    };
    Some(format!("`{}` {reason}", excerpt(action)))
}

fn column_problem(action: &[&str], definition: &[&str]) -> Option<String> {
    let has = |word: &str| definition.contains(&word);
    let reason = if has("unique") || has("primary") {
        "can reject rows that the old version writes"
    } else if definition.windows(2).any(|pair| pair == ["not", "null"]) && !(has("default") || has("as")) {
        "needs a value that the old version does not write; make it nullable or give it a default"
    } else if definition.first() == Some(&"(") {
        "adds several columns in parentheses; write `add column` for each"
    } else {
        return None;
    };
    Some(format!("`{}` {reason}", excerpt(action)))
}

/// Splits at the commas outside of parentheses.
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

/// The first five words, for messages.
fn excerpt(words: &[&str]) -> String {
    words[..words.len().min(5)].join(" ")
}

/// The words in lower case, and every other character as one token. Comments are skipped; quoted names and texts keep
/// their quotes, so that they are not mistaken for keywords.
fn tokens(sql: &str) -> Result<Vec<String>, &'static str> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => comment(&mut rest, "\n"),
            '-' if rest.starts_with("--") => comment(&mut rest, "\n"),
            '/' if rest.starts_with("/*!") || rest.starts_with("/*M!") => {
                return Err("a `/*! … */` comment, which MariaDB executes; write the statement without it");
            }
            '/' if rest.starts_with("/*") => comment(&mut rest, "*/"),
            '\'' | '"' | '`' => quoted(rest, first).ok_or("a quotation without an end")?,
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

/// Advances `rest` past a comment; the length of its token is 0.
fn comment(rest: &mut &str, end: &str) -> usize {
    *rest = rest.split_once(end).map_or("", |(_, after)| after);
    0
}

/// Length in bytes of a quotation with its quotes. A doubled quote splits it into two quotations, which makes no difference.
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
    fn the_migrations_of_the_repository_pass() {
        check().unwrap();
    }

    #[test]
    fn expand_statements_are_allowed() {
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
            assert_eq!(problem(sql), None, "{sql}");
        }
    }

    #[test]
    fn statements_that_can_break_the_running_version_are_rejected() {
        for (sql, reason) in [
            ("create table orders (id int not null, primary key (id))", "no `character set … collate …` at the end"),
            ("drop table authors", "`drop table authors` is not a known expand statement"),
            ("alter table books drop column byline", "`drop column byline` removes something"),
            ("alter table books add column x int, DROP COLUMN byline", "`drop column byline` removes something"),
            ("alter table books drop key books_isbn", "removes something"),
            ("alter table books rename to tomes", "`rename to tomes` removes a name"),
            ("alter table books rename column byline to authors", "removes a name"),
            ("rename table books to tomes", "not a known expand statement"),
            ("alter table books modify title varchar(100) not null", "can narrow"),
            ("alter table books change title name varchar(500)", "can narrow"),
            ("alter table books alter column stock drop default", "is not a known expand action"),
            ("alter table books add column x int not null", "needs a value"),
            ("alter table books add x int NOT NULL comment 'by default'", "needs a value"),
            ("alter table books add column (x int, y int)", "parentheses"),
            ("alter table books add column x int unique", "can reject"),
            ("alter table books add unique key (title)", "can reject"),
            ("alter table books add constraint c check (stock > 0)", "can reject"),
            ("create unique index books_slug on books (title)", "not a known expand statement"),
            ("create or replace table books (id int)", "not a known expand statement"),
            ("create trigger t before insert on books for each row set new.stock = 1", "not a known expand statement"),
            ("truncate ratings", "not a known expand statement"),
            ("delete from ratings", "not a known expand statement"),
            ("alter table books add column x int /*! , drop column byline */", "MariaDB executes"),
            ("create table a (id int); drop table books", "2 statements"),
            ("-- nothing", "0 statements"),
            ("update books set title = 'x", "without an end"),
        ] {
            let problem = problem(sql).unwrap_or_else(|| panic!("allowed: {sql}"));
            assert!(problem.contains(reason), "{sql}: {problem}");
        }
    }

    #[test]
    fn a_contract_statement_is_allowed_with_a_reason() {
        let drop = "alter table books drop column byline";
        assert_eq!(problem(&format!("-- contracts: since 1.4 nothing reads it\n{drop}")), None);
        assert!(problem(&format!("-- contracts:\n{drop}")).is_some(), "no reason");
        assert!(problem(&format!("-- It contracts: yes\n{drop}")).is_some(), "not at the start of a line");
        let two = format!("-- contracts: since 1.4 nothing reads it\n{drop}; {drop}");
        assert!(problem(&two).is_some(), "the second of two statements can fail");
    }
}
