//! The image and the tasks of a stage's containers: what a deploy does for them outside of the templates.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_cloudformation::types::{Capability, Parameter};
use aws_sdk_ecr::{error::ProvideErrorMetadata, types::ImageIdentifier};
use aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum;
use base64::{Engine, prelude::BASE64_STANDARD};
use infra::{
    containers::Service,
    stacks::{
        Kind,
        containers::{IMAGE, PREVIOUS_IMAGE},
        repository,
        tasks::{COMPUTE, targets_output},
    },
    stage::{Compute, Stage},
};

use super::{Interaction, Outputs, describe, stack_events};
use crate::{
    aws::{AwsClients, call, explained, poll_until},
    image::{self, Layout, Login},
};

/// The stage as the first pass of a deploy leaves it: functions answer, unless healthy tasks do already.
pub async fn first_pass(aws: &AwsClients, stage: &Stage) -> Result<Stage> {
    if !stage.is_on_fargate() || !is_deployed_on_fargate(aws, stage).await? {
        return Ok(stage.on_lambda());
    }
    let healthy = healthy(aws, stage).await?;
    if let Some((service, _)) = healthy.iter().find(|(_, tasks)| *tasks == 0) {
        outln!("No task of {} is healthy: functions answer until the new tasks are.", service.name());
        return Ok(stage.on_lambda());
    }
    Ok(stage.clone())
}

/// Tasks start within a minute or two, and the load balancer finds them healthy after twenty seconds.
const HEALTHY_WITHIN: Duration = Duration::from_mins(10);

/// Waits until each service has its least number of healthy tasks: a new service begins with one, and the scaling adds the others.
pub async fn until_healthy(aws: &AwsClients, stage: &Stage) -> Result<()> {
    let Some(settings) = &stage.containers else { return Ok(()) };
    outln!("Waiting for the tasks …");
    let lacks = |(service, tasks): &(Service, usize)| *tasks < usize::from(service.tasks(settings).min);
    let waited = poll_until("the least number of healthy tasks", HEALTHY_WITHIN, async || {
        Ok((!healthy(aws, stage).await?.iter().any(lacks)).then_some(()))
    });
    let Err(error) = waited.await else { return Ok(()) };
    let of = |(service, tasks): &(Service, usize)| {
        format!("{} has {tasks} of {}", service.name(), service.tasks(settings).min)
    };
    let counts: Vec<String> = healthy(aws, stage).await?.iter().map(of).collect();
    Err(error.context(format!(
        "the tasks are not healthy ({}); functions still answer visitors. `{}` shows why; then deploy again",
        counts.join(", "),
        logs_command(stage)
    )))
}

/// The command that shows the log of the tasks.
pub fn logs_command(stage: &Stage) -> String {
    stage.command("logs --containers")
}

/// The number of healthy tasks of each service.
pub async fn healthy(aws: &AwsClients, stage: &Stage) -> Result<Vec<(Service, usize)>> {
    let outputs = describe::outputs_of(aws, &stage.physical(Kind::App.name())).await?;
    let mut healthy = Vec::new();
    for service in Service::ALL {
        let Some(targets) = outputs.get(&targets_output(service)) else {
            healthy.push((service, 0));
            continue;
        };
        let health = call(aws.elb.describe_target_health().target_group_arn(targets).send()).await;
        let health = health.with_context(|| format!("looking at the tasks of {}", service.name()))?;
        let states = health.target_health_descriptions().iter().filter_map(|target| target.target_health()?.state());
        healthy.push((service, states.filter(|state| **state == TargetHealthStateEnum::Healthy).count()));
    }
    Ok(healthy)
}

async fn is_deployed_on_fargate(aws: &AwsClients, stage: &Stage) -> Result<bool> {
    let outputs = describe::outputs_of(aws, &stage.physical(Kind::App.name())).await?;
    Ok(outputs.get(COMPUTE).is_some_and(|compute| compute == Compute::Fargate.name()))
}

/// Refuses to remove the containers while they answer everybody.
pub async fn check_removal(aws: &AwsClients, stage: &Stage) -> Result<()> {
    ensure!(
        !is_deployed_on_fargate(aws, stage).await?,
        "containers answer the requests of stage {0}, and the section [containers] is gone from infra/stages/{0}.toml: first \
         deploy with compute = \"lambda\" in it",
        stage.name
    );
    Ok(())
}

/// Pushes the image to the stage's repository, unless it is there. Its tag is a part of its digest.
pub async fn push(aws: &AwsClients, stage: &Stage, layout: &Layout, repository_uri: &str) -> Result<()> {
    let images = layout.images()?;
    let [image] = &images[..] else { anyhow::bail!("a stage has an image for one architecture, not {}", images.len()) };
    let tag = tag(&image.digest);
    let known = aws.ecr.describe_images().repository_name(repository(stage));
    let known = known.image_ids(ImageIdentifier::builder().image_tag(&tag).build()).send().await;
    match known {
        Ok(_) => return Ok(()),
        Err(error) if error.code() == Some("ImageNotFoundException") => {}
        Err(error) => return Err(explained(error)).context("looking at the images in ECR"),
    }
    outln!("Pushing the image {tag} …");
    image::push(layout, &images, &format!("{repository_uri}:{tag}"), login(aws).await?).await.map(drop)
}

fn tag(digest: &str) -> String {
    digest.trim_start_matches("sha256:").chars().take(16).collect()
}

async fn login(aws: &AwsClients) -> Result<Login> {
    let granted = call(aws.ecr.get_authorization_token().send()).await.context("asking ECR for a login")?;
    let token = granted.authorization_data().first().and_then(|data| data.authorization_token());
    let token = BASE64_STANDARD.decode(token.context("ECR gave no login")?)?;
    let token = String::from_utf8(token)?;
    let (user, password) = token.split_once(':').context("ECR's login has no password")?;
    Ok(Login::Basic(user.to_owned(), password.to_owned()))
}

/// The image before this one, by the outputs of the deployed stack: that which serves, or the one before it if this one does.
pub fn previous_image(outputs: &Outputs, image: &str) -> String {
    let output = |name: &str| outputs.get(&(Kind::Containers, name.to_owned()));
    let previous = output(IMAGE).filter(|serving| *serving != image).or(output(PREVIOUS_IMAGE));
    previous.map_or_else(|| image.to_owned(), Clone::clone)
}

/// The image that tasks had, and the one to which they have returned.
pub struct RolledBack {
    pub from: String,
    pub to: String,
}

/// Returns the tasks to the image before, by an update of the stack with its own template.
///
/// # Errors
/// There is none before, or the new tasks do not become healthy: ECS then keeps the present ones.
pub async fn roll_back(aws: &AwsClients, stage: &Stage) -> Result<RolledBack> {
    let name = stage.physical(Kind::Containers.name());
    let found = describe::describe(aws, &name).await?.filter(describe::is_updatable);
    let found = found.with_context(|| format!("stage {} has no containers: there is no stack {name}", stage.name))?;
    let outputs = describe::outputs(&found);
    let output = |name: &str| outputs.get(name).cloned().with_context(|| format!("the stack has no output {name}"));
    let (image, previous) = (output(IMAGE)?, output(PREVIOUS_IMAGE)?);
    ensure!(
        image != previous,
        "nothing was rolled back: the containers of stage {} have had one image only",
        stage.name
    );
    let parameter = |parameter: &Parameter| {
        let changed = Parameter::builder().set_parameter_key(parameter.parameter_key.clone());
        match parameter.parameter_key() {
            Some(IMAGE) => changed.parameter_value(&previous),
            Some(PREVIOUS_IMAGE) => changed.parameter_value(&image),
            _ => changed.use_previous_value(true),
        }
        .build()
    };
    let newest = stack_events::newest(aws, &name).await?;
    let update = aws.cloudformation.update_stack().stack_name(&name).use_previous_template(true);
    let update = update.set_parameters(Some(found.parameters().iter().map(parameter).collect()));
    call(update.capabilities(Capability::CapabilityIam).send()).await.with_context(|| format!("updating {name}"))?;
    stack_events::until_done(aws, &name, newest.as_deref(), Interaction::Print).await?;
    Ok(RolledBack { from: image, to: previous })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deploy_remembers_the_image_that_served_before_and_one_of_the_same_code_changes_nothing() {
        let deployed = |image: &str, previous: &str| {
            let output = |name: &str, value: &str| ((Kind::Containers, name.to_owned()), value.to_owned());
            Outputs::from([output(IMAGE, image), output(PREVIOUS_IMAGE, previous)])
        };
        for (outputs, image, expected) in [
            (Outputs::new(), "a", "a"),
            (deployed("a", "a"), "b", "a"),
            (deployed("b", "a"), "b", "a"),
            (deployed("b", "a"), "c", "b"),
        ] {
            assert_eq!(previous_image(&outputs, image), expected, "{image}");
        }
        assert_eq!(tag("sha256:0123456789abcdef0123"), "0123456789abcdef");
    }
}
