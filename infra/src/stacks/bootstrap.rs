//! The bootstrap stack: the artifact bucket, through which deploys upload function code and large templates, and the repository
//! of the containers' images.

use serde_json::json;
use stratosphere::services::aws::{ecr, ecr::repository as settings, s3};

use super::{Kind, Stack, bucket};
use crate::stage::Stage;
use crate::template::Template;

pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::Bootstrap, "artifact bucket of deploys");
    let template = &mut stack.template;

    let mut artifacts = bucket::private(&bucket::name(stage, "artifacts"));
    artifacts.lifecycle_configuration = Some(s3::bucket::LifecycleConfiguration! { rules: vec![bucket::lifecycle()] });
    // Not retained: each deploy uploads its artifacts again, and a retained bucket would block the next creation.
    let artifacts = bucket::add(template, "ArtifactBucket", artifacts);
    template.output("ArtifactBucket", artifacts);
    if stage.containers.is_some() {
        add_repository(template, stage);
    }
    stack
}

/// Name of the repository of images.
pub fn repository(stage: &Stage) -> String {
    stage.physical("server")
}

/// The output with the repository's address: `123456789012.dkr.ecr.us-east-1.amazonaws.com/anaquel-prod-server`.
pub const REPOSITORY: &str = "Repository";

/// Images that are kept: those of the last deploys, to which a rollback may return.
const IMAGES: u8 = 30;

/// A tag names one image for ever. ECR's basic scan knows the packages of distributions, of which the image has none: its list of
/// crates is for other scanners. <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-troubleshooting.html>
fn add_repository(template: &mut Template, stage: &Stage) {
    let rules = json!({
        "rules": [
            {
                "rulePriority": 1,
                "description": "images without a tag",
                "selection": { "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7 },
                "action": { "type": "expire" },
            },
            {
                "rulePriority": 2,
                "description": "images of early deploys",
                "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": IMAGES },
                "action": { "type": "expire" },
            },
        ],
    });
    let repository = template.add(
        "ImageRepository",
        ecr::Repository! {
            repository_name: repository(stage).as_str(),
            image_tag_mutability: "IMMUTABLE",
            image_scanning_configuration: settings::ImageScanningConfiguration! { scan_on_push: true },
            lifecycle_policy: settings::LifecyclePolicy! { lifecycle_policy_text: rules.to_string().as_str() },
            // As the artifacts: each deploy pushes its image again.
            empty_on_delete: true,
        },
    );
    let reason = "ECR encrypts with its own key; images have no secrets, and a customer key would cost 1 USD a month.";
    template.suppress(repository, "CKV_AWS_136", reason);
    template.output(REPOSITORY, repository.att("RepositoryUri"));
}
