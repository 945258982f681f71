//! What a function has at hand while it lives: parameters, database, queues. Built once, lent to each invocation.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use aws_config::SdkConfig;
use tokio::time::timeout;

use crate::{
    config::{Config, Settings},
    database::Database,
    domain::SubmissionKey,
    error::{ApiError, Result},
    queue::Queue,
};

pub struct App {
    sdk: SdkConfig,
    settings: Arc<Settings>,
    database: Database,
}

/// How long the start may wait for SSM and the database together; the first request tries anew.
const START_WITHIN: Duration = Duration::from_secs(1);

impl App {
    pub async fn start() -> anyhow::Result<Self> {
        let sdk = crate::aws::sdk_config();
        let settings = Arc::new(Settings::from_env(&sdk)?);
        let database = Database::new(settings.clone(), sdk.clone());
        let app = Self { sdk, settings, database };
        // A failure is not fatal: what is away may be back when the first request comes.
        match timeout(START_WITHIN, app.warm_up()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = format!("{error:#}"), "Not everything is there at the start"),
            Err(_) => tracing::warn!("Not everything is there at the start: no answer in time"),
        }
        Ok(app)
    }

    async fn warm_up(&self) -> anyhow::Result<()> {
        let config = self.settings.current().await?;
        match &config.database {
            Some(database) if !database.is_for_admin() => Ok(self.database.warm_up().await?),
            _ => Ok(()),
        }
    }

    pub fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    pub async fn config(&self) -> Result<Arc<Config>> {
        self.settings.current().await.map_err(ApiError::Unavailable)
    }

    /// Reads the parameters anew, unless that was done just now.
    pub async fn read_parameters(&self) -> anyhow::Result<()> {
        self.settings.refreshed().await.map(drop)
    }

    /// Where submissions go.
    pub async fn submissions(&self) -> Result<Queue> {
        let url = self.config().await?.submissions_queue.clone();
        Ok(Queue::new(&self.sdk, url.context("the route table grants this function nothing of the queue")?))
    }

    /// Where messages rest that can never succeed.
    pub async fn parked(&self) -> Result<Queue> {
        let url = self.config().await?.parked_queue.clone();
        Ok(Queue::new(&self.sdk, url.context("the route table grants this function no parking")?))
    }

    pub async fn submission_key(&self) -> Result<SubmissionKey> {
        let key = self.config().await?.submission_key.clone();
        Ok(key.context("the route table grants this function no submission key")?)
    }
}
