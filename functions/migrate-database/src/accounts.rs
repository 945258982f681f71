//! The database users: what each may do, and how much of the server it may take.

use anyhow::{Context, bail};
use shared::{
    config::{Account, DatabaseAuth, DatabaseConfig},
    parameters::DatabaseRole,
};
use sqlx::{AssertSqlSafe, MySqlConnection};

/// What the pages and lists are made of.
const SHOP: &[&str] = &[
    "authors",
    "book_authors",
    "book_genres",
    "books",
    "genres",
    "ratings",
    "star_counts",
    "submissions",
    "word_variants",
];
/// What only the writer needs: no page shows a message to the shop.
const BACK_ROOM: &[&str] = &["contact_messages", "erased_visitors", "import_refusals", "imports"];

/// Creates the user of a role or brings it in line: login, grants, and hard stops for connections and statement time.
///
/// Rights are only ever added here, for the versions that still run.
pub async fn settle(
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
    let (rights, tables): (_, Vec<&str>) = match role {
        DatabaseRole::Reader => ("select", SHOP.to_vec()),
        DatabaseRole::Writer => ("select, insert, update, delete", [SHOP, BACK_ROOM].concat()),
        DatabaseRole::Admin => bail!("the administrator is not made here"),
    };
    statements.extend(tables.iter().map(|table| format!("grant {rights} on {table} to {user}")));
    for statement in statements {
        let shown = statement.replace(&login, "…");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.context(shown)?;
    }
    Ok(())
}

/// After which the server stops a statement by itself: soon after the function has given it up, so that what it locked
/// is free when the same is tried again.
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

/// Names and passwords are ours; anything but letters, digits, `_` and `-` is a mistake, not something to escape.
fn quoted(text: &str) -> anyhow::Result<String> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
        bail!("database users and passwords may have letters, digits, _ and - only");
    }
    Ok(format!("'{text}'"))
}
