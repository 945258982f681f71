//! HTTPS under the stage's domain name: DNS record, certificate, HTTPS listener, and the redirect from HTTP.

use stratosphere::services::aws::elasticloadbalancingv2 as elb;
use stratosphere::services::aws::elasticloadbalancingv2::listener;
use stratosphere::services::aws::{certificatemanager as acm, route53};

use crate::stage::Domain;
use crate::template::{Id, Template};

/// TLS 1.2 and 1.3 with forward secrecy, and post-quantum key exchange with browsers that support it.
const TLS: &str = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09";

/// Adds the DNS record, the certificate and the HTTPS listener, whose default action is `unmatched`. Returns the listener.
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
