//! The shop under a name of its own: the name, its certificate, HTTPS, and the way there for who comes by HTTP.

use stratosphere::services::aws::elasticloadbalancingv2 as elb;
use stratosphere::services::aws::elasticloadbalancingv2::listener;
use stratosphere::services::aws::{certificatemanager as acm, route53};

use crate::stage::Domain;
use crate::template::{Id, Template};

/// TLS 1.2 and 1.3 with forward secrecy, and key exchange that a quantum computer does not undo where the browser can.
const TLS: &str = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09";

/// Adds the name, its certificate and the listener that serves; `unmatched` answers what no rule takes.
pub fn add(template: &mut Template, domain: &Domain, load_balancer: Id, unmatched: listener::Action_) -> Id {
    template.add(
        "Record",
        route53::RecordSet! {
            hosted_zone_id: domain.zone.as_str(),
            name: domain.name.as_str(),
            r#type: "A",
            alias_target: route53::recordset::AliasTarget! {
                dns_name: load_balancer.att("DNSName"),
                hosted_zone_id: load_balancer.att("CanonicalHostedZoneID"),
            },
        },
    );
    // CloudFormation itself puts the record that proves the name to be ours into the zone.
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
    template.add(
        "HttpsListener",
        elb::Listener! {
            load_balancer_arn: load_balancer,
            port: 443,
            protocol: "HTTPS",
            ssl_policy: TLS,
            certificates: vec![listener::Certificate! { certificate_arn: certificate }],
            default_actions: vec![unmatched],
        },
    )
}

/// What is asked for by HTTP is at the name that the certificate has, whatever the visitor called us.
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
