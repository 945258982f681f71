//! The database users: their grants, and their limits of connections and statement time.

use anyhow::{Context, bail};
use shared::{
    config::{Account, DatabaseAuth, DatabaseConfig},
    parameters::DatabaseRole,
};
use sqlx::{AssertSqlSafe, MySqlConnection};

/// Tables of pages and lists: the reader selects from them, and the writer changes them.
const READER_TABLES: &[&str] = &[
    "authors",
    "book_authors",
    "book_genres",
    "book_search",
    "book_words",
    "books",
    "genres",
    "order_lines",
    "order_states",
    "orders",
    "ratings",
    "shop_counts",
    "star_counts",
    "submissions",
    "word_variants",
    "words",
];
/// Tables that only the writer uses.
const WRITER_ONLY_TABLES: &[&str] = &[
    "book_sales",
    "contact_messages",
    "erased_visitors",
    "import_refusals",
    "import_warnings",
    "imports",
    "mails",
    "message_faults",
    "order_locks",
    "order_messages",
    "stock_movements",
    "visitor_locks",
];

/// Creates the user of a role or updates it: login, grants, and limits of connections and statement time.
///
/// Grants are only added here, because old versions still run.
pub async fn set_up(
    connection: &mut MySqlConnection,
    config: &DatabaseConfig,
    role: DatabaseRole,
    connections: u32,
) -> anyhow::Result<()> {
    let account = config.accounts.get(&role).with_context(|| format!("the {role:?}'s name was not granted"))?;
    let user = format!("{}@'%'", quoted(&account.user)?);
    let login = login(config.auth, account)?;
    let seconds = statement_seconds(role);
    let mut statements = vec![
        format!("create user if not exists {user} {login}"),
        format!("alter user {user} {login} with max_user_connections {connections} max_statement_time {seconds}"),
    ];
    let (grants, tables): (_, Vec<&str>) = match role {
        DatabaseRole::Reader => ("select", READER_TABLES.to_vec()),
        DatabaseRole::Writer => ("select, insert, update, delete", [READER_TABLES, WRITER_ONLY_TABLES].concat()),
        DatabaseRole::Admin => bail!("the administrator is not created here"),
    };
    statements.extend(tables.iter().map(|table| format!("grant {grants} on {table} to {user}")));
    // A list that finds nothing is counted by the function that reads it.
    statements.push(format!("grant select, insert, update on search_misses to {user}"));
    for statement in statements {
        let shown = statement.replace(&login, "…");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.context(shown)?;
    }
    Ok(())
}

/// The server stops a statement after this: soon after the function's own timeout, so that its locks are free for the
/// retry.
fn statement_seconds(role: DatabaseRole) -> u32 {
    match role {
        DatabaseRole::Reader => 1,
        DatabaseRole::Writer | DatabaseRole::Admin => 2,
    }
}

fn login(auth: DatabaseAuth, account: &Account) -> anyhow::Result<String> {
    match auth {
        // <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html>
        DatabaseAuth::Iam => Ok("identified with AWSAuthenticationPlugin as 'RDS' require ssl".to_owned()),
        DatabaseAuth::Password => {
            let password = account.password.as_ref().context("its password was not granted")?;
            Ok(format!("identified by {}", quoted(password.reveal())?))
        }
    }
}

/// Quotes a name or password. The shop makes them, so a character other than letters, digits, `_` and `-` is an error.
fn quoted(text: &str) -> anyhow::Result<String> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
        bail!("database users and passwords may have letters, digits, _ and - only");
    }
    Ok(format!("'{text}'"))
}
