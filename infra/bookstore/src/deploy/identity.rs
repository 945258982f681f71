//! The identity that the shop's mails are sent for. An account has one of a name in a region, so a deploy asks SES before
//! it changes anything: CloudFormation fails to create an identity that exists, and rolls the data stack back.

use anyhow::{Context, Result, bail};
use aws_sdk_sesv2::operation::get_email_identity::GetEmailIdentityError;
use infra::{
    stacks::{Kind, MAIL_IDENTITY},
    stage::{Mail, Stage},
};

use super::describe;
use crate::aws::{AwsClients, explained};

/// The state of an identity in SES.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Missing,
    /// SES sends no mails for it yet.
    Unverified,
    Verified,
}

/// Checks `[mail]` against the account.
///
/// # Errors
/// The stage's stack would fail to create the identity or delete one that is in use, or there is none to use.
pub async fn check(aws: &AwsClients, stage: &Stage) -> Result<()> {
    let Some(mail) = stage.mail.as_ref().filter(|_| !stage.is_local()) else { return Ok(()) };
    let known = known(aws, &mail.identity).await?;
    let created = created_by_stack(aws, stage).await?;
    if let Some(refusal) = refusal(stage, mail, known, created.as_deref()) {
        bail!("nothing was changed: {refusal}");
    }
    if mail.existing_identity && known == State::Unverified {
        errln!(
            "warning: SES has not verified {} and refuses mails from {} until then; `aws sesv2 get-email-identity \
             --email-identity {0}` shows what is missing",
            mail.identity,
            mail.sender.as_str()
        );
    }
    Ok(())
}

async fn known(aws: &AwsClients, identity: &str) -> Result<State> {
    match aws.ses.get_email_identity().email_identity(identity).send().await {
        Ok(found) if found.verified_for_sending_status() => Ok(State::Verified),
        Ok(_) => Ok(State::Unverified),
        Err(error) if error.as_service_error().is_some_and(GetEmailIdentityError::is_not_found_exception) => {
            Ok(State::Missing)
        }
        Err(error) => Err(explained(error)).with_context(|| format!("reading the identity {identity} of SES")),
    }
}

/// The identity in the stage's stack.
async fn created_by_stack(aws: &AwsClients, stage: &Stage) -> Result<Option<String>> {
    let stack = stage.physical(Kind::Data.name());
    Ok(describe::resources_of_type(aws, &stack, MAIL_IDENTITY).await?.pop())
}

/// Why the stage cannot be deployed with this identity, and the fix.
fn refusal(stage: &Stage, mail: &Mail, known: State, created: Option<&str>) -> Option<String> {
    let (identity, file) = (&mail.identity, format!("infra/stages/{}.toml", stage.name));
    let stack = stage.physical(Kind::Data.name());
    let is_own = created == Some(identity);
    match (mail.existing_identity, known) {
        (true, _) if is_own => Some(format!(
            "stack {stack} has created the identity {identity} and would delete it; remove existing_identity below [mail] in \
             {file}"
        )),
        (true, State::Missing) => Some(format!(
            "existing_identity is true, and SES has no identity {identity} in this account and region; remove \
             existing_identity below [mail] in {file}, and the stage creates it"
        )),
        (false, State::Unverified | State::Verified) if !is_own => Some(format!(
            "SES has the identity {identity} already, perhaps for other senders of this account; set existing_identity = true \
             below [mail] in {file}, and the stage uses it"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{State::*, *};

    #[test]
    fn a_deploy_creates_an_identity_that_ses_lacks_and_uses_one_only_if_the_stage_says_so() {
        let stage = Stage::in_full("prod").unwrap();
        let identity = stage.mail.as_ref().unwrap().identity.as_str();
        let own = Some(identity);
        for (existing_identity, known, created, expected) in [
            (false, Missing, None, None),
            (false, Unverified, own, None),
            (false, Verified, own, None),
            (false, Verified, None, Some("set existing_identity = true")),
            (false, Unverified, None, Some("set existing_identity = true")),
            // Another one, which the stack is about to replace.
            (false, Missing, Some("old.example.org"), None),
            (false, Verified, Some("old.example.org"), Some("set existing_identity = true")),
            (true, Verified, None, None),
            (true, Unverified, None, None),
            (true, Missing, None, Some("SES has no identity shop.example.org")),
            (true, Verified, own, Some("has created the identity shop.example.org and would delete it")),
            (true, Verified, Some("old.example.org"), None),
        ] {
            let mail = Mail { existing_identity, ..stage.mail.clone().unwrap() };
            let refusal = refusal(&stage, &mail, known, created);
            let text = refusal.as_deref().unwrap_or_default();
            assert_eq!(refusal.is_some(), expected.is_some(), "{existing_identity} {known:?} {created:?}: {text}");
            assert!(expected.is_none_or(|expected| text.contains(expected)), "{text}");
            assert!(refusal.is_none() || text.contains("infra/stages/prod.toml"), "{text}");
        }
    }
}
