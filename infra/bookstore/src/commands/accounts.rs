//! `bookstore staff`: accounts of booksellers, whom only this command invites; `bookstore customers`: registrations that nobody
//! has confirmed; and the two sample accounts of a local stage.

use anyhow::{Context, Result, bail};
use aws_sdk_cognitoidentityprovider::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::admin_create_user::builders::AdminCreateUserFluentBuilder,
    types::{AttributeType, DeliveryMediumType, MessageActionType, UserStatusType, UserType},
};
use clap::{Args, Subcommand};
use infra::{stacks::Kind, stage::Stage};
use serde_json::json;
use shared::{
    domain::Email,
    session::{Pool, Subject},
    staff::StaffTask,
};
use time::OffsetDateTime;

use super::staff::{Whose, ask};
use crate::{
    arguments,
    aws::{AwsClients, call, connect_deployed, explained},
    deploy,
    output::{Report, confirm, counted, table},
    random,
};

#[derive(Args)]
pub struct Staff {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the accounts of the staff
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Invite somebody by mail, with a password for the first time; again, if the first one was not used in two days
    Add {
        #[arg(value_name = "E-MAIL", value_parser = arguments::email)]
        email: Email,
        #[command(flatten)]
        whose: Whose,
    },
    /// Remove an account, after confirmation: it is disabled first, and its session ends at once
    Remove {
        #[arg(value_name = "E-MAIL", value_parser = arguments::email)]
        email: Email,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        whose: Whose,
    },
}

pub async fn staff(args: &Staff) -> Result<Report> {
    match &args.action {
        Action::List { whose } => list(&Accounts::connect(whose, Pool::Staff).await?).await,
        Action::Add { email, whose } => add(&Accounts::connect(whose, Pool::Staff).await?, email).await,
        Action::Remove { email, yes, whose } => {
            remove(&Accounts::connect(whose, Pool::Staff).await?, whose, email, *yes).await
        }
    }
}

#[derive(Args)]
pub struct Customers {
    #[command(subcommand)]
    action: CustomersAction,
}

#[derive(Subcommand)]
enum CustomersAction {
    /// Remove registrations of more than a week ago whose address nobody has confirmed, after confirmation
    RemoveUnconfirmed {
        /// Only the registration of this address, also if it is new
        #[arg(long, value_name = "E-MAIL", value_parser = arguments::email)]
        email: Option<Email>,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        whose: Whose,
    },
}

pub async fn customers(args: &Customers) -> Result<Report> {
    let CustomersAction::RemoveUnconfirmed { email, yes, whose } = &args.action;
    let accounts = Accounts::connect(whose, Pool::Customers).await?;
    remove_unconfirmed(&accounts, email.as_ref(), *yes).await
}

/// Days for which a registration waits for its code. Cognito keeps it for ever, and its address cannot be registered again.
const UNCONFIRMED_DAYS: i64 = 7;

/// Characters of the password in an invitation: letters and digits.
const INVITATION_PASSWORD: usize = 16;

/// The accounts of one pool of a stage.
struct Accounts {
    aws: AwsClients,
    stage: Stage,
    pool: String,
}

impl Accounts {
    async fn connect(whose: &Whose, pool: Pool) -> Result<Self> {
        let (stage, aws) = connect_deployed(whose.stage()).await?;
        let pool = pool_id(&aws, &stage, pool).await?;
        Ok(Self { aws, stage, pool })
    }

    async fn find(&self, email: &Email) -> Result<Option<Account>> {
        let found = self.aws.cognito.admin_get_user().user_pool_id(&self.pool).username(email.to_ascii()).send().await;
        match found {
            Ok(found) => {
                let subject = subject_in(found.user_attributes());
                let (status, is_enabled) = (found.user_status, found.enabled);
                Ok(Some(Account { email: email.to_ascii(), subject, status, is_enabled }))
            }
            Err(error) if error.code() == Some("UserNotFoundException") => Ok(None),
            Err(error) => Err(failed(error, "looking for the account")),
        }
    }
}

struct Account {
    email: String,
    subject: Option<Subject>,
    status: Option<UserStatusType>,
    is_enabled: bool,
}

/// The subject among the attributes of an account.
fn subject_in(attributes: &[AttributeType]) -> Option<Subject> {
    let subject = attributes.iter().find(|attribute| attribute.name() == "sub")?;
    subject.value().and_then(Subject::parse)
}

impl Account {
    fn of(user: UserType) -> Self {
        let email = user.attributes().iter().find(|attribute| attribute.name() == "email");
        Self {
            email: email.and_then(|email| email.value()).unwrap_or_default().to_owned(),
            subject: subject_in(user.attributes()),
            status: user.user_status,
            is_enabled: user.enabled,
        }
    }

    fn state(&self) -> State {
        match &self.status {
            _ if !self.is_enabled => State::Disabled,
            Some(UserStatusType::ForceChangePassword) => State::Invited,
            _ => State::Active,
        }
    }
}

/// The state of an account: whether its owner can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    /// The password of the invitation was not used yet.
    Invited,
    /// Nobody can sign in with it: its removal has stopped half-way, or somebody has disabled it by hand.
    Disabled,
}

impl State {
    /// The state for programs.
    fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Invited => "invited",
            Self::Disabled => "disabled",
        }
    }

    /// The state for people.
    fn explain(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Invited => "invited, has not signed in yet",
            Self::Disabled => "disabled, cannot sign in",
        }
    }
}

/// The id of a pool, from the output of the data stack.
async fn pool_id(aws: &AwsClients, stage: &Stage, pool: Pool) -> Result<String> {
    let output = match pool {
        Pool::Customers => "CustomersPool",
        Pool::Staff => "StaffPool",
    };
    let mut outputs = deploy::outputs(aws, stage, Kind::Data).await?;
    outputs
        .remove(output)
        .with_context(|| format!("stage {} has no user pools yet: run `{}`", stage.name, stage.deploy_command()))
}

async fn list(accounts: &Accounts) -> Result<Report> {
    let mut found: Vec<Account> = Vec::new();
    let mut pages = accounts.aws.cognito.list_users().user_pool_id(&accounts.pool).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failed(error, "listing the accounts"))?;
        found.extend(page.users.unwrap_or_default().into_iter().map(Account::of));
    }
    found.sort_by(|one, other| one.email.cmp(&other.email));
    let rows = found.iter().map(|account| [account.email.clone(), account.state().explain().to_owned()]);
    let text = if found.is_empty() {
        "The staff has no accounts.".to_owned()
    } else {
        table(&["account", ""], rows).to_string()
    };
    let result: Vec<_> =
        found.iter().map(|account| json!({ "email": account.email, "state": account.state().code() })).collect();
    Ok(Report::new(text, json!({ "accounts": result })))
}

async fn add(accounts: &Accounts, email: &Email) -> Result<Report> {
    let known = accounts.find(email).await?;
    let shown = email.as_str();
    if let Some(state) = known.as_ref().map(Account::state).filter(|state| *state != State::Invited) {
        let remove = accounts.stage.command(&format!("staff remove {shown}"));
        let which = if state == State::Disabled { "a disabled account" } else { "an account already" };
        bail!("{shown} has {which}; `{remove}` removes it");
    }
    let invite = accounts.aws.cognito.admin_create_user().user_pool_id(&accounts.pool).username(email.to_ascii());
    let invite = if known.is_some() {
        invite.message_action(MessageActionType::Resend)
    } else {
        verified(email)?.into_iter().fold(invite, AdminCreateUserFluentBuilder::user_attributes)
    };
    // Typed once, from the mail. The emulator's own are too short for the pool.
    let invite = invite.temporary_password(&random::password()[..INVITATION_PASSWORD]);
    let invite = invite.desired_delivery_mediums(DeliveryMediumType::Email);
    invite.send().await.map_err(|error| failed(error, "inviting"))?;
    let text = format!("{shown} is invited, and has two days to sign in with the password of the mail.");
    Ok(Report::new(text, json!({ "email": shown, "again": known.is_some() })))
}

/// The address of an account whose owner somebody knows.
fn verified(email: &Email) -> Result<[AttributeType; 2]> {
    let attribute = |name: &str, value: String| AttributeType::builder().name(name).value(value).build();
    Ok([attribute("email", email.to_ascii())?, attribute("email_verified", "true".to_owned())?])
}

async fn remove(accounts: &Accounts, whose: &Whose, email: &Email, yes: bool) -> Result<Report> {
    let shown = email.as_str();
    let Some(account) = accounts.find(email).await? else { bail!("{shown} has no account of the staff") };
    confirm(&format!("Remove the account of {}?", account.email), yes, "nothing was removed")?;
    let (cognito, pool) = (&accounts.aws.cognito, &accounts.pool);
    // Disabled first, so that nobody can sign in with it if a later call fails.
    let disable = cognito.admin_disable_user().user_pool_id(pool).username(email.to_ascii());
    disable.send().await.map_err(|error| failed(error, "disabling the account"))?;
    // Before the account is deleted, with which its subject would be lost. Without the subject there was no session.
    if let Some(subject) = account.subject {
        ask(whose, StaffTask::EndSessions { subject }).await.context("ending the sessions of the account")?;
    }
    let sign_out = cognito.admin_user_global_sign_out().user_pool_id(pool).username(email.to_ascii());
    sign_out.send().await.map_err(|error| failed(error, "ending the tokens of the account"))?;
    let delete = cognito.admin_delete_user().user_pool_id(pool).username(email.to_ascii());
    delete.send().await.map_err(|error| failed(error, "removing the account"))?;
    let text = format!("The account of {shown} is removed, and its sessions have ended.");
    Ok(Report::new(text, json!({ "email": shown, "removed": true })))
}

async fn remove_unconfirmed(accounts: &Accounts, email: Option<&Email>, yes: bool) -> Result<Report> {
    let found = match email {
        Some(email) => vec![unconfirmed(accounts, email).await?],
        None => unconfirmed_for_days(accounts, OffsetDateTime::now_utc()).await?,
    };
    if found.is_empty() {
        let text = format!("No registration waits for its confirmation for more than {UNCONFIRMED_DAYS} days.");
        return Ok(Report::new(text, json!({ "removed": 0 })));
    }
    let question = format!("Remove {} whose address nobody has confirmed?", counted(found.len(), "registration"));
    confirm(&question, yes, "nothing was removed")?;
    let mut removed = 0;
    for username in &found {
        removed += usize::from(remove_if_unconfirmed(&accounts.aws.cognito, &accounts.pool, username).await?);
    }
    let text = format!("{} removed; the addresses can be registered again.", counted(removed, "registration"));
    Ok(Report::new(text, json!({ "removed": removed })))
}

/// The name of the account with this address, of which nobody has confirmed it.
async fn unconfirmed(accounts: &Accounts, email: &Email) -> Result<String> {
    let shown = email.as_str();
    match accounts.find(email).await? {
        Some(Account { status: Some(UserStatusType::Unconfirmed), .. }) => Ok(email.to_ascii()),
        Some(_) => bail!("the address {shown} is confirmed; only its owner can remove the account, at /account/erase"),
        None => bail!("nobody has registered with the address {shown}"),
    }
}

/// Names of the accounts whose address nobody has confirmed within a week.
async fn unconfirmed_for_days(accounts: &Accounts, now: OffsetDateTime) -> Result<Vec<String>> {
    let list = accounts.aws.cognito.list_users().user_pool_id(&accounts.pool);
    let mut pages = list.filter("cognito:user_status = \"UNCONFIRMED\"").into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failed(error, "listing the registrations"))?;
        let due = page.users.unwrap_or_default().into_iter().filter(|user| is_overdue(user, now));
        found.extend(due.filter_map(|user| user.username));
    }
    Ok(found)
}

/// Whether a registration has waited for its confirmation too long.
fn is_overdue(user: &UserType, now: OffsetDateTime) -> bool {
    let waits_since = user.user_create_date.map(|created| created.secs());
    let due = now.unix_timestamp() - UNCONFIRMED_DAYS * 24 * 60 * 60;
    user.user_status == Some(UserStatusType::Unconfirmed) && waits_since.is_some_and(|since| since < due)
}

/// Removes the account, unless somebody has confirmed its address meanwhile. Cognito has no deletion with a condition, so the
/// account is disabled before the last look at it: who confirms it until then keeps it, and cannot sign in for the moment of two
/// calls. AWS's pages do not say whether a disabled account can be confirmed. If it can, one that is confirmed between that look
/// and the deletion, two calls in a row, is still lost, and its owner must register again.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDisableUser.html>
async fn remove_if_unconfirmed(cognito: &Client, pool: &str, username: &str) -> Result<bool> {
    if !is_unconfirmed(cognito, pool, username).await? {
        return Ok(false);
    }
    let disable = cognito.admin_disable_user().user_pool_id(pool).username(username);
    match disable.send().await {
        Ok(_) => {}
        Err(error) if error.code() == Some("UserNotFoundException") => return Ok(false),
        Err(error) => return Err(failed(error, "disabling a registration")),
    }
    if !is_unconfirmed(cognito, pool, username).await? {
        let enable = cognito.admin_enable_user().user_pool_id(pool).username(username).send().await;
        return match enable {
            Ok(_) => Ok(false),
            Err(error) if error.code() == Some("UserNotFoundException") => Ok(false),
            Err(error) => Err(failed(error, "enabling an account again that was confirmed meanwhile").context(format!(
                "the account {username} is disabled; enable it: `aws cognito-idp admin-enable-user --user-pool-id {pool} \
                 --username {username}`"
            ))),
        };
    }
    let delete = cognito.admin_delete_user().user_pool_id(pool).username(username);
    delete.send().await.map_err(|error| failed(error, "removing a registration"))?;
    Ok(true)
}

/// Whether there is such an account, and nobody has confirmed its address.
async fn is_unconfirmed(cognito: &Client, pool: &str, username: &str) -> Result<bool> {
    match cognito.admin_get_user().user_pool_id(pool).username(username).send().await {
        Ok(found) => Ok(found.user_status == Some(UserStatusType::Unconfirmed)),
        Err(error) if error.code() == Some("UserNotFoundException") => Ok(false),
        Err(error) => Err(failed(error, "looking for the registration")),
    }
}

fn failed<E, R>(error: SdkError<E, R>, what: &'static str) -> anyhow::Error
where
    E: std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    explained(error).context(what)
}

/// An account of a local stage, for trying it out. It opens nothing outside this machine.
struct Sample {
    pool: Pool,
    email: &'static str,
    /// The same after each start, because the database keeps what the customer has, and the emulator forgets the account.
    subject: &'static str,
}

const SAMPLES: [Sample; 2] = [
    Sample { pool: Pool::Customers, email: "ana@anaquel.example.org", subject: "5b1f2a6e-0c3d-4e8f-9a70-1d2c3b4a5968" },
    Sample { pool: Pool::Staff, email: "librera@anaquel.example.org", subject: "8e7d6c5b-4a39-4281-b706-f5e4d3c2b1a0" },
];

/// The password of the samples.
const SAMPLE_PASSWORD: &str = "anaquel-anaquel";

/// Creates the sample accounts in the emulator, which unlike Cognito takes the id of an account.
pub async fn create_samples(aws: &AwsClients, stage: &Stage) -> Result<()> {
    for sample in SAMPLES {
        let pool = pool_id(aws, stage, sample.pool).await?;
        let email = Email::parse(sample.email).map_err(|invalid| anyhow::anyhow!("{invalid}"))?;
        let subject = AttributeType::builder().name("sub").value(sample.subject).build()?;
        let create = aws.cognito.admin_create_user().user_pool_id(&pool).username(sample.email);
        let create =
            verified(&email)?.into_iter().chain([subject]).fold(create, AdminCreateUserFluentBuilder::user_attributes);
        let create = create.temporary_password(SAMPLE_PASSWORD).message_action(MessageActionType::Suppress);
        match create.send().await {
            Ok(_) => {}
            // The emulator was not started anew.
            Err(error) if error.code() == Some("UsernameExistsException") => continue,
            Err(error) => return Err(failed(error, "creating a sample account")),
        }
        let password = aws.cognito.admin_set_user_password().user_pool_id(&pool).username(sample.email);
        call(password.password(SAMPLE_PASSWORD).permanent(true).send()).await.context("setting its password")?;
    }
    Ok(())
}

/// The lines of `up` about the sample accounts.
pub fn samples() -> String {
    let [customer, bookseller] = SAMPLES.map(|sample| sample.email);
    format!(
        "Sign in as the customer {customer} or the bookseller {bookseller}, both with the password {SAMPLE_PASSWORD}."
    )
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::TcpListener,
        sync::mpsc,
        thread,
    };

    use aws_sdk_cognitoidentityprovider::primitives::DateTime;

    use super::*;

    /// A fake Cognito whose account has these states, one each time that it is looked at. Returns its operations too.
    fn cognito(states: &'static [&str]) -> (Client, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (called, calls) = mpsc::channel();
        thread::spawn(move || {
            let mut states = states.iter();
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let (mut line, mut length, mut operation) = (String::new(), 0, String::new());
                while {
                    line.clear();
                    reader.read_line(&mut line).unwrap() > 2
                } {
                    match line.trim().split_once(':') {
                        Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                            length = value.trim().parse().unwrap();
                        }
                        Some((name, value)) if name.eq_ignore_ascii_case("x-amz-target") => {
                            operation = value.rsplit('.').next().unwrap().to_owned();
                        }
                        _ => {}
                    }
                }
                reader.read_exact(&mut vec![0; length]).unwrap();
                let body = match operation.as_str() {
                    "AdminGetUser" => json!({ "Username": "ana", "UserStatus": states.next().unwrap() }).to_string(),
                    _ => "{}".to_owned(),
                };
                called.send(operation).unwrap();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nConnection: close\r\n";
                write!(reader.get_mut(), "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
            }
        });
        (AwsClients::local(&Stage::load("local").unwrap(), port).cognito, calls)
    }

    #[tokio::test]
    async fn a_registration_that_is_confirmed_before_its_removal_stays_and_can_be_used() {
        let cases: [(&[&str], bool, &[&str]); 3] = [
            (
                &["UNCONFIRMED", "UNCONFIRMED"],
                true,
                &["AdminGetUser", "AdminDisableUser", "AdminGetUser", "AdminDeleteUser"],
            ),
            (
                &["UNCONFIRMED", "CONFIRMED"],
                false,
                &["AdminGetUser", "AdminDisableUser", "AdminGetUser", "AdminEnableUser"],
            ),
            (&["CONFIRMED"], false, &["AdminGetUser"]),
        ];
        for (states, is_removed, expected) in cases {
            let (cognito, calls) = cognito(states);
            assert_eq!(remove_if_unconfirmed(&cognito, "pool", "ana").await.unwrap(), is_removed, "{states:?}");
            assert_eq!(calls.try_iter().collect::<Vec<_>>(), expected, "{states:?}");
        }
    }

    #[test]
    fn only_a_registration_of_more_than_a_week_ago_that_nobody_has_confirmed_is_overdue() {
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(1_000);
        let days_ago = |days: i64| DateTime::from_secs(now.unix_timestamp() - days * 24 * 60 * 60);
        for (status, days, expected) in [
            (UserStatusType::Unconfirmed, 8, true),
            (UserStatusType::Unconfirmed, 7, false),
            (UserStatusType::Unconfirmed, 0, false),
            (UserStatusType::Confirmed, 8, false),
            (UserStatusType::ForceChangePassword, 8, false),
            (UserStatusType::ResetRequired, 8, false),
        ] {
            let user = UserType::builder().user_status(status.clone()).user_create_date(days_ago(days)).build();
            assert_eq!(is_overdue(&user, now), expected, "{status:?} for {days} days");
        }
        assert!(!is_overdue(&UserType::builder().user_status(UserStatusType::Unconfirmed).build(), now));
    }

    #[test]
    fn a_disabled_account_and_one_that_was_not_used_yet_are_listed_as_such() {
        for (status, is_enabled, code) in [
            (UserStatusType::Confirmed, true, "active"),
            (UserStatusType::ForceChangePassword, true, "invited"),
            (UserStatusType::Confirmed, false, "disabled"),
            (UserStatusType::ForceChangePassword, false, "disabled"),
        ] {
            let user = UserType::builder().user_status(status.clone()).enabled(is_enabled).build();
            let state = Account::of(user).state();
            assert_eq!(state.code(), code, "{status:?}");
            assert!(state.explain().starts_with(code), "{status:?}");
        }
    }
}
