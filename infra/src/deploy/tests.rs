//! Stacks against the emulator that `cargo bookstore test` has started.

use std::{
    collections::BTreeMap,
    env, fs,
    future::{Future, poll_fn},
    path::PathBuf,
    pin::pin,
    task::Poll,
    time::Duration,
};

use aws_sdk_cloudformation::types::{ChangeSetType, ResourceChange, StackStatus};
use aws_sdk_lambda::{
    primitives::Blob,
    types::{FunctionCode, Runtime},
};
use aws_sdk_s3::{primitives::ByteStream, types::BucketVersioningStatus};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;
use shared::secret::Secret;
use stratosphere::services::aws::{lambda, rds, sqs};

use super::*;
use crate::{
    routes::{Access, FUNCTIONS},
    stacks,
    template::Template,
};

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
    stack_of(stage, template)
}

fn stack_of(stage: &Stage, template: Template) -> Stack {
    let name = stage.physical("data");
    Stack { kind: Kind::Data, name, template, inputs: BTreeMap::new(), termination_protection: false }
}

/// What an update would change.
async fn changes(cloud: &Cloud, stack: &Stack, parameters: &BTreeMap<&'static str, String>) -> Vec<ResourceChange> {
    let stage = Stage::load("local").unwrap();
    let bucket = outputs(cloud, &stage, Kind::Bootstrap).await.unwrap().remove("ArtifactBucket");
    let Some(plan) = stack::plan(cloud, stack, bucket.as_ref(), parameters, ChangeSetType::Update).await.unwrap()
    else {
        return Vec::new();
    };
    stack::discard(cloud, &plan).await.unwrap();
    plan.changes
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

#[tokio::test]
async fn a_second_deploy_changes_nothing() {
    let stage = stage();
    let cloud = emulator(&stage);
    let stack = stack_with_a_queue(&stage, "only");
    let first = apply(&cloud, &stack, Data::Keep).await.unwrap();
    assert_eq!(changes(&cloud, &stack, &BTreeMap::new()).await, []);
    assert_eq!(apply(&cloud, &stack, Data::Keep).await.unwrap(), first);
    remove(&cloud, &stage).await;
}

#[tokio::test]
async fn more_memory_for_one_function_changes_that_function_and_nothing_else() {
    let stage = Stage::load("local").unwrap();
    let cloud = emulator(&stage);
    let mut stack = stacks::all(&stage).unwrap().into_iter().find(|stack| stack.kind == Kind::App).unwrap();
    let deployed = describe(&cloud, &stack.name).await.unwrap().unwrap();
    let value = |name: &str| {
        let mut parameters = deployed.parameters().iter();
        let parameter = parameters.find(|parameter| parameter.parameter_key() == Some(name)).unwrap();
        parameter.parameter_value().unwrap().to_owned()
    };
    let parameters = stack.inputs.keys().map(|name| (*name, value(name))).collect();
    assert_eq!(changes(&cloud, &stack, &parameters).await, []);

    stack.template.set("ShowBook", "MemorySize", json!(512));
    let shown = change::table(&changes(&cloud, &stack, &parameters).await);
    let words: Vec<Vec<&str>> = shown.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words, [["~", "change", "ShowBook", "Lambda::Function", "MemorySize"]]);
}

#[tokio::test]
async fn a_database_that_a_change_would_replace_is_kept() {
    let stage = stage();
    let cloud = emulator(&stage);
    let stack = |name: &str| {
        let mut template = Template::new("A database".to_owned());
        let database = rds::DBInstance! {
            engine: "mariadb",
            db_instance_class: "db.t4g.micro",
            allocated_storage: "20",
            db_name: name,
            manage_master_user_password: true,
            master_username: "admin",
        };
        template.add("Database", database);
        stack_of(&stage, template)
    };
    apply(&cloud, &stack("books"), Data::Keep).await.unwrap();
    let refusal = apply(&cloud, &stack("tomes"), Data::Keep).await.unwrap_err().to_string();
    assert!(refusal.contains("Database (RDS::DBInstance ") && refusal.contains("because of DBName"), "{refusal}");
    assert_eq!(changes(&cloud, &stack("books"), &BTreeMap::new()).await, []);
    remove(&cloud, &stage).await;
}

/// A stack whose second resource cannot be made, for there is no such function.
fn stack_that_fails(stage: &Stage) -> Stack {
    let mut stack = stack_with_a_queue(stage, "only");
    let broken = lambda::EventInvokeConfig! { function_name: "nobody", qualifier: "live" };
    stack.template.add("Broken", broken);
    stack.template.set("Queue", "VisibilityTimeout", json!(77));
    stack
}

#[tokio::test]
async fn a_resource_that_fails_is_named_with_the_reason_and_what_was_there_before_is_there_again() {
    let stage = stage();
    let cloud = emulator(&stage);
    let good = stack_with_a_queue(&stage, "only");
    let queue = apply(&cloud, &good, Data::Keep).await.unwrap().remove("Queue").unwrap();

    let failure = apply(&cloud, &stack_that_fails(&stage), Data::Keep).await.unwrap_err().to_string();
    assert!(failure.contains("was rolled back (UPDATE_ROLLBACK_COMPLETE)"), "{failure}");
    assert!(failure.contains("Broken (AWS::Lambda::EventInvokeConfig): ") && failure.contains("nobody"), "{failure}");
    let asked =
        cloud.sqs.get_queue_attributes().queue_url(queue).attribute_names(QueueAttributeName::VisibilityTimeout);
    let attributes = asked.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "30");
    assert_eq!(changes(&cloud, &good, &BTreeMap::new()).await, []);
    remove(&cloud, &stage).await;
}

#[tokio::test]
async fn a_first_deploy_that_failed_is_not_in_the_way_of_the_next() {
    let stage = stage();
    let cloud = emulator(&stage);
    let failing = stack_that_fails(&stage);
    let failure = apply(&cloud, &failing, Data::Keep).await.unwrap_err().to_string();
    assert!(failure.contains("Broken (AWS::Lambda::EventInvokeConfig): "), "{failure}");
    let left = describe(&cloud, &failing.name).await.unwrap().and_then(|stack| stack.stack_status);
    assert_eq!(left, Some(StackStatus::RollbackComplete));

    apply(&cloud, &stack_with_a_queue(&stage, "only"), Data::Keep).await.unwrap();
    remove(&cloud, &stage).await;
}

/// Lets go of the work after so many steps, as Ctrl-C does; none where it was not done by then.
async fn interrupted<T>(steps: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut taken = 0;
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if taken == steps => Poll::Ready(None),
        Poll::Pending => {
            taken += 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn a_deploy_that_is_interrupted_anywhere_ends_well_when_it_is_started_again() {
    let mut interruptions = 0;
    for steps in 0.. {
        let stage = stage();
        let cloud = emulator(&stage);
        let stack = stack_with_a_queue(&stage, "only");
        let done = interrupted(steps, apply(&cloud, &stack, Data::Keep)).await;
        let again = apply(&cloud, &stack, Data::Keep).await;
        let queue = &again.unwrap_or_else(|error| panic!("interrupted after {steps} steps: {error:#}"))["Queue"];
        let asked = cloud.sqs.get_queue_attributes().queue_url(queue).attribute_names(QueueAttributeName::QueueArn);
        asked.send().await.expect("the queue is there");
        remove(&cloud, &stage).await;
        if done.is_some() {
            break;
        }
        interruptions += 1;
    }
    assert!(interruptions >= 3, "only {interruptions}");
}

#[tokio::test]
async fn what_somebody_changed_by_hand_has_drifted() {
    let stage = stage();
    let cloud = emulator(&stage);
    let mut stack = stack_with_a_queue(&stage, "only");
    stack.template.set("Queue", "VisibilityTimeout", json!(60));
    let queue = apply(&cloud, &stack, Data::Keep).await.unwrap().remove("Queue").unwrap();
    let stacks = [stack.name];
    assert_eq!(drift::drifted(&cloud, &stacks).await.unwrap(), []);

    let change = cloud.sqs.set_queue_attributes().queue_url(queue);
    change.attributes(QueueAttributeName::VisibilityTimeout, "7").send().await.unwrap();
    let drifted = drift::drifted(&cloud, &stacks).await.unwrap();
    let [queue] = &drifted[..] else { panic!("one resource has drifted: {drifted:?}") };
    let [difference] = queue.property_differences() else { panic!("in one property: {queue:?}") };
    assert_eq!(
        (difference.property_path(), difference.expected_value(), difference.actual_value()),
        (Some("/VisibilityTimeout"), Some("60"), Some("7"))
    );
    remove(&cloud, &stage).await;
}

/// Publishes two versions of a function that nobody invokes, and leads the alias to the first.
async fn two_versions(cloud: &Cloud, name: &str) {
    let code = |text: &str| Blob::new(zipped(text.as_bytes(), Profile::Local).unwrap());
    let create = cloud.lambda.create_function().function_name(name).runtime(Runtime::Providedal2023);
    let create = create.handler("bootstrap").role("arn:aws:iam::000000000000:role/nobody").publish(true);
    create.code(FunctionCode::builder().zip_file(code("first")).build()).send().await.unwrap();
    cloud.lambda.create_alias().function_name(name).name(ALIAS).function_version("1").send().await.unwrap();
    cloud
        .lambda
        .update_function_code()
        .function_name(name)
        .zip_file(code("second"))
        .publish(true)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn all_aliases_move_or_none() {
    let stage = stage();
    let cloud = emulator(&stage);
    let names = ["first", "second", "third"].map(|name| stage.physical(name));
    for name in &names {
        two_versions(&cloud, name).await;
    }
    let moves = names.clone().map(|name| alias::Move { name, served: vec![1], to: 2 });
    let served = async || {
        let [first, second, _] = &names;
        [alias::served(&cloud, first).await.unwrap(), alias::served(&cloud, second).await.unwrap()]
    };

    // The third cannot be moved.
    cloud.lambda.delete_alias().function_name(&names[2]).name(ALIAS).send().await.unwrap();
    let failure = format!("{:#}", alias::move_all(&cloud, &moves).await.unwrap_err());
    assert!(failure.starts_with("every alias leads where it led before: "), "{failure}");
    assert!(failure.contains(&format!("moving the alias of {}", names[2])), "{failure}");
    assert_eq!(served().await, [[1], [1]]);

    alias::move_all(&cloud, &moves[..2]).await.unwrap();
    assert_eq!(served().await, [[2, 1], [2, 1]]);
    for name in &names {
        cloud.lambda.delete_function().function_name(name).send().await.unwrap();
    }
}

/// The stage that is up, with one function whose new version does not even start.
#[tokio::test]
async fn a_release_whose_new_version_does_not_answer_leaves_the_old_one_serving() {
    let stage = Stage::load("local").unwrap();
    let cloud = emulator(&stage);
    let built = PathBuf::from(env::var("ANAQUEL_BINARIES").expect("these tests are run by `cargo bookstore test`"));
    let broken = built.join("broken");
    fs::create_dir_all(&broken).unwrap();
    fs::write(broken.join("show-about"), "#!/bin/sh\nexit 1\n").unwrap();
    let good = Packages::of(|function| built.join(function), Profile::Local).unwrap();
    let bad = Packages::of(
        |function| if function == "show-about" { broken.join(function) } else { built.join(function) },
        Profile::Local,
    );
    let bad = bad.unwrap();
    let bucket = outputs(&cloud, &stage, Kind::Bootstrap).await.unwrap().remove("ArtifactBucket").unwrap();
    good.upload(&cloud, &bucket).await.unwrap();
    bad.upload(&cloud, &bucket).await.unwrap();
    release::release(&cloud, &stage, &good, &bucket).await.unwrap();
    let live = async || {
        let mut versions = Vec::new();
        for function in FUNCTIONS {
            versions.push(alias::served(&cloud, &stage.physical(function.name)).await.unwrap());
        }
        versions
    };
    let before = live().await;

    let name = stage.physical("show-about");
    let function = FUNCTIONS.iter().find(|function| function.name == "show-about").unwrap();
    let mut releasing = pin!(release::release(&cloud, &stage, &bad, &bucket));
    let mut asked = 0;
    let failure = loop {
        let event = probe::event(function).unwrap();
        tokio::select! {
            released = &mut releasing => break format!("{:#}", released.expect_err("a refusal")),
            answer = cloud.invoke(&name, ALIAS, &event, Duration::from_secs(10)) => {
                assert_eq!(answer.unwrap()["statusCode"], 200);
                asked += 1;
            }
        }
    };
    assert!(asked > 0, "the old version was asked meanwhile");
    assert!(failure.contains("what served before goes on serving"), "{failure}");
    let version = before[FUNCTIONS.iter().position(|other| other.name == function.name).unwrap()][0] + 1;
    assert!(failure.contains(&format!("version {version} of {name}: ")), "{failure}");
    assert_eq!(failure.matches("version ").count(), 1, "no other function is blamed: {failure}");
    assert_eq!(live().await, before);

    // The next good one serves, and what was refused is nothing to go back to.
    release::release(&cloud, &stage, &good, &bucket).await.unwrap();
    let served = alias::served(&cloud, &name).await.unwrap();
    assert_eq!(served[..2], [version + 1, version - 1]);
}
