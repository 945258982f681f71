//! `GET /health`: whether parameters, database, its replicas and queue answer, with the time of each. The only function with access
//! to the database and to the queue; of the queue it may read the depth, and neither send nor receive.

use std::time::{Duration, Instant};

use shared::{
    App, Reply, Request, Result,
    api::{Health, HealthStatus, Reached, ReplicaHealth},
    database::ReplicaState,
    handler::Handlers,
};

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::of_api(handle)
}

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(1)?;
    request.query(&[])?;
    let (parameters, database, replicas, queue) = tokio::join!(
        timed("parameters", app.read_parameters()),
        timed("database", answer_of_database(app)),
        replicas(app),
        timed("queue", answer_of_queue(app)),
    );
    let status = status([&parameters, &queue].iter().all(|part| part.ok), database.ok, &replicas);
    let health = Health { status, parameters, database, replicas, queue };
    if status == HealthStatus::Unavailable { Reply::unavailable(&health) } else { Reply::json(&health) }
}

/// Without the primary, replicas serve the pages of books, however late they are.
fn status(others: bool, database: bool, replicas: &[ReplicaHealth]) -> HealthStatus {
    let is_read = database || replicas.iter().any(|replica| replica.lag_seconds.is_some());
    if !others || !is_read {
        HealthStatus::Unavailable
    } else if database && replicas.iter().all(|replica| replica.ok) {
        HealthStatus::Ok
    } else {
        HealthStatus::Degraded
    }
}

/// The replicas, in the order of their parameter. None without the parameters, whose own part says so.
async fn replicas(app: &App) -> Vec<ReplicaHealth> {
    let states = app.database().replica_states().await.unwrap_or_default();
    states.iter().map(replica).collect()
}

fn replica(state: &ReplicaState) -> ReplicaHealth {
    let lag = match &state.lag {
        Ok(lag) => *lag,
        Err(error) => {
            tracing::warn!(part = "replica", %error, "Health check failed");
            None
        }
    };
    let rounded = |duration: Duration, unit: f64| (duration.as_secs_f64() * unit * 100.0).round() / 100.0;
    ReplicaHealth {
        ok: state.is_used(),
        lag_seconds: lag.map(|lag| rounded(lag, 1.0)),
        milliseconds: rounded(state.took, 1e3),
    }
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
    let one = app.database().read_primary(async |c| sqlx::query_scalar::<_, i32>("select 1").fetch_one(c).await);
    Ok(one.await.map(drop)?)
}

async fn answer_of_queue(app: &App) -> anyhow::Result<()> {
    app.submissions().await?.check().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_that_is_away_or_late_degrades_the_shop_and_the_primary_is_replaced_by_any_that_answers() {
        let replica = |ok, lag_seconds| ReplicaHealth { ok, lag_seconds, milliseconds: 1.0 };
        let good = || replica(true, Some(0.5));
        let late = || replica(false, Some(60.0));
        let away = || replica(false, None);
        for (others, database, replicas, expected) in [
            (true, true, vec![], HealthStatus::Ok),
            (true, true, vec![good()], HealthStatus::Ok),
            (true, true, vec![good(), late()], HealthStatus::Degraded),
            (true, true, vec![good(), away()], HealthStatus::Degraded),
            (true, true, vec![away()], HealthStatus::Degraded),
            (true, false, vec![good()], HealthStatus::Degraded),
            (true, false, vec![late()], HealthStatus::Degraded),
            (true, false, vec![away()], HealthStatus::Unavailable),
            (true, false, vec![], HealthStatus::Unavailable),
            (false, true, vec![good()], HealthStatus::Unavailable),
        ] {
            assert_eq!(status(others, database, &replicas), expected, "{others} {database} {replicas:?}");
        }
    }
}
