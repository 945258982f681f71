//! `GET /health`: whether parameters, database and queue answer, with the time of each. The only function with access
//! to the database and to the queue; of the queue it may read the depth, and neither send nor receive.

use std::time::Instant;

use shared::{
    App, Reply, Request, Result,
    api::{Health, HealthStatus, Reached},
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(1)?;
    request.query(&[])?;
    let (parameters, database, queue) = tokio::join!(
        timed("parameters", app.read_parameters()),
        timed("database", answer_of_database(app)),
        timed("queue", answer_of_queue(app)),
    );
    let healthy = [&parameters, &database, &queue].iter().all(|part| part.ok);
    let status = if healthy { HealthStatus::Ok } else { HealthStatus::Unavailable };
    let health = Health { status, parameters, database, queue };
    if healthy { Reply::json(&health) } else { Reply::unavailable(&health) }
}

async fn timed(part: &'static str, answer: impl Future<Output = anyhow::Result<()>>) -> Reached {
    let began = Instant::now();
    let answer = answer.await;
    if let Err(error) = &answer {
        tracing::warn!(part, error = format!("{error:#}"), "Health check failed");
    }
    Reached { ok: answer.is_ok(), milliseconds: (began.elapsed().as_secs_f64() * 1e5).round() / 100.0 }
}

async fn answer_of_database(app: &App) -> anyhow::Result<()> {
    let one = app.database().read(async |c| sqlx::query_scalar::<_, i32>("select 1").fetch_one(c).await);
    Ok(one.await.map(drop)?)
}

async fn answer_of_queue(app: &App) -> anyhow::Result<()> {
    app.submissions().await?.check().await
}
