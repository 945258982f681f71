//! What a deploy itself needs: the bucket that holds the functions' code and large templates.

use stratosphere::services::aws::s3;

use super::{Kind, Stack, bucket};
use crate::stage::Stage;

pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::Bootstrap, "the bucket that deploys go through");
    let template = &mut stack.template;

    let mut artifacts = bucket::private(&bucket::name(stage, "artifacts"));
    artifacts.lifecycle_configuration = Some(s3::bucket::LifecycleConfiguration! { rules: vec![bucket::lifecycle()] });
    // Not retained: every deploy fills it anew, and one that stayed behind would be in the next one's way.
    let artifacts = bucket::add(template, "ArtifactBucket", artifacts);
    template.output("ArtifactBucket", artifacts);
    stack
}
