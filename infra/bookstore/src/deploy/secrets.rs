//! Parameters of type SecureString, which CloudFormation cannot create: created once, never overwritten.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use aws_sdk_ssm::{operation::put_parameter::PutParameterError, types::ParameterType};
use infra::{
    routes::DatabaseRole,
    stage::{DatabaseLogin, Stage},
};
use shared::{config::NAMES_PER_CALL, parameters::Parameter, secret::Secret};

use super::{origin_secret, session_keys};
use crate::{
    aws::{AwsClients, call, explained},
    random,
};

/// Secrets with given values; all others are generated.
#[derive(Default)]
pub struct KnownSecrets {
    /// Passwords of the database users, for a server without IAM login.
    pub passwords: BTreeMap<DatabaseRole, Secret>,
    /// 32 bytes in base64.
    pub submission_key: Option<Secret>,
    /// The key that signs sessions: 32 bytes in base64.
    pub session_key: Option<Secret>,
    /// Rotates the origin secret although it is not due.
    pub rotate_origin_secret: bool,
}

/// Names of the stage's existing parameters that a deploy created.
pub async fn existing(aws: &AwsClients, stage: &Stage) -> Result<Vec<String>> {
    let mut names = vec![submission_key(stage), origin_secret::name(stage)];
    names.extend(session_keys::names(stage));
    if stage.database.auth() == DatabaseLogin::Password {
        // The administrator's password was created by the operator of the database server, which stays.
        let ours = DatabaseRole::ALL.into_iter().filter(|role| *role != DatabaseRole::Admin || stage.is_local());
        names.extend(ours.map(|role| password(stage, role)));
    }
    let mut existing = Vec::new();
    for names in names.chunks(NAMES_PER_CALL) {
        let found = call(aws.ssm.get_parameters().set_names(Some(names.to_vec())).send()).await;
        let found = found.context("reading the stage's secrets")?.parameters.unwrap_or_default();
        existing.extend(found.into_iter().filter_map(|parameter| parameter.name));
    }
    Ok(existing)
}

pub async fn remove(aws: &AwsClients, names: Vec<String>) -> Result<()> {
    for names in names.chunks(NAMES_PER_CALL) {
        let delete = aws.ssm.delete_parameters().set_names(Some(names.to_vec()));
        call(delete.send()).await.context("deleting the stage's secrets")?;
    }
    Ok(())
}

fn submission_key(stage: &Stage) -> String {
    format!("{}/{}", stage.prefix(), Parameter::SubmissionKey)
}

fn password(stage: &Stage, role: DatabaseRole) -> String {
    format!("{}/{}", stage.prefix(), Parameter::DatabasePassword(role))
}

pub async fn put(aws: &AwsClients, stage: &Stage, known: &KnownSecrets) -> Result<()> {
    let key = known.submission_key.as_ref().map_or_else(random::key, |key| key.reveal().to_owned());
    put_once(aws, &submission_key(stage), Some(key)).await?;
    if stage.has_sign_in() {
        session_keys::put_missing(aws, stage, known.session_key.as_ref()).await?;
    }
    if stage.database.auth() == DatabaseLogin::Iam {
        return Ok(());
    }
    for role in DatabaseRole::ALL {
        let name = password(stage, role);
        let password = known.passwords.get(&role).map(|secret| secret.reveal().to_owned());
        // The operator of the server chooses the administrator's password; the others are generated.
        let password = password.or_else(|| (role != DatabaseRole::Admin).then(random::password));
        put_once(aws, &name, password).await?;
    }
    Ok(())
}

async fn put_once(aws: &AwsClients, name: &str, value: Option<String>) -> Result<()> {
    let known = aws.ssm.get_parameters().names(name);
    let known = call(known.send()).await.with_context(|| format!("reading the parameter {name}"))?;
    if !known.parameters().is_empty() {
        return Ok(());
    }
    let Some(value) = value else {
        bail!(
            "the administrator's password is missing; create it first: aws ssm put-parameter --type SecureString --name {name} --value …"
        );
    };
    let put = aws.ssm.put_parameter().name(name).value(value).r#type(ParameterType::SecureString).overwrite(false);
    match put.send().await {
        Ok(_) => Ok(()),
        // A concurrent deploy created it.
        Err(error) if error.as_service_error().is_some_and(PutParameterError::is_parameter_already_exists) => Ok(()),
        Err(error) => Err(explained(error)).with_context(|| format!("creating the parameter {name}")),
    }
}
