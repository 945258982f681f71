//! Logins to MariaDB: with a password, or with an IAM token over verified TLS.

use std::net::IpAddr;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_rds::auth_token::{AuthTokenGenerator, Config as TokenConfig};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

use crate::{
    config::{Account, DatabaseConfig},
    secret::Secret,
};

/// A login with a password, over verified TLS unless the server is on this very machine.
pub fn password_options(config: &DatabaseConfig, account: &Account, password: &Secret) -> MySqlConnectOptions {
    let here = config.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let tls = if here { MySqlSslMode::Preferred } else { MySqlSslMode::VerifyIdentity };
    base_options(config, account).password(password.reveal()).ssl_mode(tls)
}

/// A login with an IAM token. The token goes over the wire as it is, so the cleartext plugin is switched on together
/// with verified TLS, here and nowhere else.
pub fn iam_options(
    config: &DatabaseConfig,
    account: &Account,
    token: &Secret,
    region: &str,
) -> anyhow::Result<MySqlConnectOptions> {
    Ok(base_options(config, account)
        .password(token.reveal())
        .ssl_mode(MySqlSslMode::VerifyIdentity)
        .ssl_ca_from_pem(root_certificate(region)?.as_bytes().to_vec())
        .enable_cleartext_plugin(true))
}

/// A login as the RDS master user, with the password that RDS keeps in Secrets Manager; verified TLS as well.
pub fn master_options(
    config: &DatabaseConfig,
    account: &Account,
    password: &Secret,
    region: &str,
) -> anyhow::Result<MySqlConnectOptions> {
    Ok(base_options(config, account)
        .password(password.reveal())
        .ssl_mode(MySqlSslMode::VerifyIdentity)
        .ssl_ca_from_pem(root_certificate(region)?.as_bytes().to_vec()))
}

fn base_options(config: &DatabaseConfig, account: &Account) -> MySqlConnectOptions {
    MySqlConnectOptions::new().host(&config.host).port(config.port).database(&config.name).username(&account.user)
}

/// Signs a login token locally; no call to AWS.
pub(super) async fn sign(sdk: &SdkConfig, config: &DatabaseConfig, account: &Account) -> anyhow::Result<Secret> {
    let token = TokenConfig::builder().hostname(&config.host).port(u64::from(config.port)).username(&account.user);
    let token = token.build().map_err(|error| anyhow::anyhow!(error))?;
    let token = AuthTokenGenerator::new(token).auth_token(sdk).await.map_err(|error| anyhow::anyhow!(error))?;
    Ok(Secret::new(token.as_str()))
}

/// Amazon RDS's root certificate for a region.
pub(super) fn root_certificate(region: &str) -> anyhow::Result<&'static str> {
    const ALL: &str = include_str!("../../certificates/rds.pem");
    let start = ALL
        .find(&format!("# {region}\n"))
        .with_context(|| format!("no RDS root certificate for region {region} in shared/certificates/rds.pem"))?;
    let body = &ALL[start + 2..];
    Ok(&body[..body.find("\n# ").unwrap_or(body.len())])
}
