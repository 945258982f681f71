//! Stacks against the emulator that `cargo bookstore test` has started.

use std::{collections::BTreeMap, env};

use aws_sdk_s3::{primitives::ByteStream, types::BucketVersioningStatus};
use aws_sdk_sqs::types::QueueAttributeName;
use shared::secret::Secret;
use stratosphere::services::aws::sqs;

use super::*;
use crate::{routes::Access, stacks, template::Template};

/// A stage that nobody else uses.
fn stage() -> Stage {
    let mut stage = Stage::load("local").unwrap();
    stage.name = format!("t{:08x}", rand::random::<u32>());
    stage
}

fn emulator(stage: &Stage) -> Cloud {
    let endpoint = env::var("ANAQUEL_ENDPOINT").expect("these tests are run by `cargo bookstore test`");
    let (_, port) = endpoint.rsplit_once(':').unwrap();
    Cloud::local(stage, port.parse().unwrap())
}

fn stack_with_a_queue(stage: &Stage, queue: &str) -> Stack {
    let mut template = Template::new("A queue".to_owned());
    let id = template.add("Queue", sqs::Queue! { queue_name: stage.physical(queue).as_str() });
    template.output("Queue", id);
    let name = stage.physical("data");
    Stack { kind: Kind::Data, name, template, inputs: BTreeMap::new(), termination_protection: false }
}

async fn apply(cloud: &Cloud, stack: &Stack, data: Data) -> Result<BTreeMap<String, String>> {
    stack::apply(cloud, stack, None, &BTreeMap::new(), Manner::Brief, data).await
}

async fn remove(cloud: &Cloud, stage: &Stage) {
    let found = destroy::find(cloud, stage).await.unwrap();
    destroy::refuse_protected(stage, &found).unwrap();
    destroy::remove(cloud, stage, found, Manner::Brief).await.unwrap();
}

#[tokio::test]
async fn a_queue_is_replaced_only_where_that_is_allowed() {
    let stage = stage();
    let cloud = emulator(&stage);
    let first = &apply(&cloud, &stack_with_a_queue(&stage, "first"), Data::Keep).await.unwrap()["Queue"];

    let renamed = stack_with_a_queue(&stage, "second");
    let refusal = apply(&cloud, &renamed, Data::Keep).await.unwrap_err().to_string();
    assert!(refusal.contains("Queue (SQS::Queue ") && refusal.contains("QueueName"), "{refusal}");
    assert!(refusal.contains("--allow-replacement"), "{refusal}");
    let asked = cloud.sqs.get_queue_attributes().queue_url(first).attribute_names(QueueAttributeName::QueueArn);
    asked.send().await.expect("the queue is still there");
    let left = cloud.cloudformation.list_change_sets().stack_name(&renamed.name).send().await.unwrap();
    assert!(!left.summaries().iter().any(|set| set.execution_status().is_some_and(|s| s.as_str() == "AVAILABLE")));

    let second = apply(&cloud, &renamed, Data::MayGo).await.unwrap();
    assert!(second["Queue"].ends_with("second"), "{second:?}");
    remove(&cloud, &stage).await;
}

#[tokio::test]
async fn a_stage_goes_as_a_whole_and_the_second_time_there_is_nothing() {
    let stage = stage();
    let cloud = emulator(&stage);
    for stack in stacks::all(&stage).unwrap() {
        if [Kind::Bootstrap, Kind::Data].contains(&stack.kind) {
            apply(&cloud, &stack, Data::Keep).await.unwrap();
        }
    }
    let passwords = BTreeMap::from([(Access::Admin, Secret::new("given"))]);
    secrets::put(&cloud, &stage, &KnownSecrets { passwords, submission_key: None }).await.unwrap();
    let bucket = outputs(&cloud, &stage, Kind::Bootstrap).await.unwrap().remove("ArtifactBucket").unwrap();
    let versioning = cloud.s3.get_bucket_versioning().bucket(&bucket).send().await.unwrap();
    assert_eq!(versioning.status(), Some(&BucketVersioningStatus::Enabled));
    for content in ["old", "new"] {
        let put = cloud.s3.put_object().bucket(&bucket).key("code").body(ByteStream::from(content.as_bytes().to_vec()));
        put.send().await.unwrap();
    }

    remove(&cloud, &stage).await;
    assert!(destroy::find(&cloud, &stage).await.unwrap().is_nothing());
    assert!(cloud.s3.head_bucket().bucket(&bucket).send().await.is_err());
}

#[tokio::test]
async fn a_stack_that_was_deployed_protected_is_not_removed_until_it_is_deployed_without() {
    let stage = stage();
    let cloud = emulator(&stage);
    let mut stack = stack_with_a_queue(&stage, "only");
    for protect in [true, false] {
        stack.termination_protection = protect;
        apply(&cloud, &stack, Data::Keep).await.unwrap();
        let found = destroy::find(&cloud, &stage).await.unwrap();
        let refusal = destroy::refuse_protected(&stage, &found).err();
        assert_eq!(refusal.is_some(), protect, "{refusal:?}");
    }
    remove(&cloud, &stage).await;
}

#[tokio::test]
async fn a_removal_that_fails_says_why_what_remains_and_that_it_can_be_repeated() {
    let stage = stage();
    let cloud = emulator(&stage);
    let mut stack = stack_with_a_queue(&stage, "only");
    apply(&cloud, &stack, Data::Keep).await.unwrap();
    let found = destroy::find(&cloud, &stage).await.unwrap();
    stack.termination_protection = true; // somebody else's, in between
    apply(&cloud, &stack, Data::Keep).await.unwrap();

    let failure = destroy::remove(&cloud, &stage, found, Manner::Brief).await.unwrap_err();
    let failure = format!("{failure:#}");
    assert!(failure.contains(&format!("there remain {}", stack.name)), "{failure}");
    assert!(failure.contains(&format!("`cargo bookstore destroy --stage {}` again", stage.name)), "{failure}");
    assert!(failure.contains("it has been protected meanwhile"), "{failure}");

    stack.termination_protection = false;
    apply(&cloud, &stack, Data::Keep).await.unwrap();
    remove(&cloud, &stage).await;
}
