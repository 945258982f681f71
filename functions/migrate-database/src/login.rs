//! The administrator's login: the password that RDS keeps in Secrets Manager, or the one of the local stage.

use anyhow::Context;
use serde::Deserialize;
use shared::{
    App,
    aws::explained,
    config::DatabaseConfig,
    database::{master_options, password_options},
    secret::Secret,
};
use sqlx::mysql::MySqlConnectOptions;

pub async fn options(app: &App, config: &DatabaseConfig) -> anyhow::Result<MySqlConnectOptions> {
    let (_, account) = config.login()?;
    let Some(arn) = &config.admin_secret else {
        let password = account.password.as_ref().context("the administrator's password was not granted")?;
        return Ok(password_options(config, account, password));
    };
    let region = app.sdk().region().context("AWS_REGION is not set")?;
    master_options(config, account, &master_password(app, arn).await?, region.as_ref())
}

/// RDS keeps `{"username": …, "password": …}`.
async fn master_password(app: &App, arn: &str) -> anyhow::Result<Secret> {
    #[derive(Deserialize)]
    struct MasterSecret {
        password: String,
    }
    let client = aws_sdk_secretsmanager::Client::new(app.sdk());
    let answer = client.get_secret_value().secret_id(arn).send().await;
    let answer = answer.map_err(explained).context("reading the master secret")?;
    let text = answer.secret_string().context("the master secret has no text")?;
    let secret: MasterSecret = serde_json::from_str(text).context("the master secret is not what RDS writes")?;
    Ok(Secret::new(secret.password))
}
