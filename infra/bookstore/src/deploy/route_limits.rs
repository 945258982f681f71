//! Limits of API Gateway for routes that are gone. CloudFormation adds and changes limits of the API's stage and removes none, and
//! the next update fails because it names a route that does not exist
//! (<https://github.com/aws/serverless-application-model/issues/1939>).

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use aws_sdk_apigatewayv2::operation::get_stage::GetStageError;
use aws_sdk_lambda::error::SdkError;
use infra::stacks::api_gateway::{ApiRoute, STAGE, routes};

use crate::aws::{AwsClients, call, explained};

/// Deletes the limits that the deployed stage of the API has for routes which the route table has no longer.
pub async fn delete_gone(aws: &AwsClients, api: &str) -> Result<()> {
    let found = aws.apigateway.get_stage().api_id(api).stage_name(STAGE).send().await;
    if found.as_ref().err().and_then(SdkError::as_service_error).is_some_and(GetStageError::is_not_found_exception) {
        return Ok(());
    }
    let found = found.map_err(explained).context("reading the limits of API Gateway")?;
    let limited = found.route_settings().into_iter().flatten().map(|(key, _)| key.as_str());
    for key in gone(limited) {
        let delete = aws.apigateway.delete_route_settings().api_id(api).stage_name(STAGE).route_key(&key);
        call(delete.send()).await.with_context(|| format!("deleting the limit of {key} at API Gateway"))?;
    }
    Ok(())
}

/// The keys that no route has.
fn gone<'a>(limited: impl Iterator<Item = &'a str>) -> Vec<String> {
    let known: BTreeSet<String> = routes().iter().map(ApiRoute::key).collect();
    limited.filter(|key| !known.contains(*key)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_of_the_table_keeps_its_limit() {
        let kept = routes()[0].key();
        assert_eq!(gone([kept.as_str(), "POST /api/gone"].into_iter()), ["POST /api/gone"]);
    }
}
