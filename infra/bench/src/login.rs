//! Logins to the database with the parameters of a stage.

use anyhow::{Context, Result};
use shared::{
    config::{Account, DatabaseAuth, DatabaseConfig},
    database::password_options,
    parameters::{DatabaseRole, Parameter},
    secret::Secret,
};
use sqlx::mysql::MySqlConnectOptions;

use crate::Parameters;

/// Login options of a role.
pub fn login(parameters: &Parameters, role: DatabaseRole) -> Result<MySqlConnectOptions> {
    let user = parameters.get(Parameter::DatabaseUser(role))?.to_owned();
    let password = Secret::new(parameters.get(Parameter::DatabasePassword(role))?);
    let account = Account { user, password: Some(password.clone()) };
    let config = DatabaseConfig {
        host: parameters.get(Parameter::DatabaseHost)?.to_owned(),
        port: parameters.get(Parameter::DatabasePort)?.parse().context("the database's port")?,
        name: parameters.get(Parameter::DatabaseName)?.to_owned(),
        auth: DatabaseAuth::Password,
        accounts: [(role, account.clone())].into(),
        admin_secret: None,
        replicas: Vec::new(),
    };
    Ok(password_options(&config, &account, &password))
}
