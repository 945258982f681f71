//! The bootstrap stack: the artifact bucket, through which deploys upload function code and large templates.

use stratosphere::services::aws::s3;

use super::{Kind, Stack, bucket};
use crate::stage::Stage;

pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::Bootstrap, "artifact bucket of deploys");
    let template = &mut stack.template;

    let mut artifacts = bucket::private(&bucket::name(stage, "artifacts"));
    artifacts.lifecycle_configuration = Some(s3::bucket::LifecycleConfiguration! { rules: vec![bucket::lifecycle()] });
    // Not retained: each deploy uploads its artifacts again, and a retained bucket would block the next creation.
    let artifacts = bucket::add(template, "ArtifactBucket", artifacts);
    template.output("ArtifactBucket", artifacts);
    stack
}
