//! `bookstore destroy`: removes a stage, the last stack first, after showing what goes and what stays.

use anyhow::{Context, Result, ensure};
use clap::Args;
use infra::stage::Stage;
use serde_json::json;

use crate::{
    arguments,
    aws::connect,
    deploy::{Interaction, removal},
    output::{Report, ask},
};

#[derive(Args)]
pub struct Destroy {
    /// Stage to remove
    #[arg(long, value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
    /// Confirm without a prompt, by repeating the stage's name
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

pub async fn run(args: &Destroy) -> Result<Report> {
    let (stage, aws) = connect(&args.stage).await?;
    let found = removal::find(&aws, &stage).await?;
    if found.is_nothing() {
        return Ok(Report::new("There is nothing to remove.", json!({ "stage": stage.name, "removed": false })));
    }
    removal::refuse_protected(&stage, &found)?;
    refuse_own_role(&stage, &aws.caller().await?)?;
    outln!("This removes stage {} from {}, account {}:\n", stage.name, stage.region, aws.account().await?);
    outln!("{}", found.table());
    let answer = match &args.confirm {
        Some(name) => name.clone(),
        None => ask("\nType the stage's name to remove it:")?.with_context(|| {
            format!(
                "nothing was removed: standard input is closed, so nobody can confirm; --confirm {} confirms",
                stage.name
            )
        })?,
    };
    ensure!(answer == stage.name, "nothing was removed: the stage's name is {}", stage.name);
    let interaction = if stage.is_local() { Interaction::Quiet } else { Interaction::Print };
    removal::remove(&aws, &stage, found, interaction).await?;
    Ok(Report::of(json!({ "stage": stage.name, "removed": true })))
}

/// Refuses a caller whose own role belongs to the stage: the removal would delete that role first.
fn refuse_own_role(stage: &Stage, caller: &str) -> Result<()> {
    let role = format!(":assumed-role/{}", stage.physical(""));
    ensure!(
        !caller.contains(&role),
        "{caller} is a role of the stage and would be removed with it: sign in as an administrator of the account"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_cannot_remove_its_own_role() {
        let stage = Stage::load("dev").unwrap();
        let session = |role: &str| format!("arn:aws:sts::111122223333:assumed-role/{role}/ana");
        let refusal = refuse_own_role(&stage, &session("anaquel-dev-cloud-and-server-administrator"));
        assert!(refusal.unwrap_err().to_string().ends_with("sign in as an administrator of the account"));
        for caller in
            [session("anaquel-prod-developer"), session("Admin"), "arn:aws:iam::111122223333:user/ana".to_owned()]
        {
            refuse_own_role(&stage, &caller).unwrap();
        }
    }
}
