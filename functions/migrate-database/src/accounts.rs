//! The database users: their grants, and their limits of connections and statement time.

use anyhow::{Context, bail};
use shared::{
    config::{Account, DatabaseAuth, DatabaseConfig},
    parameters::DatabaseRole,
};
use sqlx::{AssertSqlSafe, MySqlConnection, error::DatabaseError, mysql::MySqlDatabaseError};

/// Tables of what every visitor may see: the reader selects from them, and the writer changes them.
const READER_TABLES: &[&str] = &[
    "authors",
    "book_authors",
    "book_genres",
    "book_search",
    "book_words",
    "books",
    "covers",
    "genres",
    "ratings",
    "sample_chapters",
    "shop_counts",
    "star_counts",
    "submissions",
    "word_variants",
    "words",
];
/// Tables of orders, with personal data, that the page of an order needs.
const ORDER_TABLES: &[&str] = &["order_lines", "order_states", "orders", "stock_movements"];
/// The page of an order also says which cancellation was refused; nobody needs to know there who asked for one.
const ORDER_MESSAGE_GRANT: (&str, &[&str]) = ("select (effect, kind, order_id, sent_at)", &["order_messages"]);
/// Tables of customers, which nobody else needs.
const CUSTOMER_TABLES: &[&str] =
    &["customer_addresses", "customer_carts", "customer_visitors", "customers", "sessions_valid_from", "wishlists"];
/// What the pages of an account do beside reading what visitors, orders and customers have: they keep the address book, the
/// wishlist and the settings, end sessions, and change ratings, whose counts are in several tables.
const ACCOUNT_GRANTS: &[(&str, &[&str])] = &[
    ("select", &["contact_messages"]),
    ("select (created_at, id, message_id, text)", &["contact_replies"]),
    ("select (book_id, created_at, customer, id, notified_at)", &["stock_alerts"]),
    ("select, insert, update", &["erased_visitors"]),
    ("select, update", &["visitor_locks"]),
    ("insert, update, delete", &["customer_addresses", "ratings", "sessions_valid_from"]),
    ("insert, delete", &["wishlists"]),
    ("insert, update", &["shop_counts", "star_counts", "submissions"]),
    ("update (ratings_count, score, updated_at)", &["books"]),
    ("update (default_address, language)", &["customers"]),
    ("update", &["book_authors", "book_genres", "book_search"]),
    ("insert, delete", &["book_words"]),
];
/// Permissions of the pages of the staff: they read orders, messages, ratings and imports, change their states, and record it; and they add
/// books and change their facts. What follows from a change is in several tables: stock and its movements, mails, the counts of
/// ratings, and what books are found by.
const STAFF_GRANTS: &[(&str, &[&str])] = &[
    (
        "select",
        &["book_sales", "contact_messages", "contact_words", "mails", "order_messages", "restocks", "search_misses"],
    ),
    ("select", &["import_changes", "import_refusals", "import_warnings", "imports"]),
    ("update (run_at)", &["imports"]),
    ("select (email_key, subject)", &["customers"]),
    // Nobody changes what was recorded, or revives a session that was ended.
    ("select, insert", &["audit_log", "contact_replies", "sessions_valid_from"]),
    ("update (answered_at)", &["contact_messages"]),
    ("update (contact_until, delivered_by, expires_at, paid_at, state)", &["orders"]),
    ("update (cancelled, returned)", &["order_lines"]),
    ("insert", &["mails", "order_states", "stock_movements"]),
    ("insert, update (asked_by, asked_until, effect)", &["order_messages"]),
    ("update (hidden_at, verified_purchase)", &["ratings"]),
    ("insert, update, delete", &["covers", "sample_chapters"]),
    ("update (copies)", &["book_sales"]),
    ("insert, update", &["restocks", "shop_counts", "star_counts"]),
    ("update (outcome, reason)", &["submissions"]),
    ("update (ratings_count, score, sold, stock, stock_moved, updated_at)", &["books"]),
    (
        "insert, update (byline, currency, description, fixed_price, isbn, language, price, publisher, publisher_contact, \
         tax_rate, title, withdrawn_at, withdrawn_currency, withdrawn_price, year)",
        &["books"],
    ),
    ("insert, update, delete", &["book_authors", "book_genres"]),
    ("insert, update", &["book_search", "words"]),
    ("insert", &["authors", "word_variants"]),
    ("insert, update (books)", &["genres"]),
    ("insert, delete", &["book_words"]),
];
/// Tables that only the writer uses.
const WRITER_ONLY_TABLES: &[&str] = &[
    "alert_mailboxes",
    "book_sales",
    "contact_messages",
    "contact_replies",
    "contact_words",
    "erased_visitors",
    "import_changes",
    "import_refusals",
    "import_warnings",
    "imports",
    "mails",
    "message_faults",
    "order_locks",
    "order_messages",
    "restocks",
    "stock_alerts",
    "visitor_locks",
];

/// Creates the user of a role or updates it: login, grants, and limits of connections and statement time.
///
/// Grants are only added here, because old versions still run; [`revoke`] takes them.
pub async fn set_up(
    connection: &mut MySqlConnection,
    config: &DatabaseConfig,
    role: DatabaseRole,
    connections: u32,
) -> anyhow::Result<()> {
    let account = config.accounts.get(&role).with_context(|| format!("the {role:?}'s name was not granted"))?;
    let user = user_name(account)?;
    let login = login(config.auth, account)?;
    let seconds = statement_seconds(role);
    let mut statements = vec![
        format!("create user if not exists {user} {login}"),
        format!("alter user {user} {login} with max_user_connections {connections} max_statement_time {seconds}"),
    ];
    let rights: Vec<(&str, Vec<&str>)> = match role {
        DatabaseRole::Reader => vec![("select", READER_TABLES.to_vec())],
        // Whose order it is follows from the session of a customer, and so does the address with which the checkout begins.
        DatabaseRole::OrderReader => {
            let of_customers = ["customer_addresses", "customer_carts", "customers", "sessions_valid_from"];
            let (grant, tables) = ORDER_MESSAGE_GRANT;
            vec![("select", [&["books", "covers"], &of_customers[..], ORDER_TABLES].concat()), (grant, tables.to_vec())]
        }
        DatabaseRole::BounceWriter => vec![("select, update", vec!["mails"])],
        DatabaseRole::Account => {
            let reads = ("select", [READER_TABLES, ORDER_TABLES, CUSTOMER_TABLES].concat());
            let more = ACCOUNT_GRANTS.iter().chain([&ORDER_MESSAGE_GRANT]);
            let more = more.map(|(grants, tables)| (*grants, tables.to_vec()));
            [reads].into_iter().chain(more).collect()
        }
        DatabaseRole::Staff => {
            let reads = ("select", [READER_TABLES, ORDER_TABLES].concat());
            let more = STAFF_GRANTS.iter().map(|(grants, tables)| (*grants, tables.to_vec()));
            [reads].into_iter().chain(more).collect()
        }
        DatabaseRole::Writer => {
            let all = [READER_TABLES, ORDER_TABLES, CUSTOMER_TABLES, WRITER_ONLY_TABLES].concat();
            // A sweep removes old rows of the record, which nobody changes.
            vec![("select, insert, update, delete", all), ("select, insert, delete", vec!["audit_log"])]
        }
        DatabaseRole::Admin => bail!("the administrator is not created here"),
    };
    for (grants, tables) in rights {
        statements.extend(tables.iter().map(|table| format!("grant {grants} on {table} to {user}")));
    }
    // A list that finds nothing is counted by the function that reads it.
    if matches!(role, DatabaseRole::Reader | DatabaseRole::Writer) {
        statements.push(format!("grant select, insert, update on search_misses to {user}"));
    }
    // How far a replica is behind.
    if role == DatabaseRole::Reader {
        statements.push(format!("grant select on heartbeat to {user}"));
    }
    for statement in statements {
        let shown = statement.replace(&login, "…");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.context(shown)?;
    }
    Ok(())
}

/// Takes from the users what only versions before needed: the reader had the tables of orders until orders got a reader of
/// their own.
pub async fn revoke(connection: &mut MySqlConnection, config: &DatabaseConfig) -> anyhow::Result<()> {
    let account = config.accounts.get(&DatabaseRole::Reader).context("the reader's name was not granted")?;
    let user = user_name(account)?;
    for table in ORDER_TABLES {
        let statement = format!("revoke select on {table} from {user}");
        match sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut *connection).await {
            Err(sqlx::Error::Database(error)) if is_without_grant(&*error) => {}
            result => {
                result.context(statement)?;
            }
        }
    }
    Ok(())
}

/// MariaDB's `ER_NONEXISTING_TABLE_GRANT`.
fn is_without_grant(error: &dyn DatabaseError) -> bool {
    error.try_downcast_ref::<MySqlDatabaseError>().is_some_and(|error| error.number() == 1147)
}

fn user_name(account: &Account) -> anyhow::Result<String> {
    Ok(format!("{}@'%'", quoted(&account.user)?))
}

/// The server stops a statement after this: soon after the function's own timeout, so that its locks are free for the
/// retry.
fn statement_seconds(role: DatabaseRole) -> u32 {
    match role {
        DatabaseRole::Reader | DatabaseRole::OrderReader => 1,
        DatabaseRole::BounceWriter
        | DatabaseRole::Account
        | DatabaseRole::Staff
        | DatabaseRole::Writer
        | DatabaseRole::Admin => 2,
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use shared::{
        domain::{
            BookFacts, BookId, Currency, Email, Filter, Language, OrderAction, OrderId, OrderNumber, OrderState, Part,
            ReplyText, Search, Sort, Stars, SubmissionKey,
        },
        repo::{
            alerts,
            audit::{self, Deed},
            books::{self, Listing},
            catalogue::edit::{self, Edited, SeenBook},
            contact, contact_replies,
            contact_search::{self, Wanted},
            customer_addresses::{self, AddressChange},
            customer_erasure, customers, files, genres, imports,
            moderation::{self, Outcome, Sent},
            orders::{self, Applied},
            ratings::{self, OwnChange},
            search_misses, stock,
            wishlists::{self, WishChange},
        },
        secret::Secret,
        session::Subject,
        shop::Shop,
        staff::{About, Bookseller, OrdersShown, StockChange, StockChanged},
        uploads::{CoverFiles, SampleFile, Size, UploadKind},
    };
    use sqlx::{Connection, MySqlPool, mysql::MySqlConnectOptions, types::time::OffsetDateTime};
    use uuid::Uuid;

    use super::*;

    const ROLES: [DatabaseRole; 6] = [
        DatabaseRole::Reader,
        DatabaseRole::OrderReader,
        DatabaseRole::BounceWriter,
        DatabaseRole::Account,
        DatabaseRole::Staff,
        DatabaseRole::Writer,
    ];

    /// Users of this test alone, because a server has them for all its databases.
    fn config() -> DatabaseConfig {
        let account = |role: DatabaseRole| Account {
            user: format!("t{}_{}", &Uuid::new_v4().simple().to_string()[..16], role.name()),
            password: Some(Secret::new(Uuid::new_v4().simple().to_string())),
        };
        DatabaseConfig {
            host: String::new(),
            port: 0,
            name: String::new(),
            auth: DatabaseAuth::Password,
            accounts: ROLES.map(|role| (role, account(role))).into(),
            admin_secret: None,
            replicas: Vec::new(),
        }
    }

    async fn run(connection: &mut MySqlConnection, statement: String) -> sqlx::Result<()> {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
    }

    /// Logs in as the user of this machine, because a server may have an anonymous one, which comes before that of all hosts.
    async fn logged_in(pool: &MySqlPool, account: &Account) -> MySqlConnection {
        let admin = &mut *pool.acquire().await.unwrap();
        let here = "select substring_index(user(), '@', -1)";
        let here: String = sqlx::query_scalar(here).fetch_one(&mut *admin).await.unwrap();
        let (user, here) = (user_name(account).unwrap(), format!("'{}'@'{here}'", account.user));
        run(admin, format!("rename user {user} to {here}")).await.unwrap();
        // MariaDB does not sort a renamed user in front of the anonymous one until then.
        run(admin, "flush privileges".to_owned()).await.unwrap();
        let options: MySqlConnectOptions = (*pool.connect_options()).clone();
        let password = account.password.as_ref().unwrap().reveal();
        MySqlConnection::connect_with(&options.username(&account.user).password(password)).await.unwrap()
    }

    /// Tables that the user can select from, and tables that it can change.
    async fn rights(connection: &mut MySqlConnection, account: &Account) -> BTreeMap<&'static str, BTreeSet<String>> {
        let sql = "select privilege_type, table_name from information_schema.table_privileges where grantee = ?";
        let grantee = format!("'{}'@'%'", account.user);
        let rows: Vec<(String, String)> = sqlx::query_as(sql).bind(grantee).fetch_all(connection).await.unwrap();
        let mut rights = BTreeMap::from([("reads", BTreeSet::new()), ("changes", BTreeSet::new())]);
        for (privilege, table) in rows {
            rights.get_mut(if privilege == "SELECT" { "reads" } else { "changes" }).unwrap().insert(table);
        }
        rights
    }

    fn set<const N: usize>(tables: [&str; N]) -> BTreeSet<String> {
        tables.map(str::to_owned).into()
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "shared::MIGRATIONS")]
    async fn only_the_reader_of_orders_and_the_writer_reach_orders_also_on_a_stage_of_before(pool: MySqlPool) {
        let config = config();
        let connection = &mut *pool.acquire().await.unwrap();
        for role in ROLES {
            set_up(connection, &config, role, 3).await.unwrap();
        }
        let reader = user_name(&config.accounts[&DatabaseRole::Reader]).unwrap();
        run(connection, format!("grant select on orders to {reader}")).await.unwrap();
        // The second time there is nothing left to take.
        for _ in 0..2 {
            revoke(connection, &config).await.unwrap();
        }

        for (role, changes) in
            [(DatabaseRole::Reader, set(["search_misses"])), (DatabaseRole::OrderReader, BTreeSet::new())]
        {
            let rights = rights(connection, &config.accounts[&role]).await;
            assert_eq!(rights["changes"], changes, "{role:?}");
            let reads_orders = rights["reads"].iter().filter(|table| table.starts_with("order")).count();
            assert_eq!(reads_orders, if role == DatabaseRole::Reader { 0 } else { 3 }, "{role:?}");
        }
        let of_orders = rights(connection, &config.accounts[&DatabaseRole::OrderReader]).await;
        assert_eq!(
            of_orders["reads"],
            set([
                "books",
                "covers",
                "customer_addresses",
                "customer_carts",
                "customers",
                "order_lines",
                "order_states",
                "orders",
                "sessions_valid_from",
                "stock_movements"
            ])
        );
        let of_bounces = rights(connection, &config.accounts[&DatabaseRole::BounceWriter]).await;
        assert_eq!((&of_bounces["reads"], &of_bounces["changes"]), (&set(["mails"]), &set(["mails"])));
        let of_writer = rights(connection, &config.accounts[&DatabaseRole::Writer]).await;
        assert!(of_writer["changes"].is_superset(&set(["orders", "order_lines", "order_states", "books"])));

        drop_users(connection, &config).await;
    }

    /// What `show-order` reads, as its user: a table that is not granted would be an error.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "shared::MIGRATIONS")]
    async fn the_reader_of_orders_reads_an_order_and_the_books_of_a_cart(pool: MySqlPool) {
        let config = config();
        let admin = &mut *pool.acquire().await.unwrap();
        let role = DatabaseRole::OrderReader;
        set_up(admin, &config, role, 3).await.unwrap();
        let id = cancelled_order(admin).await;

        let mut connection = logged_in(&pool, &config.accounts[&role]).await;
        assert!(orders::find(&mut connection, id).await.unwrap().unwrap().refused.is_some());
        let asker = run(&mut connection, "select asked_by from order_messages".to_owned()).await.unwrap_err();
        assert!(asker.to_string().contains("denied"), "{asker}");
        let books = [BookId::from(7)];
        assert!(books::summaries(&mut connection, &books).await.unwrap().is_empty());
        assert!(books::tax_rates(&mut connection, &books).await.unwrap().is_empty());
        for table in ["contact_messages", "erased_visitors", "mails", "ratings"] {
            let error = run(&mut connection, format!("select 1 from {table}")).await.unwrap_err().to_string();
            assert!(error.contains("denied"), "{table}: {error}");
        }
        connection.close().await.unwrap();
        drop_users(admin, &config).await;
    }

    /// What `note-bounces` does, as its user.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "shared::MIGRATIONS")]
    async fn the_user_of_bounces_notes_them_with_mails_and_changes_nothing_else(pool: MySqlPool) {
        let config = config();
        let admin = &mut *pool.acquire().await.unwrap();
        let role = DatabaseRole::BounceWriter;
        set_up(admin, &config, role, 3).await.unwrap();
        for statement in [
            "insert into orders (id, state, delivery, payment, currency, language, fingerprint, placed_at, decided_at) values \
             (unhex(md5('id')), 'confirmed', 'collect', 'on_collection', 'EUR', 'es', repeat('x', 32), now(), now())",
            "insert into mails (order_number, event, source, created_at) \
             select number, 'confirmed', unhex(md5('source')), now() from orders",
        ] {
            run(admin, statement.to_owned()).await.unwrap();
        }
        let mail: u64 = sqlx::query_scalar("select id from mails").fetch_one(&mut *admin).await.unwrap();

        let mut connection = logged_in(&pool, &config.accounts[&role]).await;
        let now = OffsetDateTime::now_utc();
        for (id, is_there) in [(mail, true), (mail + 1, false)] {
            let mut transaction = connection.begin().await.unwrap();
            assert_eq!(orders::fail_mail(&mut transaction, id, "bounce", now).await.unwrap(), is_there);
            transaction.commit().await.unwrap();
        }
        for statement in [
            "select 1 from orders",
            "select 1 from contact_messages",
            "update books set stock = 0",
            "insert into mails (order_number) values (1)",
            "delete from mails",
            "insert into search_misses select * from search_misses",
        ] {
            let error = run(&mut connection, statement.to_owned()).await.unwrap_err().to_string();
            assert!(error.contains("denied"), "{statement}: {error}");
        }
        connection.close().await.unwrap();
        drop_users(admin, &config).await;
    }

    /// What `show-account` does, as its user: a table that is not granted would be an error.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "shared::MIGRATIONS")]
    async fn the_user_of_accounts_keeps_them_and_changes_no_order_and_no_stock(pool: MySqlPool) {
        let config = config();
        let admin = &mut *pool.acquire().await.unwrap();
        let role = DatabaseRole::Account;
        set_up(admin, &config, role, 3).await.unwrap();
        for statement in [
            "insert into books (reference, title, byline) values ('b', 'El túnel', 'Sabato')",
            "insert into submissions (id, kind, outcome, sent_at) values (unhex(md5('s')), 'rating', 'published', now())",
            "insert into customers (subject, email, signed_in_at, created_at) \
             values (unhex(md5('ana')), 'ana@example.org', now(), now())",
            "insert into ratings (submission_id, book_id, visitor_id, customer, stars, sent_at) \
             select unhex(md5('s')), id, unhex(md5('v')), unhex(md5('ana')), 2, now() from books",
            "insert into star_counts (book_id, stars, given) select id, 2, 1 from books",
            "insert into customer_visitors values (unhex(md5('v')), unhex(md5('ana')), now())",
        ] {
            run(admin, statement.to_owned()).await.unwrap();
        }
        let ana: Uuid = sqlx::query_scalar("select subject from customers").fetch_one(&mut *admin).await.unwrap();
        let ana = Subject::of_uuid(ana);
        let cancelled = cancelled_order(admin).await;

        let mut connection = logged_in(&pool, &config.accounts[&role]).await;
        let c = &mut connection;
        let now = OffsetDateTime::now_utc();
        assert!(customers::session_is_valid(c, ana, now).await.unwrap());
        assert!(customers::find(c, ana).await.unwrap().is_some());
        assert!(orders::of_customer(c, ana, None, 9).await.unwrap().items.is_empty());
        assert!(orders::find(c, cancelled).await.unwrap().unwrap().refused.is_some());
        assert!(contact::of_customer(c, ana, 0, 9).await.unwrap().is_empty());
        assert!(customers::set_language(c, ana, &Language::parse("en").unwrap()).await.unwrap());
        let text = r#"{"name":"Ana","street":["Calle 1"],"postal_code":"28013","place":"Madrid","country":"ES"}"#;
        let address = serde_json::from_str(text).unwrap();
        assert_eq!(customer_addresses::add(c, ana, &address, false, now).await.unwrap(), AddressChange::Done);
        let saved = customer_addresses::list(c, ana).await.unwrap().remove(0);
        let id = (saved.id, saved.version);
        assert_eq!(customer_addresses::remove(c, ana, id).await.unwrap(), AddressChange::Done);
        let own = ratings::of_customer(c, ana, None, 9).await.unwrap().items.remove(0);
        let five = (Stars::parse(5).unwrap(), None, None);
        let submission = (Uuid::new_v4(), now);
        let changed = ratings::change_own(c, ana, own.id, own.version, submission, five).await.unwrap();
        assert_eq!(changed, OwnChange::Done);
        assert_eq!(ratings::delete_own(c, ana, own.id, submission.0).await.unwrap(), OwnChange::Done);
        assert_eq!(wishlists::add(c, ana, own.book, now).await.unwrap(), WishChange::Done);
        assert_eq!(wishlists::of_customer(c, ana, None, 9).await.unwrap().items.len(), 1);
        wishlists::remove(c, ana, own.book).await.unwrap();
        assert!(alerts::of_customer(c, ana).await.unwrap().is_empty());
        customer_erasure::begin_erasure(c, ana, now).await.unwrap();

        for statement in [
            "update orders set total = 0",
            "delete from orders",
            "update books set stock = 0",
            "insert into books (reference, title, byline) values ('c', 'x', 'y')",
            "delete from customers",
            "delete from contact_messages",
            "select 1 from mails",
            "update stock_movements set quantity = 0",
            "update wishlists set book_id = 1",
            "select email from stock_alerts",
            "delete from stock_alerts",
        ] {
            let error = run(&mut connection, statement.to_owned()).await.unwrap_err().to_string();
            assert!(error.contains("denied"), "{statement}: {error}");
        }
        connection.close().await.unwrap();
        drop_users(admin, &config).await;
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "shared::MIGRATIONS")]
    async fn nobody_changes_what_was_recorded_of_the_staff_or_has_more_rights_on_it_than_it_uses(pool: MySqlPool) {
        let config = config();
        let admin = &mut *pool.acquire().await.unwrap();
        for role in ROLES {
            set_up(admin, &config, role, 3).await.unwrap();
        }
        for (role, expected) in [
            (DatabaseRole::Reader, ""),
            (DatabaseRole::OrderReader, ""),
            (DatabaseRole::BounceWriter, ""),
            (DatabaseRole::Account, ""),
            (DatabaseRole::Staff, "INSERT,SELECT"),
            (DatabaseRole::Writer, "DELETE,INSERT,SELECT"),
        ] {
            let sql = "select coalesce(group_concat(privilege_type order by privilege_type), '') \
                       from information_schema.table_privileges where grantee = ? and table_name = 'audit_log'";
            let grantee = format!("'{}'@'%'", config.accounts[&role].user);
            let granted: String = sqlx::query_scalar(sql).bind(grantee).fetch_one(&mut *admin).await.unwrap();
            assert_eq!(granted, expected, "{role:?}");
        }
        drop_users(admin, &config).await;
    }

    /// Runs the statements of `show-staff` as its user: a table or a column that is not granted would be an error.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "shared::MIGRATIONS")]
    async fn the_user_of_the_staff_changes_orders_messages_reviews_and_books_and_can_change_no_record(pool: MySqlPool) {
        let config = config();
        let admin = &mut *pool.acquire().await.unwrap();
        let role = DatabaseRole::Staff;
        set_up(admin, &config, role, 3).await.unwrap();
        for statement in [
            "insert into books (reference, title, byline, stock, stock_moved, price, currency) \
             values ('b', 'El túnel', 'Sabato', 0, 0, 1200, 'EUR')",
            "insert into submissions (id, kind, outcome, sent_at) values (unhex(md5('s')), 'rating', 'published', now())",
            "insert into submissions (id, kind, outcome, sent_at) values (unhex(md5('c')), 'contact', 'published', now())",
            "insert into ratings (submission_id, book_id, visitor_id, stars, sent_at) \
             select unhex(md5('s')), id, unhex(md5('v')), 2, now() from books",
            "insert into star_counts (book_id, stars, given) select id, 2, 1 from books",
            "insert into contact_messages (submission_id, name, email, subject, message, sent_at) \
             values (unhex(md5('c')), 'Ana', 'ana@example.org', 'Hola', '¿Abren?', now())",
            "insert into orders (id, state, delivery, payment, currency, language, fingerprint, placed_at, decided_at, total, \
             contact_name, email, visitor_id) values (unhex(md5('o')), 'awaiting_payment', 'ship', 'bank_transfer', 'EUR', 'es', \
             repeat('x', 32), now(), now(), 3600, 'Ana', 'ana@example.org', unhex(md5('v')))",
            "insert into order_lines (order_number, position, book_id, title, quantity, unit_price, tax_rate) \
             select o.number, 0, b.id, b.title, 3, 1200, 400 from orders o join books b",
            "insert into book_sales (day, book_id, copies) select utc_date(), id, 3 from books",
            "insert into imports (object_key, sequencer, is_preview, changed, ended_at) values ('previews/a.csv', '1', true, 1, now())",
        ] {
            run(admin, statement.to_owned()).await.unwrap();
        }
        let number = OrderNumber(sqlx::query_scalar("select number from orders").fetch_one(&mut *admin).await.unwrap());
        let book: u32 = sqlx::query_scalar("select id from books").fetch_one(&mut *admin).await.unwrap();

        let mut connection = logged_in(&pool, &config.accounts[&role]).await;
        let (c, now, shop) = (&mut connection, OffsetDateTime::now_utc(), shop());
        let ana = Bookseller {
            subject: Subject::of_uuid(Uuid::from_u128(7)),
            email: Email::parse("librera@example.org").unwrap(),
        };
        assert!(customers::session_is_valid(c, ana.subject, now).await.unwrap());
        assert_eq!(orders::waiting(c).await.unwrap().to_pay, 1);
        for shown in OrdersShown::LISTS {
            let is_there = matches!(shown, OrdersShown::Open | OrdersShown::All)
                || shown == OrdersShown::InState(OrderState::AwaitingPayment);
            let found = orders::list_shown(c, shown, None, 9).await.unwrap();
            assert_eq!(found.len(), usize::from(is_there), "{}", shown.code());
        }
        let some = |copies| Some(Part { book: book.into(), copies: Some(copies) });
        for (action, expected) in [
            (OrderAction::Paid, OrderState::Confirmed),
            (OrderAction::Cancel(some(1)), OrderState::Confirmed),
            (OrderAction::Shipped, OrderState::Shipped),
            (OrderAction::Delivered, OrderState::Delivered),
            (OrderAction::Return(some(1)), OrderState::Delivered),
            (OrderAction::Return(None), OrderState::Returned),
        ] {
            if action == OrderAction::Shipped {
                assert_eq!(orders::to_pick(c, None).await.unwrap().picks[0].copies(), 2);
                assert_eq!(orders::waiting(c).await.unwrap().to_ship, 1);
            }
            let version = orders::in_full(c, number).await.unwrap().unwrap().version();
            let mut transaction = c.begin().await.unwrap();
            let id = Uuid::new_v4();
            let applied = orders::act_on(&mut transaction, id, (number, &version), action, &shop, now).await.unwrap();
            let deed = Deed { action: "x", about: About::Order(number), outcome: "done", detail: None };
            audit::note(&mut transaction, &ana, deed, now).await.unwrap();
            transaction.commit().await.unwrap();
            assert!(
                matches!(applied, Some(Applied::Changed { state, .. }) if state == expected),
                "{action:?} {applied:?}"
            );
        }
        assert!(orders::find_by_number(c, number).await.unwrap().is_some());
        assert_eq!(audit::about(c, About::Order(number), 9).await.unwrap().len(), 6);

        assert_eq!(contact::count_open(c, 9).await.unwrap(), 1);
        let message = contact::list(c, Some(true), u64::MAX, 9).await.unwrap().remove(0).id;
        assert!(contact::find_locked(c, message).await.unwrap().is_some());
        assert!(contact::mark_answered(c, message, now).await.unwrap().unwrap().answered_at.is_some());
        assert!(contact::reopen(c, message).await.unwrap().unwrap().answered_at.is_none());

        let wanted = Wanted::parse("abren").unwrap();
        assert_eq!(contact_search::search(c, &wanted, None, u64::MAX, 9).await.unwrap().messages, []);
        let log = audit::about(c, About::Message(message), 9).await.unwrap();
        let version = contact::find(c, message).await.unwrap().unwrap().version(&log);
        let sent = Sent { who: &ana, id: message, version: &version, change: Uuid::from_u128(1) };
        let answer = (&ReplyText::parse("Sí.").unwrap(), &Language::parse("es").unwrap(), true);
        assert_eq!(moderation::reply(c, sent, answer, now).await.unwrap(), Outcome::Done);
        assert_eq!(contact_replies::of_message(c, message, 9).await.unwrap().len(), 1);
        customers::end_session(c, ana.subject, now, now).await.unwrap();
        assert!(!customers::session_is_valid(c, ana.subject, now).await.unwrap());

        let review = ratings::list_for_staff(c, false, None, None, 9).await.unwrap().remove(0).id;
        assert!(ratings::find_locked(c, review).await.unwrap().is_some());
        assert!(ratings::hide(c, review, now).await.unwrap().unwrap().hidden_at.is_some());
        assert!(ratings::find_for_staff(c, review).await.unwrap().unwrap().hidden_at.is_some());
        assert!(ratings::unhide(c, review).await.unwrap().unwrap().hidden_at.is_none());

        let typed = |title: &str| {
            let fields = [
                ("title", title),
                ("authors", "Luz Nueva"),
                ("isbn", "9788420467283"),
                ("price", "12"),
                ("genres", "new-weird"),
            ];
            let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
            BookFacts::parse(&BTreeMap::from(fields), Currency::EUR, false).unwrap()
        };
        let mut transaction = c.begin().await.unwrap();
        let form = |form| edit::Sent { who: &ana, change: Uuid::from_u128(form), currency: Currency::EUR };
        let added = edit::add(&mut transaction, form(11), Uuid::from_u128(3), &typed("Primero"), now).await.unwrap();
        let Edited::Done { after: added, .. } = added else { panic!("{added:?}") };
        let id = added.id;
        let seen = SeenBook { id, version: &added.version() };
        let changed = edit::change(&mut transaction, form(12), seen, &typed("Después"), now).await.unwrap();
        assert!(matches!(changed, Edited::Done { .. }), "{changed:?}");
        for (number, is_withdrawn) in [(13, true), (14, false)] {
            let seen = SeenBook { id, version: &edit::find(&mut transaction, id).await.unwrap().unwrap().version() };
            let (form, sale) = (form(number), (is_withdrawn, "feria"));
            let set = edit::set_withdrawn(&mut transaction, form, seen, sale, now).await.unwrap();
            assert!(matches!(set, Edited::Done { .. }), "{set:?}");
        }
        for (number, change) in
            [(1, StockChange::Received(3)), (2, StockChange::Damaged(1)), (3, StockChange::Counted(9))]
        {
            let number = Uuid::from_u128(number);
            let moved = stock::change(&mut transaction, number, id, change, "albarán", now).await.unwrap();
            assert!(matches!(moved, StockChanged::Now { .. }), "{moved:?}");
            assert!(stock::of_action(&mut transaction, id, number).await.unwrap().is_some());
        }
        let deed = Deed { action: "x", about: About::Book(id), outcome: "done", detail: None };
        let changes = BookFacts::changes(None, &added.facts, Currency::EUR);
        let change = (Uuid::from_u128(15), changes.as_slice());
        audit::note_changes(&mut transaction, &ana, deed, change, now).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(audit::about(c, About::Book(id), 9).await.unwrap()[0].changes, changes);
        assert_eq!(stock::movements(c, id, u64::MAX, 9).await.unwrap().len(), 3);
        stock::copies_left(c, 9, None, 9).await.unwrap();
        search_misses::list(c, 9).await.unwrap();
        genres::list(c).await.unwrap();
        let search = Listing::new(Some(Search::parse("despues").unwrap()), Filter::default(), Sort::Relevance, 9);
        assert_eq!(books::list(c, &search).await.unwrap().items.len(), 1);

        let (cover, sample) = (CoverFiles::new("a".repeat(32), Size { width: 640, height: 960 }), "c".repeat(32));
        let sample = SampleFile { hash: sample, bytes: 9, pages: 1 };
        for _ in 0..2 {
            files::put_cover(c, book.into(), &cover, None, now).await.unwrap();
            files::put_sample(c, book.into(), &sample, now).await.unwrap();
        }
        for kind in [UploadKind::Cover, UploadKind::Sample] {
            let file = files::find_locked(c, book.into(), kind).await.unwrap().flatten().unwrap();
            assert!(files::lock(c, file.hash()).await.unwrap());
            assert!(files::is_used(c, kind, file.hash()).await.unwrap());
            files::unlock(c, file.hash()).await.unwrap();
            assert!(files::remove(c, book.into(), kind).await.unwrap());
        }

        let preview = imports::find_by_key(c, "previews/a.csv").await.unwrap().unwrap();
        assert_eq!(imports::list(c, u32::MAX, 9).await.unwrap().len(), 1);
        assert!(imports::find(c, preview).await.unwrap().unwrap().is_preview);
        assert!(imports::columns(c, preview).await.unwrap().is_none());
        assert!(imports::changes(c, preview).await.unwrap().is_empty());
        assert!(imports::refusals(c, preview, 0, 9).await.unwrap().is_empty());
        assert!(imports::warnings(c, preview, (0, ""), 9).await.unwrap().is_empty());
        assert!(!imports::has_changed_since(c, preview, "incoming/previewed/1.csv").await.unwrap());
        assert_eq!(imports::count_previews(c, now).await.unwrap(), 1);
        for at in [Some(now), None] {
            assert!(imports::note_run(c, preview, at).await.unwrap());
        }

        for statement in [
            "update audit_log set email = 'x'",
            "update audit_log set changes = null",
            "update submissions set sent_at = now()",
            "delete from audit_log",
            "update orders set total = 0",
            "update orders set email = 'x'",
            "delete from orders",
            "update order_lines set unit_price = 0",
            "update books set reference = 'x'",
            "update books set ratings_supplier = 'x'",
            "delete from books",
            "update authors set name = 'x'",
            "delete from authors",
            "update genres set slug = 'x'",
            "delete from words",
            "delete from book_search",
            "insert into imports (object_key) values ('x')",
            "update search_misses set searches = 0",
            "delete from stock_movements",
            "update stock_movements set quantity = 0",
            "update contact_messages set message = 'x'",
            "delete from contact_messages",
            "update contact_replies set text = 'x'",
            "delete from contact_replies",
            "insert into contact_words values ('x', 1)",
            "insert into contact_messages (name) values ('x')",
            "update ratings set stars = 5",
            "delete from ratings",
            "update mails set sent_at = null",
            "select email from customers",
            "select 1 from customer_addresses",
            "select 1 from stock_alerts",
            "insert into imports (object_key, sequencer) values ('x', 'y')",
            "update imports set etag = 'x'",
            "delete from imports",
            "insert into import_changes select * from import_changes",
            "update import_refusals set reason = 'x'",
            "update sessions_valid_from set valid_from = '2026-01-01'",
            "delete from sessions_valid_from",
        ] {
            let error = run(&mut connection, statement.to_owned()).await.unwrap_err().to_string();
            assert!(error.contains("denied"), "{statement}: {error}");
        }
        connection.close().await.unwrap();
        drop_users(admin, &config).await;
    }

    fn shop() -> Shop {
        let text = serde_json::json!({
            "seller": { "name": "Anaquel", "tax_id": "B1", "address": "Madrid", "email": "t@example.org", "phone": "+34 910" },
            "currency": "EUR",
            "tax_rates": { "books": 400, "delivery": 2100 },
            "ship": { "price": 395, "days": 4, "countries": ["ES"] },
            "payments": { "on_collection": false, "on_delivery": false },
            "max_open_orders": 3,
            "groups": 1,
            "sells": "yes",
        });
        serde_json::from_value(text).unwrap()
    }

    /// An order that was cancelled twice.
    async fn cancelled_order(connection: &mut MySqlConnection) -> OrderId {
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
        let id = key.order_id(Uuid::from_u128(1), b"k");
        for statement in [
            "insert into orders (id, state, delivery, payment, currency, language, fingerprint, placed_at, decided_at) \
             values (?, 'cancelled', 'collect', 'on_collection', 'EUR', 'es', repeat('x', 32), now(), now())",
            "insert into order_messages (id, order_id, kind, effect, sent_at, applied_at) \
             values (unhex(md5('m')), ?, 'order-action', 'refused not-from:cancelled:cancelled', now(), now())",
        ] {
            sqlx::query(statement).bind(id.uuid()).execute(&mut *connection).await.unwrap();
        }
        id
    }

    async fn drop_users(connection: &mut MySqlConnection, config: &DatabaseConfig) {
        for account in config.accounts.values() {
            for host in ["%", "127.0.0.1", "localhost"] {
                run(connection, format!("drop user if exists '{}'@'{host}'", account.user)).await.unwrap();
            }
        }
    }
}
