//! A bookseller who hands over and cancels confirmed orders while their buyers cancel them.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use rand::{Rng, rngs::StdRng};
use shared::{
    database,
    domain::{Delivery, OrderAction, OrderNumber, OrderState},
    repo::orders::{self, Applied},
    shop::Shop,
    staff::StaffOrder,
};
use sqlx::{ConnectOptions, Connection, MySqlConnection, mysql::MySqlConnectOptions};
use time::OffsetDateTime;
use tokio::{
    runtime,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{Flag, WRITER_SESSION};

/// Orders in one list.
const LISTED: u32 = 50;
/// Longest pause before an action.
const PAUSE: Duration = Duration::from_millis(60);
/// Timeout of one attempt: a server that is killed while it accepts a connection never answers on it.
const ATTEMPT: Duration = Duration::from_secs(5);

pub struct Bookseller<'a> {
    pub login: &'a MySqlConnectOptions,
    pub shop: &'a Shop,
    pub random: StdRng,
}

/// The outcomes of the staff's actions.
#[derive(Debug, Clone, Copy, Default)]
pub struct Acted {
    pub changed: u32,
    /// The buyer was first.
    pub refused: u32,
}

impl Bookseller<'_> {
    /// Works until the drill is over.
    pub fn work(mut self, over: &Flag) -> Result<Acted> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
        runtime.block_on(async {
            let mut acted = Acted::default();
            let mut seen = BTreeSet::new();
            while !over.is_set() {
                let listed = patiently(self.login, over, async |c| orders::list(c, true, None, LISTED).await).await?;
                // The oldest first, whose cancellation is the nearest.
                let confirmed = listed.into_iter().flatten().rfind(|order| is_new(order, &seen));
                sleep(PAUSE.mul_f64(self.random.random())).await;
                let Some(order) = confirmed else { continue };
                seen.insert(order.number);
                self.act(&order, over, &mut acted).await?;
            }
            Ok(acted)
        })
    }

    /// Hands over, cancels, or leaves an order to its buyer.
    async fn act(&mut self, order: &StaffOrder, over: &Flag, acted: &mut Acted) -> Result<()> {
        let action = match (self.random.random_range(0..10), order.delivery) {
            (0, _) => return Ok(()),
            (1 | 2, _) => OrderAction::Cancel(None),
            (_, Delivery::Ship) => OrderAction::Shipped,
            (_, Delivery::Collect) => OrderAction::Ready,
        };
        let id = Uuid::new_v4();
        let applied = patiently(self.login, over, async |connection| {
            let mut transaction = connection.begin().await?;
            let now = OffsetDateTime::now_utc();
            let applied = orders::act(&mut transaction, id, order.number, action, self.shop, now).await?;
            transaction.commit().await.map(|()| applied)
        });
        match applied.await? {
            Some(Applied::Refused { .. }) => acted.refused += 1,
            Some(Applied::Changed { .. }) => acted.changed += 1,
            // The answer to the attempt before was lost.
            Some(_) | None => {}
        }
        Ok(())
    }
}

fn is_new(order: &StaffOrder, seen: &BTreeSet<OrderNumber>) -> bool {
    order.state == OrderState::Confirmed && !seen.contains(&order.number)
}

/// Works on a connection of its own, again and again while the database is away or busy; none when the drill is over.
async fn patiently<T>(
    login: &MySqlConnectOptions,
    over: &Flag,
    work: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>,
) -> Result<Option<T>> {
    while !over.is_set() {
        let attempt = async {
            let mut connection = login.connect().await?;
            sqlx::raw_sql(WRITER_SESSION).execute(&mut connection).await?;
            let done = work(&mut connection).await?;
            connection.close().await.map(|()| done)
        };
        match timeout(ATTEMPT, attempt).await {
            Ok(Ok(done)) => return Ok(Some(done)),
            Ok(Err(error @ sqlx::Error::Database(_))) => {
                if let database::Error::Defect(cause) = database::Error::from(error) {
                    return Err(cause.context("an action of the staff"));
                }
            }
            Ok(Err(_)) | Err(_) => {}
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(None)
}
