//! The keys of sessions: one that signs, a `SecureString`, and those that verify, at most two, in an ordinary parameter. A
//! deploy makes the first pair. Functions use the values that they have read for some minutes, so a new key verifies
//! before it signs, and an old one after it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_ssm::types::ParameterType;
use infra::stage::Stage;
use shared::{
    config,
    parameters::Parameter,
    secret::Secret,
    session::{Pool, PrivateKey, PublicKeys},
};
use time::OffsetDateTime;

use crate::{
    aws::{AwsClients, call},
    output::counted,
    random,
};

/// Time until every function has read a changed parameter, with the length of a request.
const UNTIL_READ: Duration = config::KEEP.saturating_add(Duration::from_mins(1));

/// The stored keys.
struct Stored {
    private: Option<PrivateKey>,
    /// When it was written.
    signs_since: Option<OffsetDateTime>,
    public: Option<PublicKeys>,
}

/// Names of the parameters.
pub fn names(stage: &Stage) -> [String; 2] {
    [Parameter::SessionPrivateKey, Parameter::SessionPublicKeys].map(|key| format!("{}/{key}", stage.prefix()))
}

/// Writes what is missing. `known` is the key of a stage that keeps it elsewhere.
pub async fn put_missing(aws: &AwsClients, stage: &Stage, known: Option<&Secret>) -> Result<()> {
    let stored = read(aws, stage).await?;
    let private = if let Some(private) = stored.private {
        private
    } else {
        let text = known.map_or_else(random::key, |key| key.reveal().to_owned());
        let private = PrivateKey::parse(&text).context("the key of sessions must be 32 bytes in base64")?;
        put_private(aws, stage, &text).await?;
        private
    };
    match after_interruption(&private, stored.public) {
        Some(public) => put_public(aws, stage, &public).await,
        None => Ok(()),
    }
}

/// The keys that must verify, where those that are stored lack the one that signs.
fn after_interruption(private: &PrivateKey, stored: Option<PublicKeys>) -> Option<PublicKeys> {
    let signs = private.public();
    let is_complete = stored.is_some_and(|keys| keys.keys().contains(&signs));
    (!is_complete).then(|| PublicKeys::new(signs, None))
}

/// Replaces the key: the new one verifies at once, and signs when every function knows it. Sessions stay valid.
///
/// # Errors
/// The stage has no keys, or sessions by the key before the current one are still valid.
pub async fn rotate(aws: &AwsClients, stage: &Stage) -> Result<()> {
    let Stored { private: Some(private), signs_since, public: Some(public) } = read(aws, stage).await? else {
        anyhow::bail!("stage {} has no keys of sessions: run `{}`", stage.name, stage.deploy_command());
    };
    let current = private.public();
    if public.keys().iter().any(|key| *key != current) {
        check_age(stage, signs_since, OffsetDateTime::now_utc())?;
    }
    let text = random::key();
    let new = PrivateKey::parse(&text).context("a key has 32 bytes")?.public();
    put_public(aws, stage, &PublicKeys::new(new, Some(current))).await?;
    outln!("The new key verifies. Waiting {} until every function has read it …", counted_minutes(UNTIL_READ));
    tokio::time::sleep(UNTIL_READ).await;
    put_private(aws, stage, &text).await
}

/// Replaces the key and takes back the one before: all sessions end, as soon as the functions have read it.
pub async fn end_all(aws: &AwsClients, stage: &Stage) -> Result<()> {
    let text = random::key();
    let new = PrivateKey::parse(&text).context("a key has 32 bytes")?.public();
    put_public(aws, stage, &PublicKeys::new(new, None)).await?;
    put_private(aws, stage, &text).await
}

/// Refuses a rotation that would take back a key by which sessions are valid: only two keys verify.
fn check_age(stage: &Stage, signs_since: Option<OffsetDateTime>, now: OffsetDateTime) -> Result<()> {
    let longest = Pool::Customers.lifetime() + UNTIL_READ;
    let age = signs_since.map_or(longest, |since| now - since);
    ensure!(
        age >= longest,
        "the key signs since {} minutes, and sessions by the one before are valid for {} more; wait, or end them with `{}`",
        age.whole_minutes(),
        (longest - age).whole_minutes() + 1,
        stage.command("sessions end-all")
    );
    Ok(())
}

pub fn counted_minutes(duration: Duration) -> String {
    counted(usize::try_from(duration.as_secs().div_ceil(60)).unwrap_or(usize::MAX), "minute")
}

/// Time after which a changed key counts everywhere.
pub const fn until_read() -> Duration {
    UNTIL_READ
}

async fn read(aws: &AwsClients, stage: &Stage) -> Result<Stored> {
    let [private_name, public_name] = names(stage);
    let names = Some(vec![private_name.clone(), public_name.clone()]);
    let found = call(aws.ssm.get_parameters().set_names(names).with_decryption(true).send()).await;
    let found = found.context("reading the keys of sessions")?.parameters.unwrap_or_default();
    let find = |name: &str| found.iter().find(|parameter| parameter.name() == Some(name));
    let private = find(&private_name);
    let signs_since = private.and_then(|parameter| parameter.last_modified_date());
    Ok(Stored {
        signs_since: signs_since.and_then(|at| OffsetDateTime::from_unix_timestamp(at.secs()).ok()),
        private: private
            .map(|parameter| {
                let key = PrivateKey::parse(parameter.value().unwrap_or_default());
                key.with_context(|| format!("the parameter {private_name} is not 32 bytes in base64"))
            })
            .transpose()?,
        public: find(&public_name).and_then(|parameter| PublicKeys::parse(parameter.value().unwrap_or_default())),
    })
}

async fn put_private(aws: &AwsClients, stage: &Stage, key: &str) -> Result<()> {
    let [name, _] = names(stage);
    put(aws, &name, key, ParameterType::SecureString).await
}

async fn put_public(aws: &AwsClients, stage: &Stage, keys: &PublicKeys) -> Result<()> {
    let [_, name] = names(stage);
    put(aws, &name, &keys.to_string(), ParameterType::String).await
}

async fn put(aws: &AwsClients, name: &str, value: &str, r#type: ParameterType) -> Result<()> {
    let put = aws.ssm.put_parameter().name(name).value(value).r#type(r#type).overwrite(true);
    call(put.send()).await.with_context(|| format!("writing the parameter {name}")).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> PrivateKey {
        use base64::{Engine, prelude::BASE64_STANDARD};
        PrivateKey::parse(&BASE64_STANDARD.encode([seed; 32])).unwrap()
    }

    #[test]
    fn a_deploy_completes_the_keys_after_an_interruption_and_leaves_complete_ones() {
        let [signs, other] = [1, 2].map(|seed| key(seed).public());
        for (stored, expected) in [
            (None, Some(PublicKeys::new(signs, None))),
            (Some(PublicKeys::new(other, None)), Some(PublicKeys::new(signs, None))),
            (Some(PublicKeys::new(signs, None)), None),
            (Some(PublicKeys::new(other, Some(signs))), None),
        ] {
            assert_eq!(after_interruption(&key(1), stored), expected);
        }
    }

    #[test]
    fn a_key_is_not_taken_back_while_sessions_by_it_are_valid() {
        let (stage, now) = (Stage::load("dev").unwrap(), OffsetDateTime::UNIX_EPOCH + Duration::from_hours(1_000));
        for (minutes, is_accepted) in [(0, false), (12 * 60, false), (12 * 60 + 6, true)] {
            let since = now - Duration::from_mins(minutes);
            let checked = check_age(&stage, Some(since), now).map_err(|error| error.to_string());
            assert_eq!(checked.is_ok(), is_accepted, "{minutes}");
            let fix = "end them with `cargo bookstore sessions end-all --stage dev`";
            assert!(checked.err().is_none_or(|error| error.contains(fix)));
        }
    }
}
