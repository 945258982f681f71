//! Properties that contain unique physical names.

/// Resource types with the property that is a physical name (or, for a subnet, its address range). CloudFormation creates
/// a replacement before it deletes the old resource, so it cannot replace a resource with an unchanged name:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html>.
pub const NAMES: [(&str, &str); 27] = [
    ("AWS::ApplicationAutoScaling::ScalingPolicy", "PolicyName"),
    ("AWS::CloudFront::Function", "Name"),
    ("AWS::CloudWatch::Alarm", "AlarmName"),
    ("AWS::Cognito::UserPoolDomain", "Domain"),
    ("AWS::Cognito::UserPoolResourceServer", "Identifier"),
    ("AWS::EC2::Subnet", "CidrBlock"),
    ("AWS::ECR::Repository", "RepositoryName"),
    ("AWS::ECS::Cluster", "ClusterName"),
    ("AWS::ECS::Service", "ServiceName"),
    ("AWS::Logs::DeliveryDestination", "Name"),
    ("AWS::Logs::DeliverySource", "Name"),
    ("AWS::Logs::LogGroup", "LogGroupName"),
    ("AWS::CloudWatch::Dashboard", "DashboardName"),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Name"),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "Name"),
    ("AWS::IAM::Group", "GroupName"),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::Lambda::Function", "FunctionName"),
    ("AWS::RDS::DBInstance", "DBInstanceIdentifier"),
    ("AWS::S3::Bucket", "BucketName"),
    ("AWS::SES::ConfigurationSet", "Name"),
    ("AWS::SNS::Topic", "TopicName"),
    ("AWS::SQS::Queue", "QueueName"),
    ("AWS::Scheduler::Schedule", "Name"),
    ("AWS::SSM::Parameter", "Name"),
    ("AWS::WAFv2::WebACL", "Name"),
];
