//! Errors of the database by what may follow: wait, try again, or give up. None contains a value.

/// Why the database did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection can be opened, or it broke. Other work will fail in the same way for a while.
    #[error("the database is away")]
    Away(#[source] anyhow::Error),
    /// A lock conflict or a timeout. The same work may succeed at once.
    #[error("the database is busy")]
    Busy(#[source] anyhow::Error),
    /// These values can never be stored.
    #[error("the database refuses the values")]
    Unstorable(#[source] anyhow::Error),
    /// A defect: SQL that does not fit the schema, or a missing permission.
    #[error("the database refuses the statement")]
    Defect(#[source] anyhow::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let kind = server_code(&error).map(kind);
        let cause = ServerError::of(&error).map_or_else(|| error.into(), anyhow::Error::from);
        match kind {
            Some(Kind::Away) => Self::Away(cause),
            Some(Kind::Busy) => Self::Busy(cause),
            Some(Kind::Unstorable) => Self::Unstorable(cause),
            Some(Kind::Other) | None => Self::Defect(cause),
        }
    }
}

impl Error {
    /// Whether a key refuses a second row. An import and a submission try again then; where no other writer can have written
    /// the row, it is a defect.
    pub fn is_duplicate_key(&self) -> bool {
        let (Self::Away(cause) | Self::Busy(cause) | Self::Unstorable(cause) | Self::Defect(cause)) = self;
        cause.downcast_ref::<ServerError>().is_some_and(|error| error.code == DUPLICATE_KEY)
    }
}

/// A row with this unique key exists.
const DUPLICATE_KEY: u16 = 1062;
/// Errors whose text quotes names of the schema or of a user, and no value.
const WITHOUT_VALUE: [u16; 13] = [1044, 1045, 1048, 1054, 1142, 1146, 1203, 1226, 1264, 1364, 1406, 1451, 4025];

/// What the server answered, without the values that it quotes: they may be names and addresses, and errors are logged, and
/// stored with messages that nobody can process.
#[derive(Debug, thiserror::Error)]
#[error("MariaDB error {code}: {text}")]
pub struct ServerError {
    /// <https://mariadb.com/kb/en/mariadb-error-code-reference/>
    pub code: u16,
    pub text: String,
}

impl ServerError {
    fn of(error: &sqlx::Error) -> Option<Self> {
        let code = server_code(error)?;
        let text = error.as_database_error()?.message();
        let text = if WITHOUT_VALUE.contains(&code) { text.to_owned() } else { without_value(text) };
        Some(Self { code, text })
    }
}

/// `Duplicate entry '…' for key 'orders_id'`. A value may contain quotes, so what is quoted ends at the last one, or at the
/// last one before a name.
pub(super) fn without_value(text: &str) -> String {
    let Some((before, rest)) = text.split_once('\'') else { return text.to_owned() };
    let end = rest.rfind("' for ").or_else(|| rest.rfind('\''));
    let after = end.map_or("", |end| &rest[end + 1..]);
    format!("{before}'…'{after}")
}

enum Kind {
    Away,
    Busy,
    Unstorable,
    Other,
}

/// By the server's number: <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
fn kind(code: u16) -> Kind {
    match code {
        // Too many connections, of the server (1040) or of the user (1203, 1226); logins refused (1044, 1045, 1698), or
        // the password expired (1820, 1862); the disk full (1021, 1114), or the memory for statements (1461); read-only
        // during a failover (1290, 1792, 1836).
        1040 | 1203 | 1226 | 1044 | 1045 | 1698 | 1820 | 1862 | 1021 | 1114 | 1461 | 1290 | 1792 | 1836 => Kind::Away,
        // Changed under a snapshot (1020), another import has inserted the same book or name (1062), lock wait (1205), lock table full (1206), deadlock (1213), statement killed
        // (1317) or out of time (1969).
        1020 | 1062 | 1205 | 1206 | 1213 | 1317 | 1969 => Kind::Busy,
        // Null (1048), out of range (1264, 1690), no date (1292), no such character (1366), too long (1406), against a
        // check (4025).
        1048 | 1264 | 1292 | 1366 | 1406 | 1690 | 4025 => Kind::Unstorable,
        _ => Kind::Other,
    }
}

pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        // 1053 server shutdown, 1927 connection killed.
        _ => matches!(server_code(error), Some(1053 | 1927)),
    }
}

fn server_code(error: &sqlx::Error) -> Option<u16> {
    let database = error.as_database_error()?;
    Some(database.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?.number())
}
