//! The names of SSM parameters and of the database roles in them. The stacks and `deploy` write the parameters, the route
//! table grants them, and the functions read them.

use std::fmt;

use crate::session::Pool;

/// A parameter of a stage, below `/anaquel/<stage>/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    DatabaseHost,
    DatabasePort,
    /// Hosts and ports of the read replicas, with commas between them; only on a stage that has some.
    DatabaseReplicas,
    /// The database (schema) in the server.
    DatabaseName,
    /// `iam` or `password`.
    DatabaseAuth,
    /// The name of the role's user in MariaDB.
    DatabaseUser(DatabaseRole),
    /// A `SecureString`; none where users log in with IAM.
    DatabasePassword(DatabaseRole),
    /// ARN of the secret with the master password that RDS keeps.
    MasterSecret,
    /// URL of the queue.
    Queue(Queue),
    /// A `SecureString`: 32 bytes in base64.
    SubmissionKey,
    /// The keys that verify sessions: `session::PublicKeys`.
    SessionPublicKeys,
    /// A `SecureString`: the key that signs sessions, 32 bytes in base64.
    SessionPrivateKey,
    /// The addresses and the client of a user pool, as JSON: `sign_in::Provider`.
    SignIn(Pool),
    /// Name of the bucket of covers and sample chapters.
    FilesBucket,
    /// Name of the bucket of catalogues.
    ImportBucket,
    /// Name of the bucket of messages that were decided.
    ArchiveBucket,
}

/// A queue of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queue {
    /// Ratings and messages.
    Submissions,
    /// Submissions that failed for good.
    DeadLetters,
    /// Orders, cancellations and sweeps, in their order: a FIFO queue.
    Orders,
    OrderDeadLetters,
    /// Mails to buyers.
    Mails,
    MailDeadLetters,
    /// What SES publishes about mails: bounces and complaints.
    Bounces,
    BounceDeadLetters,
    /// Customers whose account in the user pool is to be deleted.
    Erasures,
    ErasureDeadLetters,
    /// Imports that failed for good. Lambda keeps their events until then in a queue of its own, so this one has no source.
    ImportDeadLetters,
}

/// A database user by its permissions, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DatabaseRole {
    /// Reads what every visitor may see, and counts searches without hits.
    Reader,
    /// Reads orders, which have buyers' names and addresses, and their books.
    OrderReader,
    /// Notes which mails came back, in the table of mails and nowhere else.
    BounceWriter,
    /// Reads what belongs to a customer, and changes address book, ratings and settings.
    Account,
    /// Reads orders, messages and reviews, changes them as the staff's pages do, and records that.
    Staff,
    Writer,
    Admin,
}

impl Parameter {
    /// Its name below `/anaquel/<stage>/`.
    pub const fn path(self) -> &'static str {
        use DatabaseRole::{Account, Admin, BounceWriter, OrderReader, Reader, Staff, Writer};
        match self {
            Self::DatabaseHost => "database/host",
            Self::DatabasePort => "database/port",
            Self::DatabaseReplicas => "database/replicas",
            Self::DatabaseName => "database/name",
            Self::DatabaseAuth => "database/auth",
            Self::DatabaseUser(Reader) => "database/reader/user",
            Self::DatabaseUser(OrderReader) => "database/order-reader/user",
            Self::DatabaseUser(BounceWriter) => "database/bounce-writer/user",
            Self::DatabaseUser(Account) => "database/accounts/user",
            Self::DatabaseUser(Staff) => "database/staff/user",
            Self::DatabaseUser(Writer) => "database/writer/user",
            Self::DatabaseUser(Admin) => "database/admin/user",
            Self::DatabasePassword(Reader) => "database/reader/password",
            Self::DatabasePassword(OrderReader) => "database/order-reader/password",
            Self::DatabasePassword(BounceWriter) => "database/bounce-writer/password",
            Self::DatabasePassword(Account) => "database/accounts/password",
            Self::DatabasePassword(Staff) => "database/staff/password",
            Self::DatabasePassword(Writer) => "database/writer/password",
            Self::DatabasePassword(Admin) => "database/admin/password",
            Self::MasterSecret => "database/admin/secret",
            Self::Queue(Queue::Submissions) => "queue/submissions",
            Self::Queue(Queue::DeadLetters) => "queue/parked",
            Self::Queue(Queue::Orders) => "queue/orders",
            Self::Queue(Queue::OrderDeadLetters) => "queue/orders-parked",
            Self::Queue(Queue::Mails) => "queue/mails",
            Self::Queue(Queue::MailDeadLetters) => "queue/mails-parked",
            Self::Queue(Queue::Bounces) => "queue/bounces",
            Self::Queue(Queue::BounceDeadLetters) => "queue/bounces-parked",
            Self::Queue(Queue::Erasures) => "queue/erasures",
            Self::Queue(Queue::ErasureDeadLetters) => "queue/erasures-parked",
            Self::Queue(Queue::ImportDeadLetters) => "queue/imports-parked",
            Self::SubmissionKey => "submission-key",
            Self::SessionPublicKeys => "session/public-keys",
            Self::SessionPrivateKey => "session/private-key",
            Self::SignIn(Pool::Customers) => "sign-in/customers",
            Self::SignIn(Pool::Staff) => "sign-in/staff",
            Self::FilesBucket => "files/bucket",
            Self::ImportBucket => "imports/bucket",
            Self::ArchiveBucket => "archive/bucket",
        }
    }

    /// Whether SSM keeps it encrypted, as a `SecureString`.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::DatabasePassword(_) | Self::SubmissionKey | Self::SessionPrivateKey)
    }
}

impl Queue {
    pub const ALL: [Self; 11] = [
        Self::Submissions,
        Self::DeadLetters,
        Self::Orders,
        Self::OrderDeadLetters,
        Self::Mails,
        Self::MailDeadLetters,
        Self::Bounces,
        Self::BounceDeadLetters,
        Self::Erasures,
        Self::ErasureDeadLetters,
        Self::ImportDeadLetters,
    ];

    /// Name of the queue without the stage: `anaquel-<stage>-<name>`. SQS requires the suffix of a FIFO queue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submissions => "submissions",
            Self::DeadLetters => "parked",
            Self::Orders => "orders.fifo",
            Self::OrderDeadLetters => "orders-parked.fifo",
            Self::Mails => "mails",
            Self::MailDeadLetters => "mails-parked",
            Self::Bounces => "bounces",
            Self::BounceDeadLetters => "bounces-parked",
            Self::Erasures => "erasures",
            Self::ErasureDeadLetters => "erasures-parked",
            Self::ImportDeadLetters => "imports-parked",
        }
    }

    /// Its dead-letter queue; none for a dead-letter queue.
    pub const fn dead_letters(self) -> Option<Self> {
        match self {
            Self::Submissions => Some(Self::DeadLetters),
            Self::Orders => Some(Self::OrderDeadLetters),
            Self::Mails => Some(Self::MailDeadLetters),
            Self::Bounces => Some(Self::BounceDeadLetters),
            Self::Erasures => Some(Self::ErasureDeadLetters),
            Self::DeadLetters
            | Self::OrderDeadLetters
            | Self::MailDeadLetters
            | Self::BounceDeadLetters
            | Self::ErasureDeadLetters
            | Self::ImportDeadLetters => None,
        }
    }

    pub const fn is_fifo(self) -> bool {
        matches!(self, Self::Orders | Self::OrderDeadLetters)
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}

/// The path in a full name: `database/host` in `/anaquel/<stage>/database/host`.
pub fn path_of(full_name: &str) -> &str {
    full_name.splitn(4, '/').nth(3).unwrap_or(full_name)
}

impl DatabaseRole {
    pub const ALL: [Self; 7] =
        [Self::Reader, Self::OrderReader, Self::BounceWriter, Self::Account, Self::Staff, Self::Writer, Self::Admin];

    /// Its name in the names of parameters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::OrderReader => "order-reader",
            Self::BounceWriter => "bounce-writer",
            Self::Account => "account",
            Self::Staff => "staff",
            Self::Writer => "writer",
            Self::Admin => "admin",
        }
    }

    /// The name of its user in MariaDB.
    pub fn user(self) -> String {
        format!("anaquel_{}", self.name().replace('-', "_"))
    }

    /// Whether it only reads what pages show.
    pub const fn is_reader(self) -> bool {
        matches!(self, Self::Reader | Self::OrderReader)
    }
}
