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

use aws_sdk_cloudformation::types::{Capability, ChangeSetType, ResourceChange, StackStatus};
use aws_sdk_lambda::{
    primitives::Blob,
    types::{FunctionCode, Runtime},
};
use aws_sdk_s3::{primitives::ByteStream, types::BucketVersioningStatus};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};
use shared::{domain::Email, secret::Secret};
use stratosphere::services::aws::{elasticloadbalancingv2 as elb, lambda, rds, sqs};

use bookstore::{
    aws::{self, AwsClients},
    deploy::{
        DataLoss, Interaction, KnownSecrets, Packages, Profile,
        alias::{self, ALIAS},
        change,
        describe::{self, describe, is_protected},
        drift, outputs, probe, release, removal, secrets, stack, zipped,
    },
};
use infra::{
    routes::{DatabaseRole, FUNCTIONS},
    stacks::{self, DELETION_PROTECTION, Input, Kind, Stack, USER_POOL_PROTECTION, user_pool_protection},
    stage::{Restore, Server, Stage},
    template::Template,
};

/// A stage that nobody else uses. Its mails have an identity of their own, because an identity is one of the account, and the
/// removal of this stage would take it from the stage of the tests.
fn stage() -> Stage {
    let mut stage = Stage::load("local").unwrap();
    stage.name = format!("t{:08x}", rand::random::<u32>());
    let mail = stage.mail.as_mut().unwrap();
    mail.identity = format!("{}.{}", stage.name, mail.identity);
    mail.sender = Email::parse(&format!("orders@{}", mail.identity)).unwrap();
    stage
}

/// That of the emulator.
fn port() -> u16 {
    let endpoint = env::var("ANAQUEL_ENDPOINT").expect("these tests are run by `cargo bookstore test`");
    let (_, port) = endpoint.rsplit_once(':').unwrap();
    port.parse().unwrap()
}

fn emulator(stage: &Stage) -> AwsClients {
    AwsClients::local(stage, port())
}

fn stack_with_a_queue(stage: &Stage, queue: &str) -> Stack {
    let mut template = Template::new("A queue".to_owned());
    let id = template.add("Queue", sqs::Queue! { queue_name: stage.physical(queue).as_str() });
    template.output("Queue", id);
    stack_of(stage, template)
}

fn stack_of(stage: &Stage, template: Template) -> Stack {
    let name = stage.physical("data");
    Stack { kind: Kind::Data, stage: stage.name.clone(), name, template, inputs: BTreeMap::new(), protect: false }
}

/// What an update would change.
async fn changes(aws: &AwsClients, stack: &Stack, parameters: &BTreeMap<&'static str, String>) -> Vec<ResourceChange> {
    let stage = Stage::load("local").unwrap();
    let bucket = outputs(aws, &stage, Kind::Bootstrap).await.unwrap().remove("ArtifactBucket");
    let Some(plan) = stack::plan(aws, stack, bucket.as_ref(), parameters, ChangeSetType::Update).await.unwrap() else {
        return Vec::new();
    };
    stack::discard(aws, &plan).await.unwrap();
    plan.changes
}

async fn apply(aws: &AwsClients, stack: &Stack, data_loss: DataLoss) -> anyhow::Result<BTreeMap<String, String>> {
    stack::apply(aws, stack, None, &BTreeMap::new(), Interaction::Quiet, data_loss).await
}

async fn remove(aws: &AwsClients, stage: &Stage) {
    let found = removal::find(aws, stage).await.unwrap();
    removal::refuse_protected(stage, &found).unwrap();
    removal::remove(aws, stage, found, Interaction::Quiet).await.unwrap();
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_queue_is_replaced_only_where_that_is_allowed() {
    let stage = stage();
    let aws = emulator(&stage);
    let first = &apply(&aws, &stack_with_a_queue(&stage, "first"), DataLoss::Forbid).await.unwrap()["Queue"];

    let renamed = stack_with_a_queue(&stage, "second");
    let refusal = apply(&aws, &renamed, DataLoss::Forbid).await.unwrap_err().to_string();
    assert!(refusal.contains("Queue (SQS::Queue ") && refusal.contains("QueueName"), "{refusal}");
    assert!(refusal.contains("--allow-replacement"), "{refusal}");
    let asked = aws.sqs.get_queue_attributes().queue_url(first).attribute_names(QueueAttributeName::QueueArn);
    asked.send().await.expect("the queue is still there");
    let left = aws.cloudformation.list_change_sets().stack_name(&renamed.name).send().await.unwrap();
    assert!(!left.summaries().iter().any(|set| set.execution_status().is_some_and(|s| s.as_str() == "AVAILABLE")));

    let second = apply(&aws, &renamed, DataLoss::Allow).await.unwrap();
    assert!(second["Queue"].ends_with("second"), "{second:?}");
    remove(&aws, &stage).await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_stage_goes_as_a_whole_and_the_second_time_there_is_nothing() {
    let stage = stage();
    let aws = emulator(&stage);
    for stack in stacks::all(&stage).unwrap() {
        if [Kind::Bootstrap, Kind::Data].contains(&stack.kind) {
            apply(&aws, &stack, DataLoss::Forbid).await.unwrap();
        }
    }
    let passwords = BTreeMap::from([(DatabaseRole::Admin, Secret::new("given"))]);
    secrets::put(&aws, &stage, &KnownSecrets { passwords, ..KnownSecrets::default() }).await.unwrap();
    let bucket = outputs(&aws, &stage, Kind::Bootstrap).await.unwrap().remove("ArtifactBucket").unwrap();
    let versioning = aws.s3.get_bucket_versioning().bucket(&bucket).send().await.unwrap();
    assert_eq!(versioning.status(), Some(&BucketVersioningStatus::Enabled));
    for content in ["old", "new"] {
        let put = aws.s3.put_object().bucket(&bucket).key("code").body(ByteStream::from(content.as_bytes().to_vec()));
        put.send().await.unwrap();
    }

    remove(&aws, &stage).await;
    assert!(removal::find(&aws, &stage).await.unwrap().is_nothing());
    assert!(aws.s3.head_bucket().bucket(&bucket).send().await.is_err());
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_stack_that_was_deployed_protected_is_not_removed_until_it_is_deployed_without() {
    let stage = stage();
    let aws = emulator(&stage);
    let mut stack = stack_with_a_queue(&stage, "only");
    for protect in [true, false] {
        stack.protect = protect;
        apply(&aws, &stack, DataLoss::Forbid).await.unwrap();
        stack::protect(&aws, &stack, None, &BTreeMap::new(), Interaction::Quiet).await.unwrap();
        let found = removal::find(&aws, &stage).await.unwrap();
        let refusal = removal::refuse_protected(&stage, &found).err();
        assert_eq!(refusal.is_some(), protect, "{refusal:?}");
    }
    remove(&aws, &stage).await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_removal_that_fails_says_why_what_remains_and_that_it_can_be_repeated() {
    let stage = stage();
    let aws = emulator(&stage);
    let mut stack = stack_with_a_queue(&stage, "only");
    apply(&aws, &stack, DataLoss::Forbid).await.unwrap();
    let found = removal::find(&aws, &stage).await.unwrap();
    stack.protect = true; // somebody else's, in between
    stack::protect(&aws, &stack, None, &BTreeMap::new(), Interaction::Quiet).await.unwrap();

    let failure = removal::remove(&aws, &stage, found, Interaction::Quiet).await.unwrap_err();
    let failure = format!("{failure:#}");
    assert!(failure.contains(&format!("remaining stacks: {}", stack.name)), "{failure}");
    assert!(failure.contains(&format!("`cargo bookstore destroy --stage {}` again", stage.name)), "{failure}");
    assert!(failure.contains("it was protected in the meantime"), "{failure}");

    stack.protect = false;
    apply(&aws, &stack, DataLoss::Forbid).await.unwrap();
    remove(&aws, &stage).await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_second_deploy_changes_nothing() {
    let stage = stage();
    let aws = emulator(&stage);
    let stack = stack_with_a_queue(&stage, "only");
    let first = apply(&aws, &stack, DataLoss::Forbid).await.unwrap();
    assert_eq!(changes(&aws, &stack, &BTreeMap::new()).await, []);
    assert_eq!(apply(&aws, &stack, DataLoss::Forbid).await.unwrap(), first);
    remove(&aws, &stage).await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn more_memory_for_one_function_changes_that_function_and_nothing_else() {
    let stage = Stage { port: port(), ..Stage::load("local").unwrap() };
    let aws = emulator(&stage);
    let mut stack = stacks::all(&stage).unwrap().into_iter().find(|stack| stack.kind == Kind::App).unwrap();
    let deployed = describe(&aws, &stack.name).await.unwrap().unwrap();
    let value = |name: &str| {
        let mut parameters = deployed.parameters().iter();
        let parameter = parameters.find(|parameter| parameter.parameter_key() == Some(name)).unwrap();
        parameter.parameter_value().unwrap().to_owned()
    };
    let parameters = stack.inputs.keys().map(|name| (*name, value(name))).collect();
    assert_eq!(changes(&aws, &stack, &parameters).await, []);

    stack.template.set("ShowBook", "MemorySize", json!(1_024));
    let shown = change::table(&changes(&aws, &stack, &parameters).await);
    let words: Vec<Vec<&str>> = shown.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words, [["~", "change", "ShowBook", "Lambda::Function", "MemorySize"]]);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_database_that_a_change_would_replace_is_kept() {
    let stage = stage();
    let aws = emulator(&stage);
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
    apply(&aws, &stack("books"), DataLoss::Forbid).await.unwrap();
    let refusal = apply(&aws, &stack("tomes"), DataLoss::Forbid).await.unwrap_err().to_string();
    assert!(refusal.contains("Database (RDS::DBInstance ") && refusal.contains("because of DBName"), "{refusal}");
    assert_eq!(changes(&aws, &stack("books"), &BTreeMap::new()).await, []);
    remove(&aws, &stage).await;
}

/// A stack whose second resource cannot be created, because its function does not exist.
fn stack_that_fails(stage: &Stage) -> Stack {
    let mut stack = stack_with_a_queue(stage, "only");
    let broken = lambda::EventInvokeConfig! { function_name: "nobody", qualifier: "live" };
    stack.template.add("Broken", broken);
    stack.template.set("Queue", "VisibilityTimeout", json!(77));
    stack
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_resource_that_fails_is_named_with_the_reason_and_what_was_there_before_is_there_again() {
    let stage = stage();
    let aws = emulator(&stage);
    let good = stack_with_a_queue(&stage, "only");
    let queue = apply(&aws, &good, DataLoss::Forbid).await.unwrap().remove("Queue").unwrap();

    let failure = apply(&aws, &stack_that_fails(&stage), DataLoss::Forbid).await.unwrap_err().to_string();
    assert!(failure.contains("was rolled back (UPDATE_ROLLBACK_COMPLETE)"), "{failure}");
    assert!(failure.contains("Broken (AWS::Lambda::EventInvokeConfig): ") && failure.contains("nobody"), "{failure}");
    let asked = aws.sqs.get_queue_attributes().queue_url(queue).attribute_names(QueueAttributeName::VisibilityTimeout);
    let attributes = asked.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "30");
    assert_eq!(changes(&aws, &good, &BTreeMap::new()).await, []);
    remove(&aws, &stage).await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_first_deploy_that_failed_is_not_in_the_way_of_the_next() {
    let stage = stage();
    let aws = emulator(&stage);
    let failing = stack_that_fails(&stage);
    let failure = apply(&aws, &failing, DataLoss::Forbid).await.unwrap_err().to_string();
    assert!(failure.contains("Broken (AWS::Lambda::EventInvokeConfig): "), "{failure}");
    let left = describe(&aws, &failing.name).await.unwrap().and_then(|stack| stack.stack_status);
    assert_eq!(left, Some(StackStatus::RollbackComplete));

    apply(&aws, &stack_with_a_queue(&stage, "only"), DataLoss::Forbid).await.unwrap();
    remove(&aws, &stage).await;
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

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_deploy_that_is_interrupted_anywhere_ends_well_when_it_is_started_again() {
    let mut interruptions = 0;
    for steps in 0.. {
        let stage = stage();
        let aws = emulator(&stage);
        let stack = stack_with_a_queue(&stage, "only");
        let done = interrupted(steps, apply(&aws, &stack, DataLoss::Forbid)).await;
        let again = apply(&aws, &stack, DataLoss::Forbid).await;
        let queue = &again.unwrap_or_else(|error| panic!("interrupted after {steps} steps: {error:#}"))["Queue"];
        let asked = aws.sqs.get_queue_attributes().queue_url(queue).attribute_names(QueueAttributeName::QueueArn);
        asked.send().await.expect("the queue is there");
        remove(&aws, &stage).await;
        if done.is_some() {
            break;
        }
        interruptions += 1;
    }
    assert!(interruptions >= 3, "only {interruptions}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn what_somebody_changed_by_hand_has_drifted() {
    let stage = stage();
    let aws = emulator(&stage);
    let mut stack = stack_with_a_queue(&stage, "only");
    stack.template.set("Queue", "VisibilityTimeout", json!(60));
    let queue = apply(&aws, &stack, DataLoss::Forbid).await.unwrap().remove("Queue").unwrap();
    let stacks = [stack.name];
    assert_eq!(drift::drifted(&aws, &stage, &stacks).await.unwrap(), []);

    let change = aws.sqs.set_queue_attributes().queue_url(queue);
    change.attributes(QueueAttributeName::VisibilityTimeout, "7").send().await.unwrap();
    let drifted = drift::drifted(&aws, &stage, &stacks).await.unwrap();
    let [queue] = &drifted[..] else { panic!("one resource has drifted: {drifted:?}") };
    let [difference] = queue.property_differences() else { panic!("in one property: {queue:?}") };
    assert_eq!(
        (difference.property_path(), difference.expected_value(), difference.actual_value()),
        (Some("/VisibilityTimeout"), Some("60"), Some("7"))
    );
    remove(&aws, &stage).await;
}

/// Publishes two versions of a function that nobody invokes, and leads the alias to the first.
async fn two_versions(aws: &AwsClients, name: &str) {
    let code = |text: &str| Blob::new(zipped(text.as_bytes(), Profile::Local).unwrap());
    let create = aws.lambda.create_function().function_name(name).runtime(Runtime::Providedal2023);
    let create = create.handler("bootstrap").role("arn:aws:iam::000000000000:role/nobody").publish(true);
    create.code(FunctionCode::builder().zip_file(code("first")).build()).send().await.unwrap();
    aws.lambda.create_alias().function_name(name).name(ALIAS).function_version("1").send().await.unwrap();
    aws.lambda.update_function_code().function_name(name).zip_file(code("second")).publish(true).send().await.unwrap();
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn all_aliases_move_or_none() {
    let stage = stage();
    let aws = emulator(&stage);
    let names = ["first", "second", "third"].map(|name| stage.physical(name));
    for name in &names {
        two_versions(&aws, name).await;
    }
    let moves = names.clone().map(|name| alias::Move { name, served: vec![1], to: 2 });
    let served = async || {
        let [first, second, _] = &names;
        [alias::served(&aws, first).await.unwrap(), alias::served(&aws, second).await.unwrap()]
    };

    // The third cannot be moved.
    aws.lambda.delete_alias().function_name(&names[2]).name(ALIAS).send().await.unwrap();
    let failure = format!("{:#}", alias::move_all(&aws, &stage, &moves).await.unwrap_err());
    assert!(failure.starts_with("all aliases were reverted: "), "{failure}");
    assert!(failure.contains(&format!("moving the alias of {}", names[2])), "{failure}");
    assert_eq!(served().await, [[1], [1]]);

    alias::move_all(&aws, &stage, &moves[..2]).await.unwrap();
    assert_eq!(served().await, [[2, 1], [2, 1]]);
    for name in &names {
        aws.lambda.delete_function().function_name(name).send().await.unwrap();
    }
}

/// The stage that is up, with one function whose new version does not even start.
#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_release_whose_new_version_does_not_answer_leaves_the_old_one_serving() {
    let stage = Stage::load("local").unwrap();
    let aws = emulator(&stage);
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
    let bucket = outputs(&aws, &stage, Kind::Bootstrap).await.unwrap().remove("ArtifactBucket").unwrap();
    good.upload(&aws, &bucket).await.unwrap();
    bad.upload(&aws, &bucket).await.unwrap();
    release::release(&aws, &stage, &good, &bucket).await.unwrap();
    let live = async || {
        let mut versions = Vec::new();
        for function in FUNCTIONS {
            versions.push(alias::served(&aws, &stage.physical(function.name)).await.unwrap());
        }
        versions
    };
    let before = live().await;

    let name = stage.physical("show-about");
    let function = FUNCTIONS.iter().find(|function| function.name == "show-about").unwrap();
    let mut releasing = pin!(release::release(&aws, &stage, &bad, &bucket));
    let mut asked = 0;
    let failure = loop {
        let event = probe::event(function).unwrap();
        tokio::select! {
            released = &mut releasing => break format!("{:#}", released.expect_err("a refusal")),
            answer = aws.invoke(&name, ALIAS, &event, Duration::from_secs(10)) => {
                assert_eq!(answer.unwrap()["statusCode"], 200);
                asked += 1;
            }
        }
    };
    assert!(asked > 0, "the old version was asked meanwhile");
    assert!(failure.contains("release aborted; the previous versions still serve"), "{failure}");
    let version = before[FUNCTIONS.iter().position(|other| other.name == function.name).unwrap()][0] + 1;
    assert!(failure.contains(&format!("version {version} of {name}: ")), "{failure}");
    assert_eq!(failure.matches("version ").count(), 1, "no other function is blamed: {failure}");
    assert_eq!(live().await, before);

    // The next good version serves, and the refused one is not in the history.
    release::release(&aws, &stage, &good, &bucket).await.unwrap();
    let served = alias::served(&aws, &name).await.unwrap();
    assert_eq!(served[..2], [version + 1, version - 1]);
}

/// Makes or changes a stack past our own code.
async fn by_hand(aws: &AwsClients, name: &str, template: &Value, kind: ChangeSetType) {
    let set = format!("by-hand-{:08x}", rand::random::<u32>());
    let set = aws.cloudformation.create_change_set().stack_name(name).change_set_name(set);
    let set = set.change_set_type(kind).capabilities(Capability::CapabilityNamedIam);
    let set = set.template_body(template.to_string()).send().await.unwrap().id.unwrap();
    loop {
        let found =
            aws.cloudformation.describe_change_set().change_set_name(&set).stack_name(name).send().await.unwrap();
        if found.execution_status().is_some_and(|status| status.as_str() == "AVAILABLE") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    aws.cloudformation.execute_change_set().change_set_name(&set).stack_name(name).send().await.unwrap();
}

async fn status(aws: &AwsClients, name: &str) -> Option<StackStatus> {
    describe(aws, name).await.unwrap().and_then(|stack| stack.stack_status)
}

async fn comes_to(aws: &AwsClients, name: &str, wanted: &StackStatus) {
    let reached = aws::poll_until(wanted.as_str(), Duration::from_secs(30), async || {
        Ok((status(aws, name).await.as_ref() == Some(wanted)).then_some(()))
    });
    reached.await.unwrap();
}

/// A network that cannot be removed, because one of its subnets is retained.
fn unremovable() -> Value {
    json!({
        "Network": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.9.0.0/16" } },
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "DeletionPolicy": "Retain",
            "Properties": { "VpcId": { "Ref": "Network" }, "CidrBlock": "10.9.1.0/24" },
        },
    })
}

/// What cannot be made, because the attribute does not exist.
fn unmakeable(after: &str) -> Value {
    json!({
        "Type": "AWS::SSM::Parameter",
        "DependsOn": after,
        "Properties": { "Type": "String", "Value": { "Fn::GetAtt": [after, "Nope"] } },
    })
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_creation_whose_rollback_failed_is_removed_and_made_again() {
    let stage = stage();
    let aws = emulator(&stage);
    let stack = stack_with_a_queue(&stage, "only");
    let mut resources = unremovable();
    resources["Broken"] = unmakeable("Subnet");
    by_hand(&aws, &stack.name, &json!({ "Resources": resources }), ChangeSetType::Create).await;
    comes_to(&aws, &stack.name, &StackStatus::RollbackFailed).await;

    apply(&aws, &stack, DataLoss::Forbid).await.unwrap();
    assert_eq!(status(&aws, &stack.name).await, Some(StackStatus::CreateComplete));
    remove(&aws, &stage).await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_removal_that_failed_is_finished_by_a_deploy_or_says_how() {
    let stage = stage();
    let aws = emulator(&stage);
    let stack = stack_with_a_queue(&stage, "only");
    by_hand(&aws, &stack.name, &json!({ "Resources": unremovable() }), ChangeSetType::Create).await;
    comes_to(&aws, &stack.name, &StackStatus::CreateComplete).await;
    aws.cloudformation.delete_stack().stack_name(&stack.name).send().await.unwrap();
    comes_to(&aws, &stack.name, &StackStatus::DeleteFailed).await;

    let complaint = format!("{:#}", apply(&aws, &stack, DataLoss::Forbid).await.unwrap_err());
    assert!(complaint.contains("Network (AWS::EC2::VPC)"), "{complaint}");
    assert!(complaint.contains("--retain-resources Network`"), "{complaint}");
    // `destroy` reports the same.
    let found = removal::find(&aws, &stage).await.unwrap();
    let complaint = removal::remove(&aws, &stage, found, Interaction::Quiet).await.unwrap_err();
    assert!(format!("{complaint:#}").contains("--retain-resources Network`"), "{complaint:#}");

    aws.cloudformation.delete_stack().stack_name(&stack.name).retain_resources("Network").send().await.unwrap();
    apply(&aws, &stack, DataLoss::Forbid).await.unwrap();
    remove(&aws, &stage).await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_stack_that_waits_for_its_first_change_set_is_created_or_removed() {
    let stage = stage();
    let aws = emulator(&stage);
    let stack = stack_with_a_queue(&stage, "only");
    let begin = async || {
        stack::plan(&aws, &stack, None, &BTreeMap::new(), ChangeSetType::Create).await.unwrap();
        assert_eq!(status(&aws, &stack.name).await, Some(StackStatus::ReviewInProgress));
    };
    begin().await;
    remove(&aws, &stage).await;
    assert!(removal::find(&aws, &stage).await.unwrap().is_nothing());
    begin().await;
    apply(&aws, &stack, DataLoss::Forbid).await.unwrap();
    remove(&aws, &stage).await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_creation_that_failed_without_a_rollback_is_removed_and_made_again() {
    let stage = stage();
    let aws = emulator(&stage);
    let stack = stack_with_a_queue(&stage, "only");
    let queue = json!({ "Type": "AWS::SQS::Queue", "Properties": { "QueueName": stage.physical("only") } });
    let template = json!({ "Resources": { "Queue": queue, "Broken": unmakeable("Queue") } });
    let create = aws.cloudformation.create_stack().stack_name(&stack.name).template_body(template.to_string());
    create.disable_rollback(true).send().await.unwrap();
    comes_to(&aws, &stack.name, &StackStatus::CreateFailed).await;

    apply(&aws, &stack, DataLoss::Forbid).await.unwrap();
    assert_eq!(status(&aws, &stack.name).await, Some(StackStatus::CreateComplete));
    remove(&aws, &stage).await;
}

/// A policy of a role that is not in the stack, and while it changes, a wait that times out. Without the role the rollback
/// fails.
fn policy_of(role: &str, action: &str, waits: bool) -> Value {
    let statement = json!({ "Effect": "Allow", "Action": action, "Resource": "*" });
    let document = json!({ "Version": "2012-10-17", "Statement": [statement] });
    let mut resources = json!({
        "Policy": {
            "Type": "AWS::IAM::Policy",
            "Properties": { "PolicyName": "p", "Roles": [role], "PolicyDocument": document },
        },
    });
    if waits {
        resources["Handle"] = json!({ "Type": "AWS::CloudFormation::WaitConditionHandle" });
        resources["Wait"] = json!({
            "Type": "AWS::CloudFormation::WaitCondition",
            "DependsOn": "Policy",
            "Properties": { "Handle": { "Ref": "Handle" }, "Timeout": "3" },
        });
    }
    json!({ "Resources": resources })
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_rollback_that_failed_is_finished_once_its_cause_is_mended() {
    let stage = stage();
    let aws = emulator(&stage);
    let stack = stack_with_a_queue(&stage, "only");
    let role = stage.physical("outside");
    let create_role = async || {
        let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
        aws.iam.create_role().role_name(&role).assume_role_policy_document(trust).send().await.unwrap();
    };
    create_role().await;
    by_hand(&aws, &stack.name, &policy_of(&role, "s3:GetObject", false), ChangeSetType::Create).await;
    comes_to(&aws, &stack.name, &StackStatus::CreateComplete).await;
    by_hand(&aws, &stack.name, &policy_of(&role, "s3:PutObject", true), ChangeSetType::Update).await;
    let changed = aws::poll_until("the policy's change", Duration::from_secs(10), async || {
        let found = aws.iam.get_role_policy().role_name(&role).policy_name("p").send().await?;
        Ok(found.policy_document().contains("PutObject").then_some(()))
    });
    changed.await.unwrap();
    aws.iam.delete_role_policy().role_name(&role).policy_name("p").send().await.unwrap();
    aws.iam.delete_role().role_name(&role).send().await.unwrap();
    comes_to(&aws, &stack.name, &StackStatus::UpdateRollbackFailed).await;

    let complaint = format!("{:#}", apply(&aws, &stack, DataLoss::Forbid).await.unwrap_err());
    assert!(complaint.contains("Policy (AWS::IAM::Policy)"), "{complaint}");
    assert!(complaint.contains("--resources-to-skip Policy`"), "{complaint}");
    create_role().await;
    apply(&aws, &stack, DataLoss::Forbid).await.unwrap();
    assert_eq!(status(&aws, &stack.name).await, Some(StackStatus::UpdateComplete));
    remove(&aws, &stage).await;
}

/// A load balancer that the stage protects, and maybe what cannot be made after it.
fn protected_stack(stage: &Stage, kind: Kind, fails: bool) -> Stack {
    let mut template = Template::new("A load balancer".to_owned());
    let protection = template.boolean_parameter(DELETION_PROTECTION, "Locks it", true);
    let load_balancer = elb::LoadBalancer! {
        name: stage.name.as_str(),
        load_balancer_attributes: vec![elb::loadbalancer::LoadBalancerAttribute! {
            key: "deletion_protection.enabled",
            value: protection,
        }],
    };
    let load_balancer = template.add("LoadBalancer", load_balancer);
    template.output("LoadBalancer", load_balancer);
    if fails {
        let broken = lambda::EventInvokeConfig! { function_name: "nobody", qualifier: "live" };
        let broken = template.add("Broken", broken);
        template.add_dependency(broken, load_balancer);
    }
    let inputs = BTreeMap::from([(DELETION_PROTECTION, Input::DeletionProtection)]);
    Stack { kind, stage: stage.name.clone(), name: stage.physical(kind.name()), template, inputs, protect: true }
}

/// Whether the load balancer itself is locked.
async fn is_locked(aws: &AwsClients, stack: &Stack) -> bool {
    let outputs = describe::outputs(&describe(aws, &stack.name).await.unwrap().unwrap());
    let asked = aws.elb.describe_load_balancer_attributes().load_balancer_arn(&outputs["LoadBalancer"]).send();
    let attributes = asked.await.unwrap().attributes.unwrap();
    let lock = attributes.iter().find(|attribute| attribute.key() == Some("deletion_protection.enabled"));
    lock.and_then(|lock| lock.value()) == Some("true")
}

/// Unlike AWS, the emulator's CloudFormation removes protected resources: so this checks what was protected
/// when.
#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_protected_stage_whose_first_creation_fails_is_created_by_the_next_deploy_or_removed() {
    let mut stage = stage();
    stage.protect = true;
    let aws = emulator(&stage);
    let failing = protected_stack(&stage, Kind::App, true);
    for then_deployed in [true, false] {
        // The data stack is complete, and nothing of it is locked until the stage is.
        let data = Stack { protect: true, ..stack_with_a_queue(&stage, "only") };
        apply(&aws, &data, DataLoss::Forbid).await.unwrap();
        apply(&aws, &failing, DataLoss::Forbid).await.unwrap_err();
        let left = describe(&aws, &failing.name).await.unwrap().unwrap();
        assert_eq!(left.stack_status(), Some(&StackStatus::RollbackComplete));
        assert!(!is_protected(&left), "it was made protected, and AWS could not roll it back");
        assert!(!is_protected(&describe(&aws, &data.name).await.unwrap().unwrap()));

        if then_deployed {
            let good = protected_stack(&stage, Kind::App, false);
            apply(&aws, &good, DataLoss::Forbid).await.unwrap();
            assert!(!is_locked(&aws, &good).await);
            for stack in [&data, &good] {
                stack::protect(&aws, stack, None, &BTreeMap::new(), Interaction::Quiet).await.unwrap();
            }
            assert!(is_locked(&aws, &good).await);
            let found = removal::find(&aws, &stage).await.unwrap();
            assert!(removal::refuse_protected(&stage, &found).is_err());
            // The next deploy leaves it locked, and one without protection unlocks all.
            apply(&aws, &good, DataLoss::Forbid).await.unwrap();
            assert!(is_locked(&aws, &good).await);
            stage.protect = false;
            for stack in [data, good] {
                apply(&aws, &Stack { protect: false, ..stack }, DataLoss::Forbid).await.unwrap();
            }
            assert!(!is_locked(&aws, &failing).await);
        }
        remove(&aws, &stage).await;
        assert!(removal::find(&aws, &stage).await.unwrap().is_nothing());
        stage.protect = true;
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_restored_database_is_a_new_instance_under_a_new_name() {
    let mut stage = Stage::load("dev").unwrap();
    stage.name = format!("t{:08x}", rand::random::<u32>());
    let aws = emulator(&stage);
    let data = |generation, restore| {
        let mut stage = stage.clone();
        let Server::Rds(server) = &mut stage.database.server else { panic!("RDS runs it") };
        (server.generation, server.restore) = (generation, restore);
        let mut stack = stacks::all(&stage).unwrap().into_iter().find(|stack| stack.kind == Kind::Data).unwrap();
        // The emulator knows no such attribute.
        stack.template.leave_out("MasterUserSecret.SecretArn");
        stack
    };
    // In the network of the tests' own stage.
    let mut network = outputs(&aws, &Stage::load("local").unwrap(), Kind::Network).await.unwrap();
    network.insert(DELETION_PROTECTION.to_owned(), "false".to_owned());
    network.insert(USER_POOL_PROTECTION.to_owned(), user_pool_protection(false).to_owned());
    let parameters: BTreeMap<_, _> = data(1, None).inputs.keys().map(|name| (*name, network[*name].clone())).collect();
    let deploy = async |stack: &Stack, data_loss| {
        stack::apply(&aws, stack, None, &parameters, Interaction::Quiet, data_loss).await
    };
    let before = deploy(&data(1, None), DataLoss::Forbid).await.unwrap();
    assert_eq!(before["DatabaseName"], format!("anaquel-{}-database", stage.name));

    let from = |name: &str| Some(Restore::Instance { name: name.to_owned(), at: "2026-11-24T09:30:00Z".to_owned() });
    // Under the same name CloudFormation would fail half-way; said before anything begins.
    let same = deploy(&data(1, from(&before["DatabaseName"])), DataLoss::Allow).await.unwrap_err().to_string();
    assert!(same.contains("nothing was changed") && same.contains("raise `generation`"), "{same}");

    let restored = data(2, from(&before["DatabaseName"]));
    let refusal = deploy(&restored, DataLoss::Forbid).await.unwrap_err().to_string();
    assert!(refusal.contains("Database (RDS::DBInstance ") && refusal.contains("--allow-replacement"), "{refusal}");
    let after = deploy(&restored, DataLoss::Allow).await.unwrap();
    assert_eq!(after["DatabaseName"], format!("anaquel-{}-database-2", stage.name));
    assert_ne!(after["DatabaseResourceId"], before["DatabaseResourceId"], "logins are granted for the new one");
    for log in ["error", "slowquery"] {
        let group = format!("/aws/rds/instance/{}/{log}", after["DatabaseName"]);
        let found = aws.logs.describe_log_groups().log_group_name_prefix(&group).send().await.unwrap();
        assert_eq!(found.log_groups().len(), 1, "{group}");
    }
    // As RDS does: the only instance that is monitored here.
    let monitoring = "RDSOSMetrics";
    aws.logs.create_log_group().log_group_name(monitoring).send().await.unwrap();
    let stream = aws.logs.create_log_stream().log_group_name(monitoring);
    stream.log_stream_name(&after["DatabaseResourceId"]).send().await.unwrap();
    // The logs of the one before were kept, and go with the stage.
    let found = removal::find(&aws, &stage).await.unwrap();
    removal::remove(&aws, &stage, found, Interaction::Quiet).await.unwrap();
    let left =
        aws.logs.describe_log_groups().log_group_name_prefix(format!("/aws/rds/instance/anaquel-{}", stage.name));
    assert!(left.send().await.unwrap().log_groups().is_empty());
    let left = aws.logs.describe_log_groups().log_group_name_prefix(monitoring).send().await.unwrap();
    assert!(left.log_groups().is_empty(), "its last stream took it along");
}
