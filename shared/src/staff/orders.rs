//! Orders, stock and their invariants as the staff sees them.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::version_of;
use crate::domain::{BookId, Delivery, Money, OrderNumber, OrderState, Payment, Refusal, VisitorId};

/// The effect of an action on an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum OrderChanged {
    /// It came to this state, or lost copies of a line and is still in it.
    Now {
        state: OrderState,
    },
    /// The action was done before.
    Already,
    Refused {
        refusal: Refusal,
    },
}

/// An order in the staff's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffOrder {
    pub number: OrderNumber,
    pub state: OrderState,
    /// Why it was rejected, in words.
    pub rejection: Option<String>,
    pub delivery: Delivery,
    pub payment: Payment,
    /// As it was ordered.
    pub total: Money,
    /// Copies that were neither cancelled nor returned.
    pub copies: u32,
    /// None once the shop needs it no longer, like the address.
    pub name: Option<String>,
    pub email: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub placed_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// When the buyer withdrew from the contract, after the order had left the shop.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub withdrawn_at: Option<OffsetDateTime>,
    pub is_paid: bool,
    /// Whose browser placed it, as it is stored.
    #[serde(default)]
    pub visitor: Option<VisitorId>,
    /// Why a mail about it came back.
    pub failed_mail: Option<String>,
}

/// An order with all that the shop needs to prepare it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffOrderInFull {
    #[serde(flatten)]
    pub order: StaffOrder,
    pub lines: Vec<StaffOrderLine>,
    pub phone: Option<String>,
    /// One line each.
    pub address: Vec<String>,
    pub note: Option<String>,
    /// What is charged now.
    pub charged: Money,
}

impl StaffOrderInFull {
    /// The version in a form about the order: see [`version_of`].
    pub fn version(&self) -> String {
        let order = &self.order;
        version_of(order.state, order.is_paid, order.withdrawn_at.is_some(), self.lines.iter().map(|line| line.copies))
    }
}

/// The effect of erasing who placed an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "erased", rename_all = "snake_case")]
pub enum OrderErased {
    /// Contact, address, note and visitor are gone.
    Now,
    /// The order is on its way: they go when it is delivered, or taken as that.
    Later {
        #[serde(with = "time::serde::rfc3339::option")]
        until: Option<OffsetDateTime>,
    },
    /// They were gone before.
    Already,
    /// The shop needs them to fulfil the order.
    NotSent {
        state: OrderState,
    },
    NoSuchOrder,
}

/// A line of an order for the staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffOrderLine {
    pub book: BookId,
    pub isbn: Option<String>,
    pub title: String,
    /// Copies that were neither cancelled nor returned.
    pub copies: u8,
    pub unit_price: Option<Money>,
    /// Why it could not be sold, in words.
    pub reason: Option<String>,
}

/// What happened to copies of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoldKind {
    Sale,
    /// Given back before they left the shop, also because the order expired.
    Cancelled,
    Returned,
}

impl SoldKind {
    /// Of a movement of stock that belongs to an order.
    pub fn of_movement(kind: &str) -> Self {
        match kind {
            "returned" => Self::Returned,
            "released" => Self::Cancelled,
            _ => Self::Sale,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Cancelled => "cancelled",
            Self::Returned => "returned",
        }
    }
}

/// Copies of a line of an order that were sold or came back, or its delivery, for the seller's invoicing program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoldLine {
    pub number: OrderNumber,
    /// When they were sold, cancelled or returned.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    pub kind: SoldKind,
    /// The code of the API, as the order is now.
    pub state: String,
    pub payment: String,
    #[serde(with = "time::serde::rfc3339::option")]
    pub paid_at: Option<OffsetDateTime>,
    /// ISO 3166-1; none where the order was collected.
    pub country: Option<String>,
    pub isbn: Option<String>,
    pub title: String,
    pub copies: u8,
    /// With tax, in minor units.
    pub unit_price: u32,
    pub currency: String,
    /// Hundredths of a percent.
    pub tax_rate: u16,
}

impl SoldLine {
    /// The title of what was charged for delivery.
    pub const DELIVERY: &str = "delivery";
}

/// A change of stock by the staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StockChange {
    /// Copies that came in.
    Received(u16),
    /// Copies that can no longer be sold.
    Damaged(u16),
    /// The copies in the shop, as they were counted now; those that open orders wait for are subtracted, and may not be more.
    Counted(u32),
}

/// The effect of a change by the staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum StockChanged {
    Now {
        title: String,
        before: u32,
        stock: u32,
        /// Copies that were counted, and that open orders wait for.
        #[serde(default)]
        set_aside: u32,
    },
    /// It has been done before.
    Already {
        title: String,
        stock: u32,
    },
    NoSuchBook,
    /// Fewer copies are there than should go, or were counted than open orders wait for.
    TooFew {
        title: String,
        /// Copies that no order waits for.
        stock: u32,
        /// Copies that open orders wait for.
        #[serde(default)]
        set_aside: u32,
    },
}

/// A movement as the staff sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockMovement {
    pub id: u64,
    pub kind: String,
    pub quantity: i32,
    pub source: String,
    pub reason: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub moved_at: OffsetDateTime,
}

/// Where to continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slices {
    BooksAfter(u32),
    OrdersAfter(u32),
}

impl Slices {
    pub const FIRST: Self = Self::BooksAfter(0);
}

/// What one slice showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    pub violations: Vec<Violation>,
    /// Books or orders that were checked.
    pub checked: u32,
    /// None at the end.
    pub next: Option<Slices>,
}

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "violation", rename_all = "snake_case")]
pub enum Violation {
    /// The stock is not the sum of the movements.
    Stock {
        book: BookId,
        stock: i64,
        moved: i64,
    },
    /// The best sellers count other sales than were made.
    Sold {
        book: BookId,
        sold: i64,
        sales: i64,
    },
    /// The days of the best sellers count other copies than moved.
    Sales {
        book: BookId,
        counted: i64,
        moved: i64,
    },
    /// A movement without the order line, the import or the action of the staff that it names.
    StrayMovement {
        book: BookId,
        source: String,
    },
    /// An order without an outcome, with two, or in a state that it never came to.
    Outcome {
        order: OrderNumber,
        state: String,
        states: String,
    },
    /// The total is not that of lines and delivery.
    Total {
        order: OrderNumber,
        total: i64,
        lines: i64,
    },
    /// Copies were sold, released or returned that are not those of the line, or the other way round.
    Copies {
        order: OrderNumber,
        book: BookId,
        line: String,
        movements: String,
    },
    /// An order that has ended and keeps copies, or that has not and keeps none.
    Kept {
        order: OrderNumber,
        state: String,
        kept: i64,
    },
    NoLines {
        order: OrderNumber,
    },
    /// An order that ends at a time and should not, or the other way round, or that should have ended. It ends by expiring, or
    /// by being taken as delivered.
    Deadline {
        order: OrderNumber,
        state: String,
        #[serde(with = "time::serde::rfc3339::option")]
        until: Option<OffsetDateTime>,
    },
    /// A contact that should be gone, that will never go, or that is missing.
    Contact {
        order: OrderNumber,
        state: String,
        is_known: bool,
        #[serde(with = "time::serde::rfc3339::option")]
        until: Option<OffsetDateTime>,
    },
    /// The buyer got no mail about a state.
    NoMail {
        order: OrderNumber,
        event: String,
    },
    /// A mail that nobody has handed over.
    UnsentMail {
        order: OrderNumber,
        event: String,
        #[serde(with = "time::serde::rfc3339")]
        written_at: OffsetDateTime,
    },
    /// The selling price is not between 95 and 100 % of the fixed one.
    FixedPrice {
        book: BookId,
        price: i64,
        fixed: i64,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stock { book, stock, moved } => {
                write!(f, "book {book}: stock is {stock}; its movements sum to {moved}")
            }
            Self::Sold { book, sold, sales } => {
                write!(f, "book {book}: {sold} copies count as sold in thirty days; the days sum to {sales}")
            }
            Self::StrayMovement { book, source } => {
                write!(
                    f,
                    "book {book}: the movement {source} belongs to no order line, row of an import or action of the staff"
                )
            }
            Self::Sales { book, counted, moved } => {
                write!(f, "book {book}: {counted} copies are noted as sold by day; {moved} were sold and stayed so")
            }
            Self::Outcome { order, state, states } => {
                write!(f, "order {order}: its state is {state}, and it came to: {states}; it must have one outcome")
            }
            Self::Total { order, total, lines } => {
                write!(f, "order {order}: its total is {total}; lines and delivery sum to {lines}")
            }
            Self::Copies { order, book, line, movements } => {
                write!(f, "order {order}, book {book}: the line has {line}; its movements have {movements}")
            }
            Self::Kept { order, state, kept } => {
                write!(f, "order {order}: it is {state}, and {kept} of its copies are still the buyer's")
            }
            Self::NoLines { order } => write!(f, "order {order}: it has no lines"),
            Self::Deadline { order, state, until: None } => {
                write!(f, "order {order}: it is {state}, and no time ends that")
            }
            Self::Deadline { order, state, until: Some(until) } => {
                write!(f, "order {order}: it is {state} until {until}, which is over, or no such order ends by itself")
            }
            Self::Contact { order, state, is_known: false, .. } => {
                write!(f, "order {order}: it is {state}, and nobody knows its buyer")
            }
            Self::Contact { order, state, until: None, .. } => {
                write!(f, "order {order}: it is {state}, and its contact is never removed")
            }
            Self::Contact { order, state, until: Some(until), .. } => {
                write!(f, "order {order}: it is {state}, and its contact is kept until {until}")
            }
            Self::NoMail { order, event } => write!(f, "order {order}: its buyer got no mail that it is {event}"),
            Self::UnsentMail { order, event, written_at } => {
                write!(f, "order {order}: the mail that it is {event}, of {written_at}, was not handed over")
            }
            Self::FixedPrice { book, price, fixed } => {
                write!(
                    f,
                    "book {book}: its price is {price}; it must be between 95 and 100 % of the fixed price, {fixed}"
                )
            }
        }
    }
}
