//! The invariants of stock and orders, checked on a running shop, a bounded slice at a time. Each check is one statement, so
//! that it sees one moment.

use sqlx::MySqlConnection;
use time::{Date, Duration, OffsetDateTime};

use super::sweep::BEST_SELLING;
use crate::{
    domain::OrderNumber,
    repo::books,
    staff::{Slices, Verified, Violation},
};

/// Books, or orders, of one slice.
const SLICE: u32 = 2_000;

/// When a shop is checked.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub now: OffsetDateTime,
    /// A deadline before this time is overdue.
    pub overdue: OffsetDateTime,
}

impl Moment {
    /// The time by which mails are handed over while the database or the queue is away for a moment.
    const PATIENCE: Duration = Duration::hours(1);

    /// In a shop with so much time between two sweeps: what two of them have left undone is overdue.
    pub fn of(now: OffsetDateTime, between_sweeps: Duration) -> Self {
        Self { now, overdue: now - between_sweeps.saturating_mul(2).max(Self::PATIENCE) }
    }
}

/// Checks everything.
pub async fn verify(connection: &mut MySqlConnection, moment: Moment) -> sqlx::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    let mut next = Some(Slices::FIRST);
    while let Some(slice) = next {
        let verified = verify_slice(connection, slice, moment).await?;
        violations.extend(verified.violations);
        next = verified.next;
    }
    Ok(violations)
}

/// Checks a slice.
pub async fn verify_slice(connection: &mut MySqlConnection, slice: Slices, moment: Moment) -> sqlx::Result<Verified> {
    match slice {
        Slices::BooksAfter(after) => {
            let last = books::last_id(connection).await?;
            let through = after.saturating_add(SLICE);
            let violations = of_books(connection, after, through, moment).await?;
            let next = if through < last { Slices::BooksAfter(through) } else { Slices::OrdersAfter(0) };
            Ok(Verified { violations, checked: last.min(through).saturating_sub(after), next: Some(next) })
        }
        Slices::OrdersAfter(after) => {
            let numbers =
                sqlx::query_scalar!("select number from orders where number > ? order by number limit ?", after, SLICE);
            let numbers = numbers.fetch_all(&mut *connection).await?;
            let Some(last) = numbers.last().copied() else {
                return Ok(Verified { violations: Vec::new(), checked: 0, next: None });
            };
            let violations = of_orders(connection, after, last, moment).await?;
            let checked = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            Ok(Verified { violations, checked, next: (checked == SLICE).then_some(Slices::OrdersAfter(last)) })
        }
    }
}

async fn of_books(
    connection: &mut MySqlConnection,
    after: u32,
    through: u32,
    moment: Moment,
) -> sqlx::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    violations.extend(stocks(connection, after, through, moment).await?);
    violations.extend(sales(connection, after, through).await?);
    violations.extend(stray_movements(connection, after, through).await?);
    violations.extend(fixed_prices(connection, after, through).await?);
    Ok(violations)
}

/// Stock, and the days of the best sellers that no sweep has removed yet, against the movements, which are read once.
async fn stocks(
    connection: &mut MySqlConnection,
    after: u32,
    through: u32,
    moment: Moment,
) -> sqlx::Result<Vec<Violation>> {
    let since = (moment.now - BEST_SELLING).date().next_day().unwrap_or(Date::MAX);
    let midnight = since.midnight().assume_utc();
    let stocks = sqlx::query!(
        r#"
        select
            b.id,
            cast(b.stock as signed) as "stock!: i64",
            cast(coalesce(m.quantity, 0) as signed) as "moved!: i64",
            (b.stock_moved is not null or m.book_id is not null)
                and (b.stock <> coalesce(m.quantity, 0) or not (b.stock_moved <=> b.stock)) as "is_other_stock!: bool",
            cast(coalesce(s.copies, 0) as signed) as "counted!: i64",
            cast(coalesce(m.sold, 0) as signed) as "sold!: i64"
        from books b
        left join (
            select
                m.book_id,
                sum(m.quantity) as quantity,
                -sum(if(m.moved_at >= ? and (m.kind = 'sold' or o.decided_at >= ?), m.quantity, 0)) as sold
            from stock_movements m
            left join orders o on o.id = m.order_id and m.kind in ('released', 'returned')
            where m.book_id > ? and m.book_id <= ?
            group by m.book_id
        ) m on m.book_id = b.id
        left join (
            select book_id, sum(copies) as copies
            from book_sales
            where book_id > ? and book_id <= ?
              and day >= ?
            group by book_id
        ) s on s.book_id = b.id
        where b.id > ? and b.id <= ?
          and ((b.stock_moved is not null or m.book_id is not null)
               and (b.stock <> coalesce(m.quantity, 0) or not (b.stock_moved <=> b.stock))
               or coalesce(s.copies, 0) <> coalesce(m.sold, 0))
        "#,
        midnight,
        midnight,
        after,
        through,
        after,
        through,
        since,
        after,
        through,
    );
    let found = stocks.fetch_all(connection).await?.into_iter().flat_map(|row| {
        let book = row.id.into();
        let stock = row.is_other_stock.then_some(Violation::Stock { book, stock: row.stock, moved: row.moved });
        let (counted, moved) = (row.counted, row.sold);
        let sales = (counted != moved).then_some(Violation::Sales { book, counted, moved });
        stock.into_iter().chain(sales)
    });
    Ok(found.collect())
}

async fn sales(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let sales = sqlx::query!(
        r#"
        select
            b.id,
            cast(b.sold as signed) as "sold!: i64",
            cast(coalesce(s.copies, 0) as signed) as "sales!: i64"
        from books b
        left join (
            select book_id, sum(copies) as copies
            from book_sales
            where book_id > ? and book_id <= ?
            group by book_id
        ) s on s.book_id = b.id
        where b.id > ? and b.id <= ?
          and b.sold <> coalesce(s.copies, 0)
        "#,
        after,
        through,
        after,
        through,
    );
    let found = sales.fetch_all(connection).await?.into_iter().map(|row| Violation::Sold {
        book: row.id.into(),
        sold: row.sold,
        sales: row.sales,
    });
    Ok(found.collect())
}

/// `import:12:3` is row 3 of import 12.
async fn stray_movements(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let strays = sqlx::query!(
        r#"
        select
            m.book_id,
            m.source as "source: String"
        from stock_movements m
        left join orders o on o.id = m.order_id
        left join order_lines l on l.order_number = o.number and l.book_id = m.book_id
        left join imports i
            on m.source like 'import:%'
           and i.id = cast(substring_index(substring(m.source, 8), ':', 1) as unsigned)
        where m.book_id > ? and m.book_id <= ?
          and ((m.order_id is not null) <> (m.kind in ('sold', 'released', 'returned'))
               or m.order_id is not null and l.book_id is null
               or not (m.kind = 'sold' and m.source like 'order:%'
                       or m.kind in ('released', 'returned') and m.source like 'action:%'
                       or m.kind = 'released' and m.source like 'expiry:%'
                       or m.kind = 'opening' and m.source = 'opening'
                       or m.kind in ('opening', 'counted') and m.source like 'import:%'
                       or m.kind = 'counted' and m.source like 'version-before:%'
                       or m.kind in ('received', 'damaged', 'counted') and m.source like 'staff:%'
                          and m.reason is not null)
               or m.source like 'import:%' and i.id is null
               or m.source like 'action:%'
                  and not exists (
                      select 1
                      from order_messages a
                      where a.order_id = m.order_id
                        and a.kind in ('staff', 'order-action')
                  ))
        "#,
        after,
        through,
    );
    let found = strays
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| Violation::StrayMovement { book: row.book_id.into(), source: row.source });
    Ok(found.collect())
}

async fn fixed_prices(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let prices = sqlx::query!(
        r#"
        select
            id,
            cast(price as signed) as "price!: i64",
            cast(fixed_price as signed) as "fixed!: i64"
        from books
        where id > ? and id <= ?
          and fixed_price is not null
          and price is not null
          and (price > fixed_price or price * 100 < fixed_price * 95)
        "#,
        after,
        through,
    );
    let found = prices.fetch_all(connection).await?.into_iter().map(|row| Violation::FixedPrice {
        book: row.id.into(),
        price: row.price,
        fixed: row.fixed,
    });
    Ok(found.collect())
}

async fn of_orders(
    connection: &mut MySqlConnection,
    after: u32,
    through: u32,
    moment: Moment,
) -> sqlx::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    violations.extend(outcomes(connection, after, through).await?);
    violations.extend(totals(connection, after, through).await?);
    violations.extend(copies(connection, after, through).await?);
    violations.extend(kept(connection, after, through).await?);
    violations.extend(deadlines(connection, after, through, moment).await?);
    violations.extend(contacts(connection, after, through, moment).await?);
    violations.extend(missing_mails(connection, after, through).await?);
    violations.extend(unsent_mails(connection, after, through, moment).await?);
    Ok(violations)
}

async fn outcomes(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let outcomes = sqlx::query!(
        r#"
        select
            o.number,
            o.state as "state: String",
            coalesce(s.states, '') as "states!: String"
        from orders o
        left join (
            select
                order_number,
                group_concat(state order by at separator ' ') as states,
                sum(state = 'rejected') as rejected,
                sum(state in ('confirmed', 'awaiting_payment')) > 0 as accepted,
                sum(state in ('expired', 'cancelled', 'returned')) as ended,
                sum(state in ('expired', 'cancelled')) as ended_here,
                sum(state in ('shipped', 'collected')) as left_shop,
                sum(state in ('collected', 'delivered')) as arrived,
                sum(state = 'returned') as returned
            from order_states
            where order_number > ? and order_number <= ?
            group by order_number
        ) s on s.order_number = o.number
        left join order_states now on now.order_number = o.number and now.state = o.state
        where o.number > ? and o.number <= ?
          and (now.state is null
               or s.rejected + s.accepted <> 1
               or s.ended > 1
               or s.ended = 1 and o.state not in ('expired', 'cancelled', 'returned')
               or s.ended_here = 1 and s.left_shop > 0
               or s.left_shop > 1
               or s.arrived > 0 and s.left_shop = 0
               or s.returned = 1 and s.arrived = 0
               or s.rejected = 1 and o.state <> 'rejected')
        "#,
        after,
        through,
        after,
        through,
    );
    let found = outcomes.fetch_all(connection).await?.into_iter().map(|row| Violation::Outcome {
        order: OrderNumber(row.number),
        state: row.state,
        states: row.states,
    });
    Ok(found.collect())
}

async fn totals(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let totals = sqlx::query!(
        r#"
        select
            o.number,
            cast(o.total as signed) as "total!: i64",
            cast(o.delivery_price + coalesce(l.price, 0) as signed) as "lines!: i64"
        from orders o
        left join (
            select order_number, sum(unit_price * quantity) as price
            from order_lines
            where order_number > ? and order_number <= ?
            group by order_number
        ) l on l.order_number = o.number
        where o.number > ? and o.number <= ?
          and o.total <> if(o.state = 'rejected', 0, o.delivery_price + coalesce(l.price, 0))
        "#,
        after,
        through,
        after,
        through,
    );
    let found = totals.fetch_all(connection).await?.into_iter().map(|row| Violation::Total {
        order: OrderNumber(row.number),
        total: row.total,
        lines: row.lines,
    });
    Ok(found.collect())
}

async fn copies(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let copies = sqlx::query!(
        r#"
        select
            o.number,
            l.book_id,
            concat(if(o.state = 'rejected', 0, l.quantity), ' sold, ', l.cancelled, ' cancelled, ', l.returned, ' returned')
                as "line!: String",
            concat(-coalesce(m.sold, 0), ' sold, ', coalesce(m.released, 0), ' cancelled, ', coalesce(m.returned, 0), ' returned')
                as "movements!: String"
        from orders o
        straight_join order_lines l on l.order_number = o.number
        left join (
            select
                m.order_id,
                m.book_id,
                sum(if(m.kind = 'sold', m.quantity, 0)) as sold,
                sum(if(m.kind = 'released', m.quantity, 0)) as released,
                sum(if(m.kind = 'returned', m.quantity, 0)) as returned
            from orders x
            straight_join stock_movements m on m.order_id = x.id
            where x.number > ? and x.number <= ?
            group by m.order_id, m.book_id
        ) m on m.order_id = o.id and m.book_id = l.book_id
        where o.number > ? and o.number <= ?
          and (if(o.state = 'rejected', 0, l.quantity) <> -coalesce(m.sold, 0)
               or l.cancelled <> coalesce(m.released, 0)
               or l.returned <> coalesce(m.returned, 0)
               or l.cancelled + l.returned > l.quantity)
        "#,
        after,
        through,
        after,
        through,
    );
    let found = copies.fetch_all(connection).await?.into_iter().map(|row| Violation::Copies {
        order: OrderNumber(row.number),
        book: row.book_id.into(),
        line: row.line,
        movements: row.movements,
    });
    Ok(found.collect())
}

/// What has ended keeps no copy, and everything else that was sold keeps some.
async fn kept(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let kept = sqlx::query!(
        r#"
        select
            o.number,
            o.state as "state: String",
            l.kept as "kept: i64"
        from orders o
        left join (
            select
                order_number,
                cast(sum(cast(quantity as signed) - cancelled - returned) as signed) as kept
            from order_lines
            where order_number > ? and order_number <= ?
            group by order_number
        ) l on l.order_number = o.number
        where o.number > ? and o.number <= ?
          and (l.kept is null
               or o.state <> 'rejected'
              and (l.kept > 0) = (o.state in ('expired', 'cancelled', 'returned')))
        "#,
        after,
        through,
        after,
        through,
    );
    let found = kept.fetch_all(connection).await?.into_iter().map(|row| {
        let order = OrderNumber(row.number);
        match row.kept {
            Some(kept) => Violation::Kept { order, state: row.state, kept },
            None => Violation::NoLines { order },
        }
    });
    Ok(found.collect())
}

/// An order expires in the states in which its buyer has to pay or to collect it, and in no other. One that was sent is taken
/// as delivered at some time.
async fn deadlines(
    connection: &mut MySqlConnection,
    after: u32,
    through: u32,
    moment: Moment,
) -> sqlx::Result<Vec<Violation>> {
    let deadlines = sqlx::query!(
        r#"
        select
            number,
            state as "state: String",
            coalesce(expires_at, delivered_by) as "until: OffsetDateTime"
        from orders
        where number > ? and number <= ?
          and ((state = 'awaiting_payment' or state = 'ready' and paid_at is null) <> (expires_at is not null)
               or (state = 'shipped') <> (delivered_by is not null)
               or expires_at < ?
               or delivered_by < ?)
        "#,
        after,
        through,
        moment.overdue,
        moment.overdue,
    );
    let found = deadlines.fetch_all(connection).await?.into_iter().map(|row| Violation::Deadline {
        order: OrderNumber(row.number),
        state: row.state,
        until: row.until,
    });
    Ok(found.collect())
}

/// The shop knows who ordered as long as the order is open, and not for ever.
async fn contacts(
    connection: &mut MySqlConnection,
    after: u32,
    through: u32,
    moment: Moment,
) -> sqlx::Result<Vec<Violation>> {
    let contacts = sqlx::query!(
        r#"
        select
            number,
            state as "state: String",
            email is not null as "is_known!: bool",
            contact_until
        from orders
        where number > ? and number <= ?
          and (contact_until < ?
               or is_open = 1 and (email is null or contact_until is not null)
               or is_open = 0 and email is not null
              and (contact_until is null or erased_at is not null and contact_until > ?))
        "#,
        after,
        through,
        moment.overdue,
        moment.now,
    );
    let found = contacts.fetch_all(connection).await?.into_iter().map(|row| Violation::Contact {
        order: OrderNumber(row.number),
        state: row.state,
        is_known: row.is_known,
        until: row.contact_until,
    });
    Ok(found.collect())
}

/// Every state about which the shop writes has its mail. Who was erased before the decision gets none, nor who returns something
/// after the contact was removed.
async fn missing_mails(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let missing = sqlx::query!(
        r#"
        select
            s.order_number,
            s.state as "state: String"
        from order_states s
        straight_join orders o on o.number = s.order_number
        left join mails m on m.order_number = s.order_number and m.event = s.state
        where s.order_number > ? and s.order_number <= ?
          and s.state in ('confirmed', 'awaiting_payment', 'rejected', 'ready', 'shipped', 'expired', 'cancelled')
          and not (o.rejection <=> 'erased')
          and m.id is null
        "#,
        after,
        through,
    );
    let found = missing
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| Violation::NoMail { order: OrderNumber(row.order_number), event: row.state });
    Ok(found.collect())
}

/// Every sweep hands over the mails that nobody has handed over.
async fn unsent_mails(
    connection: &mut MySqlConnection,
    after: u32,
    through: u32,
    moment: Moment,
) -> sqlx::Result<Vec<Violation>> {
    let unsent = sqlx::query!(
        r#"
        select
            order_number as "order_number!",
            event as "event: String",
            created_at
        from mails
        where order_number > ? and order_number <= ?
          and is_unsent = 1
          and created_at < ?
        "#,
        after,
        through,
        moment.overdue,
    );
    let found = unsent.fetch_all(connection).await?.into_iter().map(|row| Violation::UnsentMail {
        order: OrderNumber(row.order_number),
        event: row.event,
        written_at: row.created_at,
    });
    Ok(found.collect())
}
