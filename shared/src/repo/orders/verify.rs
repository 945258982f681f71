//! The invariants of stock and orders, checked on a running shop, a bounded slice at a time. Each check is one statement, so
//! that it sees one moment.

use sqlx::MySqlConnection;

use crate::{
    domain::OrderNumber,
    repo::books,
    staff::{Slices, Verified, Violation},
};

/// Books, or orders, of one slice.
const SLICE: u32 = 2_000;

/// Checks everything.
pub async fn verify(connection: &mut MySqlConnection) -> sqlx::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    let mut next = Some(Slices::FIRST);
    while let Some(slice) = next {
        let verified = verify_slice(connection, slice).await?;
        violations.extend(verified.violations);
        next = verified.next;
    }
    Ok(violations)
}

/// Checks a slice.
pub async fn verify_slice(connection: &mut MySqlConnection, slice: Slices) -> sqlx::Result<Verified> {
    match slice {
        Slices::BooksAfter(after) => {
            let last = books::last_id(connection).await?;
            let through = after.saturating_add(SLICE);
            let violations = of_books(connection, after, through).await?;
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
            let violations = of_orders(connection, after, last).await?;
            let checked = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            Ok(Verified { violations, checked, next: (checked == SLICE).then_some(Slices::OrdersAfter(last)) })
        }
    }
}

async fn of_books(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    violations.extend(stocks(connection, after, through).await?);
    violations.extend(sales(connection, after, through).await?);
    violations.extend(stray_movements(connection, after, through).await?);
    violations.extend(fixed_prices(connection, after, through).await?);
    Ok(violations)
}

async fn stocks(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let stocks = sqlx::query!(
        r#"
        select
            b.id,
            cast(b.stock as signed) as "stock!: i64",
            cast(coalesce(m.quantity, 0) as signed) as "moved!: i64",
            cast(coalesce(b.stock_moved, -1) as signed) as "noted!: i64"
        from books b
        left join (
            select book_id, sum(quantity) as quantity
            from stock_movements
            where book_id > ? and book_id <= ?
            group by book_id
        ) m on m.book_id = b.id
        where b.id > ? and b.id <= ?
          and (b.stock_moved is not null or m.book_id is not null)
          and (b.stock <> coalesce(m.quantity, 0) or not (b.stock_moved <=> b.stock))
        "#,
        after,
        through,
        after,
        through,
    );
    let found = stocks.fetch_all(connection).await?.into_iter().map(|row| Violation::Stock {
        book: row.id.into(),
        stock: row.stock,
        moved: row.moved,
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

async fn stray_movements(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let strays = sqlx::query!(
        r#"
        select
            m.book_id,
            m.source as "source: String"
        from stock_movements m
        left join orders o on o.id = m.order_id
        left join order_lines l on l.order_number = o.number and l.book_id = m.book_id
        where m.book_id > ? and m.book_id <= ?
          and (m.order_id is not null) <> (m.kind in ('sold', 'released', 'returned'))
           or m.book_id > ? and m.book_id <= ?
          and m.order_id is not null and l.book_id is null
        "#,
        after,
        through,
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

async fn of_orders(connection: &mut MySqlConnection, after: u32, through: u32) -> sqlx::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    violations.extend(outcomes(connection, after, through).await?);
    violations.extend(totals(connection, after, through).await?);
    violations.extend(copies(connection, after, through).await?);
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
                sum(state in ('expired', 'cancelled', 'returned')) as ended
            from order_states
            where order_number > ? and order_number <= ?
            group by order_number
        ) s on s.order_number = o.number
        left join order_states now on now.order_number = o.number and now.state = o.state
        where o.number > ? and o.number <= ?
          and (now.state is null
               or s.rejected + s.accepted <> 1
               or s.ended > 1
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
