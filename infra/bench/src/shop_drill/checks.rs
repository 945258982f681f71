//! Checks after the drill of the shop: answers to shoppers, queues and database are compared.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use shared::repo::orders::{self, Moment};
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::load::{Class, Ending, Outcome, Queues};

/// Examples in one message.
const SHOWN: usize = 5;

/// State after the drill.
pub struct Facts {
    /// Ids of ratings and of orders that shoppers were answered 202 with.
    pub ratings: BTreeSet<Uuid>,
    pub orders: BTreeSet<Uuid>,
    /// Ids with an outcome in the database.
    pub decided_ratings: BTreeSet<Uuid>,
    pub decided_orders: BTreeSet<Uuid>,
    /// Books whose counts differ from their ratings.
    pub miscounted: Vec<u32>,
    /// Orders with another number of decisions than one.
    pub undecided: Vec<u32>,
    /// Ratings and orders that were rejected, although each of them could be accepted.
    pub rejected: i64,
    pub unsent_mails: i64,
    /// Mails that were handed over.
    pub mails: u64,
    /// Violations that `verify` finds.
    pub violations: Vec<String>,
    /// Messages in queues for what failed for good, and those that are to be there.
    pub parked: Vec<String>,
    pub poison: Vec<String>,
    pub duplicated: u64,
}

impl Facts {
    pub async fn read(
        connection: &mut MySqlConnection,
        outcomes: &[Outcome],
        queues: &Queues,
        poison: Vec<String>,
    ) -> Result<Self> {
        let answered = |class: Class| {
            let received =
                outcomes.iter().filter(|outcome| outcome.class == class && outcome.ending == Ending::Status(202));
            received.filter_map(|outcome| outcome.id).collect()
        };
        let miscounted = "select b.id from books b \
            left join (select book_id, count(*) as ratings from ratings group by book_id) r on r.book_id = b.id \
            left join (select book_id, cast(sum(given) as signed) as given from star_counts group by book_id) s \
                on s.book_id = b.id \
            where coalesce(r.ratings, 0) <> coalesce(s.given, 0) or b.ratings_count <> coalesce(s.given, 0)";
        let undecided = "select o.number from orders o left join order_states s on s.order_number = o.number \
            and s.state in ('confirmed', 'rejected') group by o.number having count(s.state) <> 1";
        let rejected = "select (select count(*) from submissions where kind = 'rating' and outcome = 'rejected') \
            + (select count(*) from orders where state = 'rejected')";
        let moment = Moment::of(OffsetDateTime::now_utc(), time::Duration::minutes(1));
        Ok(Self {
            ratings: answered(Class::Rating),
            orders: answered(Class::Order),
            decided_ratings: ids(connection, "select id from submissions where kind = 'rating'").await?,
            decided_orders: ids(connection, "select id from orders").await?,
            miscounted: sqlx::query_scalar(miscounted).fetch_all(&mut *connection).await.context("counting ratings")?,
            undecided: sqlx::query_scalar(undecided).fetch_all(&mut *connection).await.context("counting decisions")?,
            unsent_mails: sqlx::query_scalar("select count(*) from mails where is_unsent = 1")
                .fetch_one(&mut *connection)
                .await
                .context("counting unsent mails")?,
            rejected: sqlx::query_scalar(rejected).fetch_one(&mut *connection).await.context("counting rejections")?,
            mails: sqlx::query_scalar(
                "select cast(count(*) as unsigned) from mails where is_unsent = 0 and coalesce(failure, '') not like 'not sent: %'",
            )
            .fetch_one(&mut *connection)
            .await
            .context("counting mails")?,
            violations: orders::verify(connection, moment).await?.iter().map(ToString::to_string).collect(),
            parked: queues.parked(),
            poison,
            duplicated: queues.duplicated(),
        })
    }

    /// Accepted submissions and orders without an outcome.
    pub fn lost(&self) -> usize {
        self.ratings.difference(&self.decided_ratings).count() + self.orders.difference(&self.decided_orders).count()
    }

    /// Ratings that count twice, and orders that were decided twice.
    pub fn doubled(&self) -> usize {
        self.miscounted.len() + self.undecided.len()
    }

    /// Broken promises, each with examples; empty after a good drill.
    pub fn problems(&self) -> Vec<String> {
        let mut parked = self.parked.clone();
        let mut missing = self.poison.clone();
        missing
            .retain(|poison| parked.iter().position(|body| body == poison).map(|place| parked.remove(place)).is_none());
        [
            problem("ratings were accepted and have no outcome", self.ratings.difference(&self.decided_ratings)),
            problem("orders were accepted and have no outcome", self.orders.difference(&self.decided_orders)),
            problem("books have other counts than ratings", self.miscounted.iter()),
            problem("orders have not exactly one decision", self.undecided.iter()),
            problem("messages were parked that were no poison", parked.iter()),
            problem("messages are poison and were not parked", missing.iter()),
            (self.rejected > 0).then(|| format!("{} ratings and orders were rejected without need", self.rejected)),
            (self.unsent_mails > 0).then(|| format!("{} mails were not handed over", self.unsent_mails)),
            problem("invariants do not hold", self.violations.iter()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

async fn ids(connection: &mut MySqlConnection, sql: &'static str) -> Result<BTreeSet<Uuid>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(sql).fetch_all(connection).await.context(sql)?;
    Ok(ids.into_iter().collect())
}

fn problem<T: ToString>(what: &str, examples: impl Iterator<Item = T>) -> Option<String> {
    let examples: Vec<String> = examples.map(|example| example.to_string()).collect();
    let shown = examples.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    (!examples.is_empty()).then(|| format!("{} {what}: {shown}", examples.len()))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn facts() -> Facts {
        let ids = |numbers: std::ops::Range<u128>| numbers.map(Uuid::from_u128).collect::<BTreeSet<_>>();
        Facts {
            ratings: ids(0..10),
            orders: ids(100..105),
            decided_ratings: ids(0..11),
            decided_orders: ids(100..106),
            miscounted: Vec::new(),
            undecided: Vec::new(),
            rejected: 0,
            unsent_mails: 0,
            mails: 5,
            violations: Vec::new(),
            parked: vec!["poison 1".to_owned()],
            poison: vec!["poison 1".to_owned()],
            duplicated: 3,
        }
    }

    #[test]
    fn a_request_without_an_answer_may_have_been_accepted() {
        assert_eq!(facts().problems(), Vec::<String>::new());
    }

    #[test]
    fn an_accepted_rating_without_an_outcome_is_lost() {
        let facts = Facts { decided_ratings: BTreeSet::new(), ..facts() };
        assert_eq!(facts.lost(), 10);
        assert!(facts.problems()[0].starts_with("10 ratings were accepted and have no outcome: 00000000-"));
    }

    #[test]
    fn only_poison_is_parked_and_all_of_it() {
        let parked = Facts { parked: vec!["a rating".to_owned()], ..facts() };
        assert_eq!(
            parked.problems(),
            [
                "1 messages were parked that were no poison: a rating",
                "1 messages are poison and were not parked: poison 1"
            ]
        );
    }

    #[test]
    fn a_count_that_differs_from_the_ratings_is_a_problem() {
        let facts = Facts { miscounted: vec![7], ..facts() };
        assert_eq!((facts.doubled(), facts.problems().len()), (1, 1));
    }
}
