//! Preparation of the account that CloudFormation cannot do: service-linked roles, which AWS creates at their first use and
//! too late for it, and the throughput limit of Parameter Store.

use anyhow::{Context, Result};
use aws_sdk_iam::error::ProvideErrorMetadata;
use infra::stage::{ParameterStore, Server, Stage};

use super::Interaction;
use crate::{
    aws::{AwsClients, call, explained},
    output::confirm,
};

/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-throughput.html>
const HIGH_THROUGHPUT: &str = "/ssm/parameter-store/high-throughput-enabled";

pub async fn prepare(aws: &AwsClients, stage: &Stage, interaction: Interaction) -> Result<()> {
    for service in services(stage) {
        create_role(aws, service).await?;
    }
    if stage.parameter_store == ParameterStore::HighThroughput {
        raise_throughput(aws, interaction).await?;
    }
    Ok(())
}

/// The services of the stage that use a service-linked role.
fn services(stage: &Stage) -> Vec<&'static str> {
    let mut services = vec!["elasticloadbalancing.amazonaws.com"];
    if let Server::Rds(_) = stage.database.server {
        services.push("rds.amazonaws.com");
    }
    if !stage.concurrency.provisioned.is_empty() {
        services.push("lambda.application-autoscaling.amazonaws.com");
    }
    if stage.containers.is_some() {
        services.extend(["ecs.amazonaws.com", "ecs.application-autoscaling.amazonaws.com"]);
    }
    services
}

/// Creates the role unless it exists. For an existing role AWS returns the code of any invalid input.
async fn create_role(aws: &AwsClients, service: &str) -> Result<()> {
    let made = aws.iam.create_service_linked_role().aws_service_name(service).send().await;
    match made {
        Ok(_) => {
            outln!("Created the service-linked role of {service} in this account.");
            Ok(())
        }
        Err(error) if is_taken(error.code().unwrap_or_default(), error.message().unwrap_or_default()) => Ok(()),
        // A deploy without this permission works if the role exists.
        Err(error) if error.code() == Some("AccessDenied") => {
            errln!(
                "warning: these credentials may not create the service-linked role of {service}; if the account lacks it, \
                 the first deploy fails: an administrator creates it once, with `aws iam create-service-linked-role \
                 --aws-service-name {service}`"
            );
            Ok(())
        }
        Err(error) => Err(explained(error)).with_context(|| format!("creating the service-linked role of {service}")),
    }
}

fn is_taken(code: &str, message: &str) -> bool {
    code == "EntityAlreadyExists" || code == "InvalidInput" && message.contains("has been taken in this account")
}

/// Asks for confirmation, because the limit applies to the account and has a price.
async fn raise_throughput(aws: &AwsClients, interaction: Interaction) -> Result<()> {
    let asked = call(aws.ssm.get_service_setting().setting_id(HIGH_THROUGHPUT).send()).await;
    let setting = asked.context("reading Parameter Store's limit")?.service_setting;
    if setting.is_some_and(|setting| setting.setting_value() == Some("true")) {
        return Ok(());
    }
    let question =
        "Raise Parameter Store's limit for this account and region? Reading then costs $0.05 for 10,000 parameters.";
    let unchanged = "the limit is unchanged, although `parameter_store` in the stage's file is high-throughput";
    if let Err(declined) = confirm(question, interaction != Interaction::Confirm, unchanged) {
        errln!("warning: {declined}");
        return Ok(());
    }
    let update = aws.ssm.update_service_setting().setting_id(HIGH_THROUGHPUT).setting_value("true");
    call(update.send()).await.context("raising Parameter Store's limit")?;
    outln!("Raised Parameter Store's limit for this account and region.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn only_an_existing_role_is_recognized() {
        let message =
            "Service role name AWSServiceRoleForRDS has been taken in this account, please try a different suffix.";
        assert!(is_taken("InvalidInput", message) && is_taken("EntityAlreadyExists", ""));
        assert!(!is_taken("InvalidInput", "No service has that name") && !is_taken("AccessDenied", ""));
    }

    #[test]
    fn each_stage_has_the_roles_of_the_services_that_it_uses() {
        assert_eq!(services(&Stage::load("local").unwrap()), ["elasticloadbalancing.amazonaws.com"]);
        assert_eq!(services(&Stage::load("dev").unwrap()).len(), 2);
        assert_eq!(services(&Stage::in_full("prod").unwrap()).len(), 5);
    }

    #[ignore = "needs a local stage"]
    #[tokio::test]
    async fn an_account_is_prepared_once_and_the_second_time_left_alone() {
        let mut stage = Stage::in_full("prod").unwrap();
        stage.parameter_store = ParameterStore::HighThroughput;
        let endpoint = env::var("ANAQUEL_ENDPOINT").expect("`cargo bookstore test` runs this");
        let aws = AwsClients::local(&stage, endpoint.rsplit(':').next().unwrap().parse().unwrap());
        for _ in 0..2 {
            prepare(&aws, &stage, Interaction::Quiet).await.unwrap();
        }
        let setting = aws.ssm.get_service_setting().setting_id(HIGH_THROUGHPUT).send().await.unwrap().service_setting;
        assert_eq!(setting.unwrap().setting_value(), Some("true"));
        for service in services(&stage) {
            let again = aws.iam.create_service_linked_role().aws_service_name(service).send().await.unwrap_err();
            assert!(is_taken(again.code().unwrap(), again.message().unwrap()), "{service}: {again:?}");
        }
    }
}
