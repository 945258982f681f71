//! The secret between CloudFront and the load balancer, in Parameter Store. A deploy creates it, and rotates it when it is
//! due. No template has it: the app stack gets it as parameters that CloudFormation does not show.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_ssm::{
    error::ProvideErrorMetadata,
    types::{Parameter, ParameterType},
};
use infra::{
    stacks::origin_secret::{KEY, rotated},
    stage::Stage,
};
use shared::secret::Secret;
use time::OffsetDateTime;

use crate::{
    aws::{AwsClients, call, explained},
    random,
};

/// Age at which a deploy rotates the secret. Each rotation changes the distribution, for which CloudFormation waits some
/// minutes.
const ROTATE_AFTER: Duration = Duration::from_hours(30 * 24);

/// The secret of one deploy.
pub struct OriginSecret {
    /// Previous, current and next key, with dots between them.
    pub value: Secret,
    is_rotated: bool,
}

/// Name of the parameter.
pub fn name(stage: &Stage) -> String {
    format!("{}/origin-secret", stage.prefix())
}

/// The stored secret, rotated if it is due or if `rotate` asks for it. A stage without one gets a new one.
pub async fn for_deploy(aws: &AwsClients, stage: &Stage, rotate: bool) -> Result<OriginSecret> {
    let Some(stored) = read(aws, stage).await? else {
        let value = [(); 3].map(|()| random::hexadecimal(KEY)).join(".");
        put(aws, stage, &value, false).await?;
        return Ok(OriginSecret { value: Secret::new(value), is_rotated: false });
    };
    let value = valid(&name(stage), stored.value.as_deref().unwrap_or_default())?;
    let changed = stored.last_modified_date.map_or(0, |date| date.secs());
    let is_rotated = rotate || is_due(changed, OffsetDateTime::now_utc().unix_timestamp());
    let value = if is_rotated { rotated(value, &random::hexadecimal(KEY)) } else { value.to_owned() };
    Ok(OriginSecret { value: Secret::new(value), is_rotated })
}

/// The stored secret. A rotation that is due is left to the next deploy.
///
/// # Errors
/// The stage has none yet.
pub async fn stored(aws: &AwsClients, stage: &Stage) -> Result<Secret> {
    let name = name(stage);
    let stored = read(aws, stage).await?.and_then(|parameter| parameter.value);
    let stored = stored.with_context(|| format!("there is no parameter {name}: run `{}`", stage.deploy_command()))?;
    Ok(Secret::new(valid(&name, &stored)?))
}

impl OriginSecret {
    /// Stores a rotated secret. It runs after the stack has it: should that fail, the next deploy begins with the keys that
    /// are in use.
    pub async fn store(&self, aws: &AwsClients, stage: &Stage) -> Result<()> {
        if !self.is_rotated {
            return Ok(());
        }
        outln!("The origin secret was rotated.");
        put(aws, stage, self.value.reveal(), true).await
    }
}

async fn read(aws: &AwsClients, stage: &Stage) -> Result<Option<Parameter>> {
    let name = name(stage);
    match aws.ssm.get_parameter().name(&name).with_decryption(true).send().await {
        Ok(found) => Ok(found.parameter),
        Err(error) if error.code() == Some("ParameterNotFound") => Ok(None),
        Err(error) => Err(explained(error)).with_context(|| format!("reading the parameter {name}")),
    }
}

async fn put(aws: &AwsClients, stage: &Stage, value: &str, overwrite: bool) -> Result<()> {
    let name = name(stage);
    let put = aws.ssm.put_parameter().name(&name).value(value).r#type(ParameterType::SecureString);
    call(put.overwrite(overwrite).send()).await.with_context(|| format!("writing the parameter {name}")).map(drop)
}

fn is_due(changed: i64, now: i64) -> bool {
    u64::try_from(now - changed).is_ok_and(|age| age >= ROTATE_AFTER.as_secs())
}

fn valid<'a>(name: &str, value: &'a str) -> Result<&'a str> {
    let is_key = |key: &str| key.len() == KEY && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    ensure!(
        value.split('.').count() == 3 && value.split('.').all(is_key),
        "the parameter {name} has not the form of an origin secret, three keys of {KEY} hexadecimal digits with dots \
         between them; delete it, and the next deploy creates one (the shop is away until CloudFront has it)"
    );
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_rotated_after_thirty_days() {
        let day = 24 * 60 * 60;
        for (changed, now, expected) in
            [(0, 0, false), (0, 30 * day - 1, false), (0, 30 * day, true), (5, 0, false), (day, 31 * day, true)]
        {
            assert_eq!(is_due(changed, now), expected, "{changed} {now}");
        }
    }

    #[test]
    fn a_secret_has_three_keys_and_no_other_form_is_deployed() {
        let key = |digit: &str| digit.repeat(KEY);
        for (value, expected) in [
            (["0", "a", "f"].map(key).join("."), true),
            (["0", "a"].map(key).join("."), false),
            (["0", "a", "f", "1"].map(key).join("."), false),
            (["0", "A", "f"].map(key).join("."), false),
            (["0", "*", "f"].map(key).join("."), false),
            (String::new(), false),
            ("..".to_owned(), false),
        ] {
            let checked = valid("/anaquel/dev/origin-secret", &value);
            assert_eq!(checked.is_ok(), expected, "{value}");
            let error = checked.err().map(|error| error.to_string());
            assert!(
                error.is_none_or(|error| error.contains("/anaquel/dev/origin-secret") && !error.contains(&key("0")))
            );
        }
    }
}
