//! `bookstore messages`, `reviews`, `visitors` and `searches`: commands for the staff. The database is private, so they invoke
//! `run-staff-task`, which needs an IAM permission.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use shared::{
    domain::{BookId, VisitorId},
    staff::{ContactMessage, RatingKey, SearchMiss, StaffAnswer, StaffRating, StaffTask},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{
    arguments,
    aws::connect,
    output::{Report, confirm, minute, plain},
};

const FUNCTION: &str = "run-staff-task";
/// Timeout while another command uses the function's only execution environment.
const TIMEOUT: Duration = Duration::from_mins(2);

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Messages {
    #[command(subcommand)]
    action: Option<MessageAction>,
    /// Only messages without an answer
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Subcommand)]
enum MessageAction {
    /// Mark a message as answered
    Answered {
        /// The number before the message
        #[arg(value_parser = arguments::id)]
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Mark an answered message as open again
    Reopen {
        /// The number before the message
        #[arg(value_parser = arguments::id)]
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
pub struct Reviews {
    #[command(subcommand)]
    action: ReviewAction,
}

#[derive(Subcommand)]
enum ReviewAction {
    /// List reviews and ratings of all books, newest first
    List {
        /// Only hidden ones
        #[arg(long)]
        hidden: bool,
        /// Only those of this book
        #[arg(long, value_name = "ID", value_parser = arguments::book)]
        book: Option<BookId>,
        /// Largest number of ratings to list
        #[arg(long, value_name = "N", default_value = "50", value_parser = arguments::count)]
        limit: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Hide a review and remove its stars from the counts; that visitor cannot rate the book again
    Hide {
        /// The number before the rating in `reviews list`, its `id` in /api/books/{id}/ratings
        #[arg(value_parser = arguments::id)]
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
    /// Hide all reviews that a visitor sent, or that were sent within a time
    HideAll {
        /// Only reviews of this visitor, as `messages` and `reviews hide` print it
        #[arg(long, required_unless_present_all = ["since", "until"])]
        visitor: Option<String>,
        /// Only reviews of the book with this id
        #[arg(long)]
        book: Option<u32>,
        /// Only reviews sent at this time or later: 2026-01-02T03:00:00Z
        #[arg(long, value_parser = moment)]
        since: Option<OffsetDateTime>,
        /// Only reviews sent before this time
        #[arg(long, value_parser = moment)]
        until: Option<OffsetDateTime>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Show a hidden review again
    Unhide {
        /// The number before the rating in `reviews list --hidden`
        #[arg(value_parser = arguments::id)]
        id: u64,
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
pub struct Visitors {
    #[command(subcommand)]
    action: VisitorAction,
}

#[derive(Subcommand)]
enum VisitorAction {
    /// Remove a visitor's ratings (and their counts) and messages; submissions that arrive later are rejected
    Erase {
        /// The value of the visitor's cookie; `messages` and `reviews` print it
        #[arg(value_parser = arguments::visitor)]
        id: Uuid,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
pub struct Searches {
    #[command(flatten)]
    whose: Whose,
}

#[derive(Args)]
pub struct Whose {
    /// Stage of the shop
    #[arg(long, default_value = "local", value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
}

pub async fn messages(args: &Messages) -> Result<Report> {
    match &args.action {
        Some(MessageAction::Answered { id, whose }) => {
            mark(whose, *id, &StaffTask::MarkAnswered { message: *id }).await
        }
        Some(MessageAction::Reopen { id, whose }) => mark(whose, *id, &StaffTask::ReopenMessage { message: *id }).await,
        None => list_messages(&args.whose, args.open).await,
    }
}

/// The message as it is after the task.
async fn mark(whose: &Whose, id: u64, task: &StaffTask) -> Result<Report> {
    let StaffAnswer::Message(message) = ask(whose, task).await? else { bail!(UNEXPECTED_RESPONSE) };
    let message = message.with_context(|| format!("there is no message {id}"))?;
    Ok(Report::new(format_message(&message), json!({ "message": message })))
}

async fn list_messages(whose: &Whose, open: bool) -> Result<Report> {
    let mut messages: Vec<ContactMessage> = Vec::new();
    loop {
        let before = messages.last().map(|message| message.id);
        let StaffAnswer::Messages(page) = ask(whose, &StaffTask::ListMessages { open, before }).await? else {
            bail!(UNEXPECTED_RESPONSE);
        };
        if page.is_empty() {
            break;
        }
        messages.extend(page);
    }
    let none = if open { "Every message is answered." } else { "There are no messages." };
    Ok(Report::new(blocks(messages.iter().map(format_message), none), json!({ "messages": messages })))
}

/// Blocks of lines with an empty line between them.
fn blocks(blocks: impl Iterator<Item = String>, none: &str) -> String {
    let text = blocks.collect::<Vec<_>>().join("\n\n");
    if text.is_empty() { none.to_owned() } else { text }
}

pub async fn reviews(args: &Reviews) -> Result<Report> {
    let (whose, id, task) = match &args.action {
        ReviewAction::List { hidden, book, limit, whose } => {
            return list_reviews(whose, *hidden, *book, *limit).await;
        }
        ReviewAction::HideAll { visitor, book, since, until, whose } => {
            let visitor = visitor.as_deref().map(|text| {
                VisitorId::parse(text).with_context(|| format!("{text} is no visitor; `messages` prints them"))
            });
            let since = since.unwrap_or(OffsetDateTime::UNIX_EPOCH + time::Duration::DAY);
            let until = until.unwrap_or_else(OffsetDateTime::now_utc);
            return hide_all(whose, visitor.transpose()?, book.map(BookId::from), since, until).await;
        }
        ReviewAction::Hide { id, whose } => (whose, id, StaffTask::HideReview { rating: *id }),
        ReviewAction::Unhide { id, whose } => (whose, id, StaffTask::UnhideReview { rating: *id }),
    };
    let StaffAnswer::Rating(rating) = ask(whose, &task).await? else { bail!(UNEXPECTED_RESPONSE) };
    let rating = rating.with_context(|| format!("there is no rating {id}"))?;
    Ok(Report::new(format_rating(&rating), json!({ "rating": rating })))
}

/// Repeats the task until no review is left, because each invocation hides some.
async fn hide_all(
    whose: &Whose,
    visitor: Option<VisitorId>,
    book: Option<BookId>,
    since: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Report> {
    let (task, mut all) = (StaffTask::HideReviews { visitor, book, since, until }, 0);
    loop {
        let StaffAnswer::Hidden { ratings, more } = ask(whose, &task).await? else { bail!(UNEXPECTED_RESPONSE) };
        all += ratings;
        if !more {
            break;
        }
    }
    let text = format!("Hidden: {all} review(s). `reviews unhide` shows one again.");
    Ok(Report::new(text, json!({ "hidden": all })))
}

fn moment(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "must be a time such as 2026-01-02T03:00:00Z".to_owned())
}

async fn list_reviews(whose: &Whose, hidden: bool, book: Option<BookId>, limit: u64) -> Result<Report> {
    let limit = usize::try_from(limit)?;
    let mut ratings: Vec<StaffRating> = Vec::new();
    while ratings.len() < limit {
        let before = ratings.last().map(RatingKey::of);
        let StaffAnswer::Ratings(page) = ask(whose, &StaffTask::ListRatings { hidden, book, before }).await? else {
            bail!(UNEXPECTED_RESPONSE);
        };
        if page.is_empty() {
            break;
        }
        ratings.extend(page);
    }
    ratings.truncate(limit);
    let none = if hidden { "No rating is hidden." } else { "There are no ratings." };
    Ok(Report::new(blocks(ratings.iter().map(format_rating), none), json!({ "ratings": ratings })))
}

pub async fn visitors(args: &Visitors) -> Result<Report> {
    let VisitorAction::Erase { id, yes, whose } = &args.action;
    let visitor = VisitorId(*id);
    if !yes {
        let StaffAnswer::Stored { ratings, messages, orders } =
            ask(whose, &StaffTask::CountVisitor { visitor }).await?
        else {
            bail!(UNEXPECTED_RESPONSE)
        };
        outln!(
            "This erases visitor {id} for good: {ratings} rating(s) with their stars, {messages} message(s), whatever \
             arrives later from them, and who placed their {orders} order(s), of which books, amounts and dates stay."
        );
    }
    confirm("Erase this visitor?", *yes, "nothing was erased")?;
    let task = StaffTask::EraseVisitor { visitor };
    let StaffAnswer::Erased { ratings, messages, orders, open_orders } = ask(whose, &task).await? else {
        bail!(UNEXPECTED_RESPONSE)
    };
    let text = match (ratings, messages, orders + open_orders) {
        (0, 0, 0) => format!("There is no data of visitor {id}."),
        (_, _, 0) => format!("Erased for visitor {id}: {ratings} rating(s), {messages} message(s)."),
        _ => format!(
            "Erased for visitor {id}: {ratings} rating(s), {messages} message(s), who placed {orders} order(s); {open_orders} \
             open order(s) follow when they are closed."
        ),
    };
    let result = json!({
        "visitor": id, "ratings": ratings, "messages": messages, "orders": orders, "open_orders": open_orders,
    });
    Ok(Report::new(text, result))
}

pub async fn searches(args: &Searches) -> Result<Report> {
    let StaffAnswer::SearchMisses(misses) = ask(&args.whose, &StaffTask::ListSearchMisses).await? else {
        bail!(UNEXPECTED_RESPONSE)
    };
    let line = |SearchMiss { query, searches, last_at }: &SearchMiss| {
        format!("{searches:>6}  {}  {}", minute(*last_at), plain(query))
    };
    let lines = misses.iter().map(line).collect::<Vec<_>>().join("\n");
    let text = if misses.is_empty() { "Every search has found something." } else { lines.as_str() };
    Ok(Report::new(text, json!({ "searches": misses })))
}

pub(super) const UNEXPECTED_RESPONSE: &str =
    "unexpected response of run-staff-task: the deployed version differs from this command; deploy again";

pub(super) async fn ask(whose: &Whose, task: &StaffTask) -> Result<StaffAnswer> {
    let (stage, aws) = connect(&whose.stage).await?;
    let name = stage.physical(FUNCTION);
    let answer = aws.invoke(&name, "live", &serde_json::to_value(task)?, TIMEOUT).await?;
    serde_json::from_value(answer).context(UNEXPECTED_RESPONSE)
}

fn format_message(message: &ContactMessage) -> String {
    let ContactMessage { id, name, email, subject, message: words, sent_at, answered_at, visitor } = message;
    let state = answered_at.map_or("open".to_owned(), |at| format!("answered {}", minute(at)));
    let visitor = visitor.map(|visitor| format!("\n    visitor {}", visitor.0)).unwrap_or_default();
    format!(
        "{id}  {} <{}>  {}  {state}\n    {}{visitor}\n\n{}",
        plain(name),
        plain(email),
        minute(*sent_at),
        plain(subject),
        indented(words)
    )
}

fn format_rating(rating: &StaffRating) -> String {
    let StaffRating { id, book, title, visitor, stars, name, review, sent_at, hidden_at } = rating;
    let state = hidden_at.map_or("shown".to_owned(), |at| format!("hidden {}", minute(at)));
    let name = name.as_deref().map(|name| format!(" by {}", plain(name))).unwrap_or_default();
    let words = review.as_deref().map(|words| format!("\n\n{}", indented(words))).unwrap_or_default();
    format!(
        "{id}  {stars} of 5 stars for {} (book {book}){name}  {}  {state}\n    visitor {}{words}",
        plain(title),
        minute(*sent_at),
        visitor.0
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {}", plain(line))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_message_shows_who_wrote_it_and_cannot_steer_the_terminal() {
        let message = ContactMessage {
            id: 12,
            name: "Ana".into(),
            email: "ana@example.org".into(),
            subject: "Un libro\u{1b}[2J".into(),
            message: "Hola,\n¿lo tienen?".into(),
            sent_at: datetime!(2026-01-02 03:04:05 UTC),
            answered_at: None,
            visitor: None,
        };
        assert_eq!(
            format_message(&message),
            "12  Ana <ana@example.org>  2026-01-02 03:04 UTC  open\n    Un libro\\u{1b}[2J\n\n    Hola,\n    ¿lo tienen?"
        );
    }

    #[test]
    fn a_rating_shows_its_visitor_so_that_all_of_theirs_can_be_erased() {
        let visitor = VisitorId(Uuid::from_u128(7));
        let rating = StaffRating {
            id: 3,
            book: 53.into(),
            title: "El túnel".into(),
            visitor,
            stars: 1,
            name: Some("Troll".into()),
            review: None,
            sent_at: datetime!(2026-01-02 03:04:05 UTC),
            hidden_at: Some(datetime!(2026-01-03 00:00:00 UTC)),
        };
        assert_eq!(
            format_rating(&rating),
            "3  1 of 5 stars for El túnel (book 53) by Troll  2026-01-02 03:04 UTC  hidden 2026-01-03 00:00 UTC\n    \
             visitor 00000000-0000-0000-0000-000000000007"
        );
    }
}
