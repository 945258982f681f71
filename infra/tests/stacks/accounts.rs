//! User pools and their clients in the templates of every stage.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::session::Pool;

use super::support::{stage, template};
use infra::stacks::Kind;
use infra::stage::{Domain, Https, Mail, STAGES, Stage};

fn pool<'a>(data: &'a Value, name: &str) -> &'a Value {
    &data["Resources"][name]["Properties"]
}

/// Every stage, without and with the optional settings.
fn stages() -> impl Iterator<Item = Stage> {
    STAGES.into_iter().flat_map(|(name, _)| [stage(name), Stage::in_full(name).unwrap()])
}

#[test]
fn customers_register_themselves_and_the_staff_is_invited_and_has_a_second_factor() {
    for stage in stages() {
        let data = template(&stage, Kind::Data);
        for (name, is_staff) in [("CustomersPool", false), ("StaffPool", true)] {
            let pool = pool(&data, name);
            assert_eq!(pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"], is_staff, "{}/{name}", stage.name);
            assert_eq!(pool["MfaConfiguration"], if is_staff { "ON" } else { "OFF" });
            // Cognito wants none named where they are off.
            assert_eq!(pool["EnabledMfas"], if is_staff { json!(["SOFTWARE_TOKEN_MFA"]) } else { Value::Null });
            assert_eq!(pool["UsernameAttributes"], json!(["email"]));
            assert_eq!(pool["UsernameConfiguration"], json!({ "CaseSensitive": false }));
            assert_eq!(pool["AutoVerifiedAttributes"], json!(["email"]));
            let recovery = json!([{ "Name": if is_staff { "admin_only" } else { "verified_email" }, "Priority": 1 }]);
            assert_eq!(pool["AccountRecoverySetting"]["RecoveryMechanisms"], recovery);
            assert_eq!(pool["DeletionProtection"], json!({ "Ref": "UserPoolProtection" }));
            assert!(pool["Policies"]["PasswordPolicy"]["MinimumLength"].as_u64() >= Some(12));
            assert!(pool["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"].as_u64() <= Some(2));
        }
    }
}

#[test]
fn the_shop_is_a_client_by_codes_only_and_its_addresses_follow_https() {
    let (name, zone) = ("shop.example.org".to_owned(), "Z0123456789ABCDEFGHIJ".to_owned());
    let domain = Some(Domain { name, zone, failover: false });
    let distribution = |path: &str| {
        let host = json!({ "Fn::Join": ["", ["https://", { "Fn::GetAtt": ["Distribution", "DomainName"] }]] });
        json!({ "Fn::Join": ["", [host, path]] })
    };
    for (stage, return_to, signed_out) in [
        (stage("dev"), distribution("/sign-in/return"), distribution("/sign-out")),
        (
            Stage { https: Https::Domain, domain, ..stage("prod") },
            json!("https://shop.example.org/sign-in/return"),
            json!("https://shop.example.org/sign-out"),
        ),
        (
            Stage { port: 4700, ..stage("local") },
            json!("http://anaquel.alb.localhost:4700/sign-in/return"),
            json!("http://anaquel.alb.localhost:4700/sign-out"),
        ),
    ] {
        let app = template(&stage, Kind::App);
        let client = &app["Resources"]["CustomersClient"]["Properties"];
        assert_eq!((&client["CallbackURLs"], &client["LogoutURLs"]), (&json!([return_to]), &json!([signed_out])));
        for name in ["CustomersClient", "StaffClient"] {
            let client = &app["Resources"][name]["Properties"];
            assert_eq!(client["AllowedOAuthFlows"], json!(["code"]), "{name}");
            assert_eq!((&client["GenerateSecret"], &client["EnableTokenRevocation"]), (&json!(false), &json!(true)));
            assert_eq!(client["ExplicitAuthFlows"], json!(["ALLOW_REFRESH_TOKEN_AUTH"]));
            assert_eq!(client["PreventUserExistenceErrors"], "ENABLED");
            for token in ["IdToken", "AccessToken"] {
                assert_eq!(client[format!("{token}Validity")], 5, "{token}");
                assert_eq!(client["TokenValidityUnits"][token], "minutes");
            }
        }
        let has_style = !app["Resources"]["CustomersStyle"].is_null();
        assert_eq!(has_style, !stage.is_local(), "managed login shows no page without a style");
    }
}

/// A session over plain HTTP could be read and used by anybody on the way.
#[test]
fn without_encryption_nobody_can_sign_in_and_the_accounts_stay() {
    for (stage, is_encrypted) in [
        (Stage { https: Https::None, ..stage("dev") }, false),
        (stage("prod"), false),
        (stage("dev"), true),
        (stage("local"), true),
    ] {
        let [data, app] = [Kind::Data, Kind::App].map(|kind| template(&stage, kind));
        assert!(!pool(&data, "CustomersPool").is_null());
        for name in ["CustomersClient", "CustomersDomain", "SignInCustomersParameter"] {
            assert_eq!(!app["Resources"][name].is_null(), is_encrypted, "{name} of {}", stage.name);
        }
        let variables = &app["Resources"]["SignIn"]["Properties"]["Environment"]["Variables"];
        let parameters = variables["ANAQUEL_PARAMETERS"].as_str().unwrap();
        assert_eq!(parameters.contains("/session/private-key"), is_encrypted, "{parameters}");
        let of_pages = &app["Resources"]["ShowBook"]["Properties"]["Environment"]["Variables"];
        assert_eq!(!of_pages["ANAQUEL_SIGN_IN"].is_null(), is_encrypted);
    }
}

#[test]
fn codes_and_invitations_come_from_the_shop_once_its_identity_is_verified() {
    let full = Stage::in_full("prod").unwrap();
    let with = |mail| template(&Stage { mail, ..full.clone() }, Kind::Data);
    let mail = full.mail.clone().unwrap();
    for data in [with(None), with(Some(Mail { for_accounts: false, ..mail.clone() }))] {
        for name in ["CustomersPool", "StaffPool"] {
            assert_eq!(pool(&data, name)["EmailConfiguration"], json!({ "EmailSendingAccount": "COGNITO_DEFAULT" }));
            // Cognito's own mails have its own words.
            assert!(pool(&data, name)["VerificationMessageTemplate"].is_null());
        }
    }
    let elsewhere = Mail { for_accounts: true, existing_identity: true, zone: None, ..mail.clone() };
    let existing = &pool(&with(Some(elsewhere)), "StaffPool")["EmailConfiguration"]["SourceArn"]["Fn::Sub"].clone();
    assert!(existing.as_str().unwrap().ends_with(":identity/shop.example.org"), "{existing}");
    let data = with(Some(Mail { for_accounts: true, ..mail }));
    for name in ["CustomersPool", "StaffPool"] {
        let pool = pool(&data, name);
        let expected = json!({
            "EmailSendingAccount": "DEVELOPER",
            "From": "pedidos@shop.example.org",
            // References, so that both exist before the pool and are removed after it.
            "ConfigurationSet": { "Ref": "MailConfiguration" },
            "SourceArn": { "Fn::Sub":
                "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/${MailIdentity}" },
        });
        assert_eq!(pool["EmailConfiguration"], expected);
        for (part, needed) in [
            (&pool["VerificationMessageTemplate"]["EmailMessage"], &["{####}", "código", "code"][..]),
            (
                &pool["AdminCreateUserConfig"]["InviteMessageTemplate"]["EmailMessage"],
                &["{####}", "{username}", "contraseña", "password"],
            ),
        ] {
            let text = part.as_str().unwrap();
            assert!(needed.iter().all(|needed| text.contains(needed)) && text.len() < 20_000, "{text}");
        }
    }
}

/// Both limits are in the reference of CloudFormation's type.
#[test]
fn the_pages_have_a_name_that_cognito_accepts() {
    for stage in stages().filter(Stage::has_sign_in) {
        let app = template(&stage, Kind::App);
        for name in ["CustomersDomain", "StaffDomain"] {
            let domain = app["Resources"][name]["Properties"]["Domain"]["Fn::Sub"].as_str().unwrap();
            let domain = domain.replace("${AWS::AccountId}", "123456789012");
            assert!(domain.len() <= 63, "{domain}");
            assert!(domain.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
            assert!(["aws", "amazon", "cognito"].iter().all(|reserved| !domain.contains(reserved)), "{domain}");
        }
    }
}

/// Resources of a template by logical id.
fn resources(template: &Value) -> BTreeMap<&String, &Value> {
    template["Resources"].as_object().unwrap().iter().collect()
}

/// CloudFormation can neither change a pool that is gone nor replace its pages under an unchanged name. So it must find none
/// of its resources in the next template, and none of their names.
#[test]
fn a_pool_after_a_lost_one_has_other_ids_and_names_and_nothing_else_of_the_stage_changes() {
    for before in stages() {
        for (pool, first, next) in [(Pool::Customers, "Customers", "customers"), (Pool::Staff, "Staff", "staff")] {
            let mut after = before.clone();
            let changed = match pool {
                Pool::Customers => &mut after.accounts.customers,
                Pool::Staff => &mut after.accounts.staff,
            };
            changed.generation = 2;
            for kind in Kind::of(&before) {
                let [old, new] = [&before, &after].map(|stage| template(stage, kind));
                let place = format!("{first} of {}/{}", before.name, kind.name());
                let renamed = new.to_string().replace(&format!("{first}2"), first);
                let renamed = renamed.replace(&format!("-{next}-2"), &format!("-{next}"));
                assert_eq!(serde_json::from_str::<Value>(&renamed).unwrap(), old, "{place}");

                let (old, new) = (resources(&old), resources(&new));
                let changed = old.iter().filter(|(id, resource)| new.get(*id).is_some_and(|new| new != *resource));
                let changed: Vec<_> = changed.map(|(id, _)| id.as_str()).collect();
                let parameter = format!("SignIn{first}Parameter");
                let expected = (kind == Kind::App && before.has_sign_in()).then_some(parameter.as_str());
                assert_eq!(changed, Vec::from_iter(expected), "{place}");
                for (id, resource) in old.iter().filter(|(id, _)| !new.contains_key(*id)) {
                    let added = new[&id.replacen(first, &format!("{first}2"), 1)];
                    for name in ["UserPoolName", "ClientName", "Domain"] {
                        let [old, new] = [resource, added].map(|resource| &resource["Properties"][name]);
                        assert!(old.is_null() || old != new, "{id}: {name} of {place}");
                    }
                }
                let removed = old.keys().filter(|id| !new.contains_key(*id)).count();
                let is_lost = match kind {
                    Kind::Data => removed == 1,
                    Kind::App if before.has_sign_in() => removed >= 2,
                    _ => removed == 0,
                };
                assert!(is_lost, "{place}: {removed} removed");
            }
        }
    }
}

/// The function outside the VPC needs no way to the database, and has none: neither network, nor login, nor parameter.
#[test]
fn a_function_outside_the_vpc_has_no_path_to_the_database() {
    for stage in stages() {
        let app = template(&stage, Kind::App);
        let resources = app["Resources"].as_object().unwrap();
        let outside: Vec<&String> = resources
            .iter()
            .filter(|(_, resource)| resource["Type"] == "AWS::Lambda::Function")
            .filter(|(_, function)| function["Properties"]["VpcConfig"].is_null())
            .map(|(name, _)| name)
            .collect();
        assert_eq!(outside, ["EraseAccounts", "ProcessUpload", "SendMail", "ServeCover", "SignIn"], "{}", stage.name);
        for name in outside {
            let policy = resources[&format!("{name}Role")]["Properties"]["Policies"][0]["PolicyDocument"].to_string();
            let variables = resources[name]["Properties"]["Environment"]["Variables"].to_string();
            for path in ["rds-db:", "secretsmanager:", "ec2:", "/database/"] {
                assert!(!policy.contains(path) && !variables.contains(path), "{name} of {}: {path}", stage.name);
            }
        }
    }
}
