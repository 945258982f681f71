//! The accounts of customers and of staff, in two user pools of Amazon Cognito. The pools hold data, so they belong to the
//! data stack of every stage; their pages, and the shop as their client, to the app stack of a stage where people can sign in.
//! docs/decisions/0020-accounts-in-two-user-pools.md has the reasons.

use serde_json::json;
use shared::parameters::Parameter;
use shared::session::Pool;
use stratosphere::services::aws::cognito::{self, userpool, userpoolclient};
use stratosphere::value::{ExpString, join};

use super::mail::Sending;
use super::{Kind, Stack, distribution, firewall, parameter};
use crate::stage::{Mail, Stage};
use crate::template::{Id, Template, list, logical_id, sub};

/// Validity of tokens, which the shop reads once and keeps nowhere: Cognito's shortest for each kind.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html>
const TOKEN_MINUTES: i32 = 5;
const REFRESH_MINUTES: i32 = 60;
/// Least characters of a password. Composition rules would make passwords no better:
/// <https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver>.
const PASSWORD_LENGTH: i32 = 12;
const STAFF_PASSWORD_LENGTH: i32 = 14;
/// Days for which an invitation's password can be used.
const INVITATION_DAYS: i32 = 2;

/// The output of the data stack with the pool's id.
pub const fn pool_output(pool: Pool) -> &'static str {
    match pool {
        Pool::Customers => "CustomersPool",
        Pool::Staff => "StaffPool",
    }
}

/// Adds the pools to the data stack. `sending` is there where the stage sends mails.
pub fn add_pools(stack: &mut Stack, stage: &Stage, sending: Option<&Sending>) {
    let protection = stack.user_pool_protection();
    for pool in Pool::ALL {
        let added = add_pool(&mut stack.template, stage, pool, protection, sending);
        stack.template.output(pool_output(pool), added);
    }
}

fn add_pool(template: &mut Template, stage: &Stage, pool: Pool, protection: Id, sending: Option<&Sending>) -> Id {
    let is_staff = pool == Pool::Staff;
    let mut properties = cognito::UserPool! {
        user_pool_name: stage.physical(&stage.user_pool(pool)).as_str(),
        // Managed login with pages in the visitor's language; Lite has only the older pages, in English.
        user_pool_tier: "ESSENTIALS",
        deletion_protection: protection,
        // The address is the name of the account, whatever case it is typed in.
        username_attributes: list(["email"]),
        username_configuration: userpool::UsernameConfiguration! { case_sensitive: false },
        schema: vec![userpool::SchemaAttribute! {
            name: "email",
            attribute_data_type: "String",
            required: true,
            mutable: true,
        }],
        auto_verified_attributes: list(["email"]),
        // A new address counts when its owner has typed the code that was sent there; until then the old one does.
        user_attribute_update_settings: userpool::UserAttributeUpdateSettings! {
            attributes_require_verification_before_update: list(["email"]),
        },
        // A stolen mailbox opens no account of the staff, and Cognito documents an error for who must have a second factor
        // and recovers the account by the only address.
        account_recovery_setting: userpool::AccountRecoverySetting! {
            recovery_mechanisms: vec![userpool::RecoveryOption! {
                name: if is_staff { "admin_only" } else { "verified_email" },
                priority: 1,
            }],
        },
        // Managed login never offers an optional factor, and the shop has no page to set one up:
        // https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPool.html
        mfa_configuration: if is_staff { "ON" } else { "OFF" },
        admin_create_user_config: userpool::AdminCreateUserConfig! { allow_admin_create_user_only: is_staff },
        policies: userpool::Policies! { password_policy: Box::new(userpool::PasswordPolicy! {
            minimum_length: if is_staff { STAFF_PASSWORD_LENGTH } else { PASSWORD_LENGTH },
            require_lowercase: false,
            require_numbers: false,
            require_symbols: false,
            require_uppercase: false,
            temporary_password_validity_days: INVITATION_DAYS,
        }) },
    };
    if is_staff {
        // A code of an app. Text messages would cost, and a number can be taken over.
        properties.enabled_mfas = Some(list(["SOFTWARE_TOKEN_MFA"]));
    }
    match stage.mail.as_ref().filter(|mail| mail.for_accounts).zip(sending) {
        Some((mail, sending)) => send_from_shop(&mut properties, mail, sending),
        None => {
            properties.email_configuration =
                Some(userpool::EmailConfiguration! { email_sending_account: "COGNITO_DEFAULT" });
        }
    }
    // A name that follows from the generation, because CloudFormation changes a pool in place, and a lost one not at all.
    template.add(logical_id(&stage.user_pool(pool)) + "Pool", properties)
}

/// Mails by the shop's own identity, in both languages of the shop, because Cognito has one text for everybody.
fn send_from_shop(properties: &mut cognito::UserPool_, mail: &Mail, sending: &Sending) {
    properties.email_configuration = Some(userpool::EmailConfiguration! {
        email_sending_account: "DEVELOPER",
        source_arn: sending.identity.clone(),
        from: mail.sender.to_ascii().as_str(),
        configuration_set: sending.set,
    });
    properties.verification_message_template = Some(userpool::VerificationMessageTemplate! {
        default_email_option: "CONFIRM_WITH_CODE",
        email_subject: "Tu código / Your code",
        email_message: "<p lang=\"es\">Tu código es <b>{####}</b>. Si no lo has pedido, no hace falta que hagas nada.</p>\
                        <p lang=\"en\">Your code is <b>{####}</b>. If you did not ask for it, there is nothing to do.</p>",
    });
    if let Some(config) = &mut properties.admin_create_user_config {
        config.invite_message_template = Some(Box::new(userpool::InviteMessageTemplate! {
            email_subject: "Tu cuenta / Your account",
            email_message: "<p lang=\"es\">Tu cuenta es {username} y tu contraseña para la primera vez es <code>{####}</code>. \
                            Vale dos días.</p><p lang=\"en\">Your account is {username}, and your password for the first \
                            time is <code>{####}</code>. It is valid for two days.</p>",
        }));
    }
}

/// Adds to the app stack the pages of both pools, the shop as their client, the parameters with which it finds them, and
/// their firewall.
pub fn add_clients(stack: &mut Stack, stage: &Stage) {
    let pools = Pool::ALL.map(|pool| (pool, stack.input(Kind::Data, pool_output(pool), "String")));
    for (pool, id) in pools {
        let client = add_client(&mut stack.template, stage, pool, id);
        add_pages(&mut stack.template, stage, pool, id, client);
        let provider = provider(stage, pool, id, client);
        parameter(&mut stack.template, stage, Parameter::SignIn(pool), provider);
        stack.template.output(format!("{}Client", logical_id(pool.name())), client);
    }
    if let Some(settings) = &stage.firewall {
        firewall::add_for_accounts(&mut stack.template, stage, settings, pools);
    }
}

/// The shop as a client of the pool: by a code with PKCE and in no other way. It has no secret, because the code is worth
/// nothing without the verifier, which never leaves the shop and the browser's cookie.
fn add_client(template: &mut Template, stage: &Stage, pool: Pool, id: Id) -> Id {
    template.add(
        logical_id(&stage.user_pool(pool)) + "Client",
        cognito::UserPoolClient! {
            client_name: stage.physical(&stage.user_pool(pool)).as_str(),
            user_pool_id: id,
            generate_secret: false,
            allowed_o_auth_flows_user_pool_client: true,
            allowed_o_auth_flows: list(["code"]),
            allowed_o_auth_scopes: list(["openid", "email"]),
            callback_ur_ls: vec![address(stage, pool.sign_in_return())],
            logout_ur_ls: vec![address(stage, pool.sign_out())],
            supported_identity_providers: list(["COGNITO"]),
            // None of the flows in which a program has the password.
            explicit_auth_flows: list(["ALLOW_REFRESH_TOKEN_AUTH"]),
            prevent_user_existence_errors: "ENABLED",
            enable_token_revocation: true,
            access_token_validity: TOKEN_MINUTES,
            id_token_validity: TOKEN_MINUTES,
            refresh_token_validity: REFRESH_MINUTES,
            token_validity_units: userpoolclient::TokenValidityUnits! {
                access_token: "minutes",
                id_token: "minutes",
                refresh_token: "minutes",
            },
            read_attributes: list(["email", "email_verified"]),
            write_attributes: list(["email"]),
        },
    )
}

/// Managed login under a name of Amazon's. Its pages answer only with a style, of which Cognito has one. The emulator has
/// pages without one, and does not know the type.
fn add_pages(template: &mut Template, stage: &Stage, pool: Pool, id: Id, client: Id) {
    let name = logical_id(&stage.user_pool(pool));
    template.add(
        format!("{name}Domain"),
        cognito::UserPoolDomain! {
            domain: sub(&prefix(stage, pool)),
            user_pool_id: id,
            managed_login_version: 2,
        },
    );
    if !stage.is_local() {
        template.add(
            format!("{name}Style"),
            cognito::ManagedLoginBranding! {
                user_pool_id: id,
                client_id: client,
                use_cognito_provided_values: true,
            },
        );
    }
}

/// Begins the name of the pool's pages. It is unique in the region, so it has the account's id. Cognito may keep that of a
/// lost pool, and CloudFormation replaces no pages under an unchanged name, so it has the generation as well.
fn prefix(stage: &Stage, pool: Pool) -> String {
    format!("{}-${{AWS::AccountId}}", stage.physical(&stage.user_pool(pool)))
}

/// The address of the pool's pages, for `Fn::Sub`.
pub fn pages(stage: &Stage, pool: Pool) -> String {
    if stage.is_local() {
        return format!("http://127.0.0.1:{}", stage.port);
    }
    format!("https://{}.auth.${{AWS::Region}}.amazoncognito.com", prefix(stage, pool))
}

/// An address of the shop, as the browser knows it.
fn address(stage: &Stage, path: &str) -> ExpString {
    if stage.has_cloudfront() {
        return join("", [distribution::url(), path.into()]);
    }
    let origin = match stage.domain_in_use() {
        Some(domain) => domain.url(),
        None => format!("http://anaquel.alb.localhost:{}", stage.port),
    };
    format!("{origin}{path}").as_str().into()
}

/// The value of the parameter, in the form of `shared::sign_in::Provider`. Tokens of the emulator name AWS as their issuer, and
/// everything else is at its own address.
fn provider(stage: &Stage, pool: Pool, id: Id, client: Id) -> ExpString {
    let issuer = format!("https://cognito-idp.${{AWS::Region}}.amazonaws.com/${{{}}}", id.name());
    let pages = pages(stage, pool);
    let keys = if stage.is_local() { format!("{pages}/${{{}}}", id.name()) } else { issuer.clone() };
    let value = json!({
        "issuer": issuer,
        "keys": keys,
        "tokens": pages,
        "pages": pages,
        "client": format!("${{{}}}", client.name()),
    });
    sub(&value.to_string())
}
