//! HTTPS under the stage's domain name: DNS record, certificate, HTTPS listener, and the redirect from HTTP.

use stratosphere::services::aws::elasticloadbalancingv2 as elb;
use stratosphere::services::aws::elasticloadbalancingv2::listener;
use stratosphere::services::aws::{certificatemanager as acm, route53};
use stratosphere::value::ExpBool;

use super::{Stack, failover};
use crate::stage::{Domain, Stage};
use crate::template::Id;

/// TLS 1.2 and 1.3 with forward secrecy, and post-quantum key exchange with browsers that support it.
const TLS: &str = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09";

/// Adds the DNS record, the certificate and the HTTPS listener, whose default action is `unmatched`. Returns the listener.
pub fn add(stack: &mut Stack, stage: &Stage, domain: &Domain, load_balancer: Id, unmatched: listener::Action_) -> Id {
    let check = domain.failover.then(|| failover::add_health_check(stack, load_balancer));
    let template = &mut stack.template;
    // Also without a second one, because Route 53 has no simple record beside a record with an identifier, so that a change of
    // one into the other could not be deployed. It then counts as the best there is, whatever its health.
    let mut record = route53::RecordSet! {
        hosted_zone_id: domain.zone.as_str(),
        name: domain.name.as_str(),
        r#type: "A",
        failover: "PRIMARY",
        set_identifier: "shop",
        alias_target: route53::recordset::AliasTarget! {
            dns_name: load_balancer.att("DNSName"),
            hosted_zone_id: load_balancer.att("CanonicalHostedZoneID"),
            // A target group without targets would count as ill: that of containers before they run.
            evaluate_target_health: ExpBool::from(check.is_none()),
        },
    };
    record.health_check_id = check.map(Into::into);
    let record = template.add("Record", record);
    // CloudFormation creates the validation record in the hosted zone.
    let certificate = template.add(
        "Certificate",
        acm::Certificate! {
            domain_name: domain.name.as_str(),
            validation_method: "DNS",
            domain_validation_options: vec![acm::certificate::DomainValidationOption! {
                domain_name: domain.name.as_str(),
                hosted_zone_id: domain.zone.as_str(),
            }],
        },
    );
    let listener = template.add(
        "HttpsListener",
        elb::Listener! {
            load_balancer_arn: load_balancer,
            port: 443,
            protocol: "HTTPS",
            ssl_policy: TLS,
            certificates: vec![listener::Certificate! { certificate_arn: certificate }],
            default_actions: vec![unmatched],
        },
    );
    if domain.failover {
        failover::add_page(stack, stage, domain, certificate, record);
    }
    listener
}

/// Redirects HTTP to HTTPS at the certificate's name, whatever the request's `Host` is.
pub fn redirect(domain: &Domain) -> listener::Action_ {
    listener::Action! {
        r#type: "redirect",
        redirect_config: listener::RedirectConfig! {
            protocol: "HTTPS",
            host: domain.name.as_str(),
            port: "443",
            status_code: "HTTP_301",
        },
    }
}
